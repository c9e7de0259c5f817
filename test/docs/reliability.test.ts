/** docs/reliability.md beside the tree: the tests that it names are there, and every promise names one. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../support/project.ts";

const page = readFileSync(join(projectRoot, "docs", "reliability.md"), "utf8");
const testFile = /`(test\/[\w./-]+\.test\.ts)`/g;

describe("docs/reliability.md", () => {
  it("names tests that are there", () => {
    const named = [...page.matchAll(testFile)].map(([, file]) => file!);
    assert.ok(named.length > 5);
    assert.deepEqual(
      named.filter((file) => !existsSync(join(projectRoot, file))),
      [],
    );
  });

  it("names a test beside each promise", () => {
    const rows = page.split("\n").filter((line) => line.startsWith("| ") && !/^\| (?:promise |-)/.test(line));
    assert.ok(rows.length > 5);
    for (const row of rows) assert.match(row.split("|").at(-2)!, /`test\/[\w./-]+\.test\.ts`/, row);
  });
});
