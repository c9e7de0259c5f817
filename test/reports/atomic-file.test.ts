/** Files that are replaced as a whole, and what killed processes leave beside them. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileWhole } from "../../reports/records/atomic-file.ts";
import { temporaryFolder } from "../support/temporary-files.ts";

const dead = 999_999_999; // more than the largest id of a process

describe("a file that is written as a whole", () => {
  it("takes away what killed processes left of it, and nothing of running ones or of other files", async () => {
    const running = `a.json.${process.ppid}.tmp`;
    const others = [`b.json.${dead}.tmp`, `a.json.x.tmp`, running];
    const names = [`a.json.${dead}.tmp`, ...others];
    const folder = temporaryFolder(Object.fromEntries(names.map((name) => [name, "half"])));
    await writeFileWhole(join(folder, "a.json"), "whole");
    assert.equal(readFileSync(join(folder, "a.json"), "utf8"), "whole");
    assert.deepEqual(readdirSync(folder).toSorted(), ["a.json", ...others].toSorted());
  });
});
