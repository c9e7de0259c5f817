/** How likely texts are after an image (ITG): as the reference has it, one text at a time (fixtures/itg/goldens.py). */
import assert from "node:assert/strict";
import path from "node:path";
import { openCheckpoint } from "../../models/checkpoint/checkpoint.ts";
import { parsePrecision } from "../../models/checkpoint/precision.ts";
import { loadRetrievalCheckpoint } from "../../models/load-blip2-retrieval.ts";
import type { ImageTextScorer, Likelihoods } from "../../models/model.ts";
import { bundledCheckpoint } from "../support/changed-checkpoint.ts";
import { bundledData } from "../support/fakes.ts";
import { itgGoldens } from "../support/goldens-itg.ts";
import { cacheFolder } from "../support/project.ts";

const options = { cacheFolder, hubCache: "/nowhere", threads: 1 };
const texts = itgGoldens[0]!.likelihoods.map(({ text }) => text);

async function load(name: string, precision = "fp32"): Promise<ImageTextScorer> {
  const checkpoint = await openCheckpoint(bundledCheckpoint(name), options);
  return loadRetrievalCheckpoint(checkpoint, { ...options, precision: parsePrecision(precision) });
}

async function weigh(scorer: ImageTextScorer, image: string, asked: readonly string[]): Promise<Likelihoods> {
  const read = await scorer.readTexts(asked, { maxTokens: 35 });
  const weighed = await scorer.weighTexts({ id: image, path: path.join(bundledData, "val2014", image) }, read);
  assert.ok(weighed.status === "weighed");
  return weighed;
}

describe("how likely texts are", () => {
  it("is the reference's within 1e-4 in sum, of texts of unlike lengths in one batch, repeated ones too", async () => {
    const scorer = await load("shapes-itg");
    for (const { image, likelihoods } of itgGoldens) {
      const { logLikelihoods, tokens } = await weigh(scorer, image, [...texts, texts[0]!]);
      for (const [index, { text, sum, tokens: count }] of likelihoods.entries()) {
        const difference = Math.abs(logLikelihoods[index]! - sum);
        assert.ok(difference <= 1e-4, `${image}, ${text}: ${logLikelihoods[index]}, expected ${sum}`);
        assert.equal(tokens[index], count);
      }
      assert.equal(logLikelihoods[texts.length], logLikelihoods[0]);
    }
    await scorer.release();
  });

  it("does not depend on the other texts, and is told of an image that was embedded before", async () => {
    const scorer = await load("shapes-itg");
    const { image } = itgGoldens[1]!;
    await scorer.embedImages([{ id: image, path: path.join(bundledData, "val2014", image) }]);
    const together = await weigh(scorer, image, texts);
    for (const [index, text] of texts.entries()) {
      const alone = await weigh(scorer, image, [text]);
      assert.ok(Math.abs(alone.logLikelihoods[0]! - together.logLikelihoods[index]!) <= 1e-4); // sums in another order
      assert.equal(alone.latencyMs["vision"], undefined);
    }
    await scorer.release();
  });

  for (const precision of ["fp16", "int8", "int4"]) {
    it(`orders these texts alike in ${precision}`, async () => {
      const scorer = await load("shapes-itg", precision);
      const { image, likelihoods } = itgGoldens[0]!;
      const { logLikelihoods } = await weigh(scorer, image, texts);
      const order = (sums: ArrayLike<number>): string[] =>
        [...texts.keys()].sort((a, b) => sums[a]! - sums[b]!).map((index) => texts[index]!);
      // The two unlikely ones are 3.6 apart in fp32, the others 9 and more.
      assert.deepEqual(order(logLikelihoods).slice(2), order(likelihoods.map(({ sum }) => sum)).slice(2));
      await scorer.release();
    });
  }

  it("needs a head, which shapes-itm has not", async () => {
    const scorer = await load("shapes-itm");
    await assert.rejects(scorer.weighTexts({ id: "a", path: "a" }, [[1]]), {
      name: "CheckpointError",
      message: "shapes-itm: its Q-Former has no head to write with. Make one with: npx blip2-bench convert",
    });
    await scorer.release();
  });
});
