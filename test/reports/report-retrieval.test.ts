/** A report of retrieval runs: the text on a card is the one that the score counts as first. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { flickr30kTexts } from "../../datasets/flickr30k.ts";
import { reportSchema } from "../../reports/report/report-data.ts";
import { readScores } from "../../reports/records/read-scores.ts";
import { inProcess } from "../support/command-process.ts";
import { projectRoot } from "../support/project.ts";
import { temporaryFolder } from "../support/temporary-files.ts";

const matchedLine = z.object({ id: z.string(), texts: z.array(z.number()), logits: z.array(z.number()) });
const images = 40;

/** Position of the text that comes first for an image: of all its texts sorted anew, a wrong one before a right one. */
function plainFirst(
  similar: Float32Array,
  { texts, logits }: z.infer<typeof matchedLine>,
  { rerank, isOwn }: { readonly rerank: number; readonly isOwn: (text: number) => boolean },
): number {
  const bySimilarity = [...similar.keys()].sort((a, b) => similar[b]! - similar[a]! || a - b);
  const scored = bySimilarity.slice(0, rerank === 0 ? similar.length : rerank).map((text) => {
    const logit = rerank === 0 ? 0 : logits[texts.indexOf(text)]!;
    return { text, score: Math.fround(similar[text]! + logit) };
  });
  scored.sort((a, b) => b.score - a.score || Number(isOwn(a.text)) - Number(isOwn(b.text)) || a.text - b.text);
  return scored[0]!.text;
}

describe("the card of an image in a report", () => {
  for (const rerank of [0, 1, 4, 32, 200]) {
    it(`shows the text that TR@1 counts and predictions.jsonl ranks first, at --rerank ${rerank}`, async () => {
      const folder = temporaryFolder();
      const run = join(folder, "run");
      const words = ["--tasks", "flickr30k-retrieval", "--limit", `${images}`, "--rerank", `${rerank}`, "--quiet"];
      const { code, err } = await inProcess(folder, "run", "--model", "shapes-itm", ...words, "--output", run);
      assert.equal(code, 0, err);

      const report: unknown = JSON.parse(readFileSync(join(run, "report", "report.json"), "utf8"));
      const cards = reportSchema.parse(report).gallery.samples;
      const { samples } = await flickr30kTexts.open({ folder: join(projectRoot, "datasets", "bundled") }, "test");
      const asked = samples.slice(0, images);
      const texts = asked.flatMap((sample) => sample.texts.map(({ text }) => ({ text, image: sample.image.id })));
      const lines = readFileSync(join(run, "predictions.jsonl"), "utf8").trimEnd().split("\n");
      const matched = new Map(lines.map((line) => matchedLine.parse(JSON.parse(line))).map((line) => [line.id, line]));
      const similarities = new Float32Array(new Uint8Array(readFileSync(join(run, "similarities.f32"))).buffer);
      const sheet = await readScores(run);
      assert.equal(cards.length, images);
      for (const [row, { id, image }] of asked.entries()) {
        const similar = similarities.subarray(row * texts.length, (row + 1) * texts.length);
        const isOwn = (text: number): boolean => texts[text]!.image === image.id;
        const first = plainFirst(similar, matched.get(id)!, { rerank, isOwn });
        const shown = cards.find((card) => card.id === id)!.answers[0]!.text;
        assert.equal(shown, texts[first]!.text, id);
        assert.equal(sheet.samples["TR@1"]![row], isOwn(first) ? 1 : 0, id);
      }
    });
  }
});
