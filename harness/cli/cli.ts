#!/usr/bin/env node
/** Flags in, exit code out: command.ts on the tasks and checkpoints of catalog.ts. */
import { catalog } from "../catalog/catalog.ts";
import { main } from "./command.ts";
import { ignoreClosedPipe } from "./terminal.ts";

ignoreClosedPipe(process.stdout);
ignoreClosedPipe(process.stderr);
process.exitCode = await main(process.argv.slice(2), catalog, process);
