/** The command with the fake model in a process of its own, to be run as a process: see fake-bench-process.ts. */
import { join } from "node:path";
import { runCommand } from "../../harness/cli/command.ts";
import { fakeCatalog, fakeModel } from "./fakes.ts";
import { projectRoot } from "./project.ts";
import { fakePace } from "./queue-pace.ts";

const processEntry = join(projectRoot, "dist", "test", "support", "fake-bench-process.js");
const catalog = { ...fakeCatalog(() => Promise.resolve(fakeModel())), processEntry };
await runCommand(catalog, process, fakePace(process.env));
