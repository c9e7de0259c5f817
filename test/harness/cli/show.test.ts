/** --show: tokens, how likely the model found each, and the time by stage. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { assertFails, inProcess } from "../../support/command-process.ts";
import { projectRoot } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const imageFolder = join(projectRoot, "datasets", "bundled", "val2014");
const fileOf = (id: number): string => `COCO_val2014_${String(id).padStart(12, "0")}.jpg`;

describe("--show", () => {
  const image = join(imageFolder, fileOf(108));

  it("puts tokens, how likely they were, and times behind the text", async () => {
    const { code, out } = await inProcess(temporaryFolder(), "ask", image, "what color is the square?", "--show", "-q");
    assert.equal(code, 0);
    const [answer, title, first] = out.split("\n");
    assert.deepEqual([answer, title], ["black", "   likely  token"]);
    assert.match(first!, /^ +\d+\.\d %  " black"$/);
    assert.match(out, /^ +\d+\.\d {2}vision$/m);
    assert.match(out, /^ +\d+\.\d {2}all\n$/m);
  });

  it("makes fields of them in JSON, and refuses a table", async () => {
    const words = ["caption", image, image, join(imageFolder, fileOf(1177)), "--show", "-q"];
    const { out } = await inProcess(temporaryFolder(), ...words, "--json");
    const captions = JSON.parse(out) as { caption: string; tokens: { text: string }[]; latencyMs: object }[];
    assert.equal(captions.length, 2);
    for (const { caption, tokens, latencyMs } of captions) {
      assert.equal(
        tokens
          .map(({ text }) => text)
          .join("")
          .trim(),
        caption,
      );
      assert.ok("decode" in latencyMs);
    }
    const refused = await inProcess(temporaryFolder(), ...words, "--csv");
    assertFails(refused, 2, "--show: a table has no place for tokens. Use --jsonl or --json.");
  });
});
