/** Conversions through the whole pipeline: they compute what the reference computes with the files' own weights (fixtures/torch/goldens.py). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { convert } from "../../../harness/convert/convert.ts";
import type { ConversionRequest } from "../../../harness/convert/parts.ts";
import type { Checkpoint } from "../../../models/checkpoint/checkpoint.ts";
import { fp32Weights } from "../../../models/checkpoint/float-weights.ts";
import { parsePrecision } from "../../../models/checkpoint/precision.ts";
import { prepareWeights } from "../../../models/checkpoint/quantized-weights.ts";
import { Weights } from "../../../models/checkpoint/weights.ts";
import { loadBlip2 } from "../../../models/load-blip2.ts";
import { loadRetrievalCheckpoint } from "../../../models/load-blip2-retrieval.ts";
import { loadWriterCheckpoint } from "../../../models/load-writer.ts";
import type { GenerationRequest, VisionLanguageModel } from "../../../models/model.ts";
import { qFormer } from "../../../models/networks/q-former.ts";
import { visionTransformer } from "../../../models/networks/vision-transformer.ts";
import { float32Tensor, floats, Session } from "../../../models/runtime.ts";
import { bundledData } from "../../support/fakes.ts";
import { assertClose } from "../../support/goldens.ts";
import { cacheFolder } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";
import { hubCheckpoint, torchFile } from "../../support/torch-fixtures.ts";

interface Golden {
  readonly imageTokens: readonly number[];
  readonly queryOutput: readonly number[];
  readonly images: readonly string[];
  /** Of each image. */
  readonly firstLogits: readonly (readonly number[])[];
}

interface GoldenTexts extends Golden {
  readonly prompt: string;
  /** By the number of beams, of each image. */
  readonly tokens: Readonly<Record<string, readonly (readonly number[])[]>>;
}

interface GoldenPairs extends Golden {
  readonly texts: readonly string[];
  readonly textVectors: readonly (readonly number[])[];
  /** Of each text, of each image: the logit of a match. */
  readonly matching: readonly (readonly number[])[];
}

const golden = JSON.parse(readFileSync(torchFile("golden.json"), "utf8")) as Readonly<
  Record<"opt" | "t5" | "t5-clip", GoldenTexts>
> & { readonly "stage-one": GoldenPairs };
const here = { cacheFolder, hubCache: "/nowhere", threads: 1 };

async function converted(file: string, parts: Partial<ConversionRequest>): Promise<Checkpoint> {
  const nothing = { kind: null, vision: null, language: null, tokenizer: null };
  const output = path.join(temporaryFolder(), "new");
  return (await convert({ ...nothing, file: torchFile(file), ...parts }, { output, ...here })).checkpoint;
}

/** Of two images whose pixel number i is sin(0.7 i), as in goldens.py. */
async function imageTokensOf(weights: Weights, { config }: Checkpoint): Promise<Float32Array> {
  const { imageSize, channels } = config.vision;
  const pixels = Float32Array.from({ length: 2 * channels * imageSize ** 2 }, (_, index) => Math.sin(index * 0.7));
  const session = await Session.load(visionTransformer(weights.at("vision_model"), config.vision), here);
  const feeds = { pixels: float32Tensor(pixels, [2, channels, imageSize, imageSize]) };
  const { image_tokens } = await session.run(feeds, ["image_tokens"]);
  await session.release();
  return floats(image_tokens);
}

async function assertFeatures(checkpoint: Checkpoint, expected: Golden): Promise<void> {
  const { config, name } = checkpoint;
  const weights = Weights.of(name, await fp32Weights(checkpoint, here));
  const imageTokens = await imageTokensOf(weights, checkpoint);
  assertClose(imageTokens, Float32Array.from(expected.imageTokens), "image tokens");
  const session = await Session.load(qFormer(weights, config.qFormer), here);
  const shape = [2, imageTokens.length / 2 / config.vision.hidden, config.vision.hidden];
  const { query_output } = await session.run({ image_tokens: float32Tensor(imageTokens, shape) }, ["query_output"]);
  assertClose(floats(query_output), Float32Array.from(expected.queryOutput), "query output");
  await session.release();
}

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, number, index) => sum + number * b[index]!, 0);
}

