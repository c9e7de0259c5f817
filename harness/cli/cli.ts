#!/usr/bin/env node
/** Entry point of the command line: runs command.ts with the catalogue of tasks and checkpoints. */
import { runCommand } from "./command.ts";

await runCommand(async () => (await import("../catalog/catalog.ts")).catalog, process);
