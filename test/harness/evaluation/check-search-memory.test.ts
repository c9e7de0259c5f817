/** --beams: as many as fit into memory, and a word where they do not, before a model is loaded. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { checkSearchMemory, searchBytes } from "../../../harness/evaluation/generation/check-search-memory.ts";
import { callCommand, inProcess } from "../../support/command-process.ts";
import { projectRoot } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const image = join(projectRoot, "datasets", "bundled", "val2014", "COCO_val2014_000000000108.jpg");
const small = ["-m", "shapes-opt-small", "-q"];

describe("many beams", () => {
  it("take memory that grows with their square", () => {
    const size = (beams: number) => ({ decoding: { beams, newTokens: { min: 0, max: 10 } }, texts: 8 });
    assert.equal(searchBytes(4, size(10)), 7 * 8 * 4 * 10 * 100 * 4);
    assert.equal(searchBytes(4, size(100)), 100 * searchBytes(4, size(10)));
    const model = { name: "a-model", attentionHeads: 4 };
    const bytes = searchBytes(4, size(100));
    checkSearchMemory(model, size(100), bytes);
    checkSearchMemory({ name: "of unknown heads" }, size(100), 0);
    assert.throws(() => {
      checkSearchMemory(model, size(100), bytes - 1);
    }, /^UsageError: --beams: 100 beams of 10 tokens for 8 texts at a time take about 89\.6 MB in a-model, and 89\.6 MB are free\./);
  });

  it("are searched with, more than the vocabulary has tokens", async () => {
    const { code, out, err } = await inProcess(
      temporaryFolder(),
      "caption",
      image,
      ...small,
      "--beams",
      "600",
      "--max-new-tokens",
      "4",
    );
    assert.equal(code, 0, err);
    assert.match(out, /\w/);
  });

  for (const words of [
    ["caption", image],
    ["ask", image, "What is it?"],
    ["chat", image],
    ["run", "-t", "vqav2", "--limit", "2", "-o", "out"],
  ]) {
    it(`that do not fit are refused by ${words[0]!}`, async () => {
      const all = [...words, ...small, "--beams", "1000000"];
      const { code, err } = await callCommand(temporaryFolder(), { words: all, lines: ["What is it?"] });
      assert.equal(code, 2, err);
      assert.match(err, /^error: --beams: 1000000 beams of \d+ tokens .* GB are free\. .*give fewer/m);
    });
  }
});
