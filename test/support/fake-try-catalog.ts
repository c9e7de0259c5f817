/** The catalogue of what a fake `try` serves, and the command with it, to be run as a process. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Catalog } from "../../harness/catalog/catalog.ts";
import { runCommand } from "../../harness/cli/command.ts";
import { fakeCatalog, fakeModel } from "./fakes.ts";
import { projectRoot } from "./project.ts";

export const fakeTryCatalog: Catalog = {
  ...fakeCatalog(() => Promise.resolve(fakeModel())),
  checkpoints: [
    { name: "fake", kind: "generation", family: "opt", folder: "fake" },
    { name: "fake-two", kind: "generation", family: "t5", folder: "fake-two" },
    { name: "fake-broken", kind: "generation", family: "t5", folder: "fake-broken" },
    { name: "fake-itm", kind: "retrieval", family: "itm", folder: "fake-itm" },
    { name: "fake-itg", kind: "retrieval", family: "itm", folder: "fake-itg", writes: true },
  ],
  tryEntry: join(projectRoot, "dist", "test", "support", "fake-try-process.js"),
};

export const fakeTryCommand = join(projectRoot, "dist", "test", "support", "fake-try-catalog.js");

if (process.argv[1] !== undefined && pathToFileURL(process.argv[1]).href === import.meta.url) {
  await runCommand(fakeTryCatalog, process);
}
