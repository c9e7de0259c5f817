/** Files that are replaced as a whole, and what killed processes leave beside them. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, utimesSync } from "node:fs";
import { basename, join } from "node:path";
import { temporaryPath, writeFileWhole } from "../../reports/records/atomic-file.ts";
import { temporaryFolder } from "../support/temporary-files.ts";

const dead = 999_999_999; // more than the largest id of a process

describe("a file that is written as a whole", () => {
  it("takes away what killed processes left of it, and nothing of running ones or of other files", async () => {
    const running = temporaryPath("a.json", process.ppid);
    const others = [temporaryPath("b.json", dead), "a.json.x.tmp", running];
    const names = [temporaryPath("a.json", dead), ...others];
    const folder = temporaryFolder(Object.fromEntries(names.map((name) => [name, "half"])));
    await writeFileWhole(join(folder, "a.json"), "whole");
    assert.equal(readFileSync(join(folder, "a.json"), "utf8"), "whole");
    assert.deepEqual(readdirSync(folder).toSorted(), ["a.json", ...others].toSorted());
  });

  it("leaves what another machine is writing, until nothing was written to it for an hour", async () => {
    const young = [`a.json.h0123abcd.${dead}.tmp`, `a.json.${dead}.tmp`];
    const old = [`a.json.h0123abcd.${dead - 1}.tmp`, `a.json.${dead - 1}.tmp`];
    assert.notEqual(young[0], basename(temporaryPath("a.json", dead)));
    const folder = temporaryFolder(Object.fromEntries([...young, ...old].map((name) => [name, "half"])));
    const longAgo = Date.now() / 1000 - 3700;
    for (const name of old) utimesSync(join(folder, name), longAgo, longAgo);
    await writeFileWhole(join(folder, "a.json"), "whole");
    assert.deepEqual(readdirSync(folder).toSorted(), ["a.json", ...young].toSorted());
  });
});
