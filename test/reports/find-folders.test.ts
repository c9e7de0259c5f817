/** Which folders a report is made from. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findFolders } from "../../reports/records/find-folders.ts";
import { temporaryFolder } from "../support/temporary-files.ts";

describe("the folders of a report", () => {
  it("are runs below those that were named, of one precision or of several, and benches; each once", async () => {
    const folder = temporaryFolder();
    const made = ["a/run.json", "b/opt/vqav2/run.json", "c/opt/int8/vqav2/run.json", "d/bench.json", "e/notes.txt"];
    for (const name of made) {
      mkdirSync(join(folder, name, ".."), { recursive: true });
      writeFileSync(join(folder, name), "{}");
    }
    const found = await findFolders(["a", "b", "a", "c", "d", "e"].map((name) => join(folder, name)));
    const places = found.map(({ path, kind }) => `${kind} ${path.slice(folder.length + 1)}`);
    const expected = ["run a", "run b/opt/vqav2", "run c/opt/int8/vqav2", "bench d", "unknown e"];
    assert.deepEqual(places, expected);
  });
});