function requestsOf({ images }: Golden, prompt: string | null): readonly GenerationRequest[] {
  return images.map((id) => ({ image: { id, path: path.join(bundledData, "val2014", id) }, prompt }));
}

async function assertFirstStep(model: VisionLanguageModel, expected: Golden, prompt: string | null): Promise<void> {
  const steps = await model.firstStep!(requestsOf(expected, prompt));
  for (const [index, logits] of expected.firstLogits.entries()) {
    const step = steps[index]!;
    assert.ok(step.status === "ranked");
    const logSum = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
    const logProbabilities = Float32Array.from(logits, (logit) => logit - logSum);
    assertClose(step.logProbabilities, logProbabilities, `first step of image ${index}`);
  }
}

describe("a converted checkpoint computes what the reference does with the file's weights", () => {
  const decoding = { lengthPenalty: 1, repetitionPenalty: 1, earlyStopping: false, newTokens: { min: 0, max: 8 } };
  const secondStages = [
    ["opt", "opt.pth", "opt", {}, "OPT, ViT-g of the language model's checkpoint"],
    ["t5", "t5.pth", "t5", {}, "T5, a finetuned ViT-g of the file"],
    ["t5-clip", "t5-clip.pth", "t5", { vision: torchFile("clip.pth") }, "T5, CLIP's ViT-L"],
  ] as const;
  for (const [key, file, language, parts, what] of secondStages) {
    it(`${what}: image tokens, query output, first step, tokens, step by step and in one graph`, async () => {
      const expected = golden[key];
      const checkpoint = await converted(file, { language: await hubCheckpoint(language), ...parts });
      await assertFeatures(checkpoint, expected);
      for (const generation of ["stepwise", "graph"] as const) {
        const model = await loadBlip2(checkpoint.folder, { ...here, generation });
        if (generation === "stepwise") await assertFirstStep(model, expected, expected.prompt);
        for (const beams of [1, 5]) {
          const answers = await model.generate(requestsOf(expected, expected.prompt), { ...decoding, beams });
          const tokens = answers.map((answer) => (answer.status === "predicted" ? answer.tokens : answer.error));
          assert.deepEqual(tokens, expected.tokens[beams], `${generation}, ${beams} beams`);
        }
        await model.release();
      }
    });
  }

  it("CLIP's ViT-L in int8: image tokens point where the reference's do", async () => {
    const language = await hubCheckpoint("t5");
    const checkpoint = await converted("t5-clip.pth", { language, vision: torchFile("clip.pth") });
    const expected = Float32Array.from(golden["t5-clip"].imageTokens);
    // Measured: 0.9997 (fp16: 0.999998).
    const weights = await prepareWeights(checkpoint, { ...here, precision: parsePrecision("int8") });
    const found = await imageTokensOf(weights, checkpoint);
    const cosine = dot(found, expected) / Math.sqrt(dot(found, found) * dot(expected, expected));
    assert.ok(cosine >= 0.999, `${cosine}`);
  });

  it("stage 1, EVA's ViT-g: image tokens, query output, vectors of texts, matching, the first word that is written", async () => {
    const expected = golden["stage-one"];
    const checkpoint = await converted("stage-one.pth", {
      vision: torchFile("eva.pth"),
      tokenizer: await hubCheckpoint("itm"),
    });
    await assertFeatures(checkpoint, expected);
    const writer = await loadWriterCheckpoint(checkpoint, here);
    await assertFirstStep(writer, expected, null);
    await writer.release();
    const model = await loadRetrievalCheckpoint(checkpoint, here);
    const texts = await model.readTexts(expected.texts, { maxTokens: 32 });
    assertClose(await model.embedTexts(texts), Float32Array.from(expected.textVectors.flat()), "vectors of texts");
    for (const [index, { image }] of requestsOf(expected, null).entries()) {
      const found = await model.match(image, texts);
      assert.ok(found.status === "matched");
      const logits = Float32Array.from(expected.matching, (ofText) => ofText[index]!);
      assertClose(Float32Array.from(found.logits), logits, `matching of image ${index}`);
    }
    await model.release();
  });
});
