#!/usr/bin/env node
/** Flags in, exit code out: command.ts on the tasks and checkpoints of catalog.ts. */
import { runCommand } from "./command.ts";

await runCommand(async () => (await import("../catalog/catalog.ts")).catalog, process);
