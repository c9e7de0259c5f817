/**
 * Questions and captions of the bundled world, from the image's file to text, against the reference's answers: all of them by
 * the small checkpoint of each family, every fourth by the larger one, which differs from it in sizes alone.
 */
import assert from "node:assert/strict";
import path from "node:path";
import { vqav2Questions } from "../../../datasets/vqa.ts";
import { loadBlip2 } from "../../../models/load-blip2.ts";
import type { DecodingOptions, Generation, GenerationRequest, VisionLanguageModel } from "../../../models/model.ts";
import { cocoCaption } from "../../../tasks/coco-caption.ts";
import { askedOf } from "../../../tasks/task.ts";
import { vqav2 } from "../../../tasks/vqav2.ts";
import { goldenJson } from "../../support/goldens.ts";
import { cacheFolder, projectRoot } from "../../support/project.ts";

const data = path.join(projectRoot, "datasets", "bundled");

/** In batches of this size, one after the other. */
async function answers(
  model: VisionLanguageModel,
  requests: readonly GenerationRequest[],
  options: DecodingOptions,
  batchSize: number,
): Promise<readonly Generation[]> {
  const all: Generation[] = [];
  for (let start = 0; start < requests.length; start += batchSize) {
    for (const answer of await model.generate(requests.slice(start, start + batchSize), options)) {
      assert.equal(answer.status, "predicted");
      all.push(answer);
    }
  }
  return all;
}

for (const [name, step] of [
  ["shapes-opt-small", 1],
  ["shapes-opt-base", 4],
  ["shapes-t5-small", 1],
  ["shapes-t5-base", 4],
] as const) {
  const isAsked = (_: unknown, index: number): boolean => index % step === 0;
  describe(`${name}, end to end`, () => {
    let model: VisionLanguageModel;
    before(async () => {
      const where = path.join(projectRoot, "models", "bundled", name);
      model = await loadBlip2(where, { threads: 2, cacheFolder, hubCache: "" });
    });
    after(() => model.release());

    it(`answers ${step === 1 ? "all" : `every ${step}th`} of 991 questions as the reference does, in batches of 16, and the first of them one by one`, async () => {
      const all = await vqav2Questions.open({ folder: data }, "val");
      const samples = all.samples.filter(isAsked);
      const { prompt, decoding: options } = askedOf(vqav2.protocols.paper, model.family)!;
      const requests = samples.map((sample) => ({ image: sample.image, prompt: prompt(sample) }));
      const golden = model.family === "opt" ? "vqa_results_lp0.json" : "vqa_results.json"; // each by the paper's penalty
      const goldens = goldenJson(name, golden) as { question_id: number; answer: string; score: number }[];
      assert.equal(goldens.length, 991);
      const expected = goldens.filter(isAsked);

      const found = await answers(model, requests, options, 16);
      for (const [index, { question_id, answer, score }] of expected.entries()) {
        assert.equal(samples[index]?.id, String(question_id));
        assert.equal(found[index]?.text.trim(), answer, `question ${question_id}`);
        assert.ok(Math.abs(found[index].score! - score) <= 1e-4, `score of question ${question_id}`);
      }
      const other = goldenJson(name, "vqa_results.json") as { question_id: number; answer: string }[];
      assert.deepEqual(
        goldens.map(({ answer }) => answer),
        other.map(({ answer }) => answer), // the penalty moves no answer of the bundled world
      );
      const alone = await answers(model, requests.slice(0, 40), options, 1);
      assert.deepEqual(
        alone.map(({ tokens }) => tokens),
        found.slice(0, 40).map(({ tokens }) => tokens),
      );
    });

    for (const [file, prompt] of [
      ["caption_results.json", null],
      ["caption_prompted_results.json", "a photo of"],
    ] as const) {
      it(`captions ${step === 1 ? "all" : `every ${step}th`} of 300 images as the reference does, ${prompt === null ? "without text" : `behind "${prompt}"`}`, async () => {
        const goldens = goldenJson(name, file) as { image_id: number; caption: string }[];
        assert.equal(goldens.length, 300);
        const expected = goldens.filter(isAsked);
        const requests = expected.map(({ image_id }) => {
          const file = `COCO_val2014_${String(image_id).padStart(12, "0")}.jpg`;
          return { image: { id: String(image_id), path: path.join(data, "val2014", file) }, prompt };
        });
        const found = await answers(model, requests, askedOf(cocoCaption.protocols.paper, model.family)!.decoding, 16);
        for (const [index, { image_id, caption }] of expected.entries()) {
          assert.equal(found[index]?.text.trim(), caption, `image ${image_id}`);
        }
      });
    }
  });
}
