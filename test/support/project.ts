/** Where the tests find the project, and a cache of their own. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

/** Tests run from dist/test, this file from dist/test/support. */
export const projectRoot = path.resolve(import.meta.dirname, "..", "..", "..");
export const projectUrl = pathToFileURL(`${projectRoot}/`);

/**
 * Of what a test waits for; on a loaded machine of one processor, too, only what hangs takes so long. A test may wait several
 * times: mocha's own limit (.mocharc.json) is longer.
 */
export const hangMs = 240_000;

/** For converted weights; gone with the process. */
export const cacheFolder = mkdtempSync(path.join(tmpdir(), "blip2-bench-test-"));

process.on("exit", () => {
  rmSync(cacheFolder, { recursive: true, force: true });
});
