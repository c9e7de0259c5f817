/** Image features that are kept: answers are those of a run without, whoever wrote what is read. */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { cocoCaptions } from "../../../datasets/coco-captions.ts";
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { parsePrecision } from "../../../models/checkpoint/precision.ts";
import type { PreparationEvent } from "../../../models/checkpoint/weight-cache.ts";
import { loadRetrievalCheckpoint } from "../../../models/load-blip2-retrieval.ts";
import { loadBlip2 } from "../../../models/load-blip2.ts";
import type { Generation, GenerationRequest, ImageFile } from "../../../models/model.ts";
import { bundledData } from "../../support/fakes.ts";
import { projectRoot } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const decoding = {
  beams: 2,
  newTokens: { min: 1, max: 6 },
  lengthPenalty: 1,
  repetitionPenalty: 1,
  earlyStopping: false,
} as const;

interface Settings {
  readonly folder: string;
  readonly keepFeatures: boolean;
  readonly precision?: string;
  readonly batchSize?: number;
  readonly said?: string[];
}

async function images(): Promise<readonly ImageFile[]> {
  const { samples } = await cocoCaptions.open({ folder: bundledData }, "test");
  return samples.slice(0, 7).map(({ image }) => image);
}

function optionsOf({ folder, keepFeatures, precision = "fp32", said = [] }: Settings) {
  const onPreparation = (event: PreparationEvent): void => {
    if (event.kind === "damaged") said.push(event.message);
  };
  const options = { threads: 1, cacheFolder: folder, hubCache: "", onPreparation };
  return { ...options, keepFeatures, precision: parsePrecision(precision) };
}

/** `name`: a bundled checkpoint, or a folder. Answers about the images, without their times; and the stages that took time. */
async function answers(
  name: string,
  settings: Settings,
): Promise<{ readonly texts: readonly unknown[]; readonly stages: ReadonlySet<string> }> {
  const model = await loadBlip2(path.resolve(projectRoot, "models", "bundled", name), optionsOf(settings));
  const requests = (await images()).map((image): GenerationRequest => ({ image, prompt: "a photo of" }));
  const all: Generation[] = [];
  const size = settings.batchSize ?? requests.length;
  for (let start = 0; start < requests.length; start += size) {
    const batch = requests.slice(start, start + size);
    await model.readAhead(batch[0]!.image);
    for (const answer of await model.generate(batch, decoding)) {
      assert.ok(answer.status === "predicted");
      all.push(answer);
    }
  }
  await model.release();
  const texts = all.map(({ text, tokens, score }) => ({ text, tokens, score }));
  return { texts, stages: new Set(all.flatMap(({ latencyMs }) => Object.keys(latencyMs))) };
}

const encoding = ["imageDecode", "imageResize", "vision"];

function assertEncoded({ stages }: { readonly stages: ReadonlySet<string> }): void {
  for (const stage of encoding) assert.ok(stages.has(stage), stage);
  assert.ok(!stages.has("features"));
}

function assertRead({ stages }: { readonly stages: ReadonlySet<string> }): void {
  for (const stage of encoding) assert.ok(!stages.has(stage), stage);
  assert.ok(stages.has("features"));
}

/** Folders of features, one an encoder. */
function encoders(folder: string): readonly string[] {
  return readdirSync(path.join(folder, "image-features"));
}

describe("image features that are kept", () => {
  for (const name of ["shapes-opt-small", "shapes-opt-base", "shapes-t5-small", "shapes-t5-base"]) {
    it(`change no answer of ${name}, when they are made, read, or some of both`, async () => {
      const folder = temporaryFolder();
      const plain = await answers(name, { folder, keepFeatures: false });
      assertEncoded(plain);
      const made = await answers(name, { folder, keepFeatures: true, batchSize: 2 });
      assertEncoded(made);
      const read = await answers(name, { folder, keepFeatures: true });
      assertRead(read);
      const [encoder = ""] = encoders(folder);
      const kept = path.join(folder, "image-features", encoder);
      const files = readdirSync(kept, { recursive: true })
        .map(String)
        .filter((file) => file.endsWith(".f32"));
      assert.equal(files.length, 7);
      const said: string[] = [];
      writeFileSync(path.join(kept, files[3]!), readFileSync(path.join(kept, files[3]!)).subarray(0, 1000));
      const mended = await answers(name, { folder, keepFeatures: true, said });
      assert.match(
        said.join("\n"),
        /^[^\n]*\.f32: found 1000 bytes, expected \d+\. The features of this image are made anew\.$/,
      );
      for (const { texts } of [made, read, mended]) assert.deepEqual(texts, plain.texts);
      assertRead(await answers(name, { folder, keepFeatures: true }));
    });
  }

  it("are read by another checkpoint with the same image encoder, and by none with another", async () => {
    const folder = temporaryFolder();
    assertEncoded(await answers("shapes-opt-small", { folder, keepFeatures: true }));
    assertRead(await answers("shapes-t5-base", { folder, keepFeatures: true }));
    assertEncoded(await answers("shapes-opt-base", { folder, keepFeatures: true }));
    assertEncoded(await answers("shapes-opt-small", { folder, keepFeatures: true, precision: "vision=int8-block" }));
    assertRead(await answers("shapes-t5-base", { folder, keepFeatures: true, precision: "language=int4" }));
    assert.equal(encoders(folder).length, 3);
  });

  it("are not read where the preprocessing is another", async () => {
    const folder = temporaryFolder();
    const source = path.join(projectRoot, "models", "bundled", "shapes-opt-small");
    const copy = path.join(folder, "copy");
    mkdirSync(copy);
    for (const file of readdirSync(source)) writeFileSync(path.join(copy, file), readFileSync(path.join(source, file)));
    assertEncoded(await answers("shapes-opt-small", { folder, keepFeatures: true }));
    assertRead(await answers(copy, { folder, keepFeatures: true }));
    const settings = readFileSync(path.join(copy, "processor_config.json"), "utf8");
    writeFileSync(path.join(copy, "processor_config.json"), settings.replace("0.48145466", "0.5"));
    assertEncoded(await answers(copy, { folder, keepFeatures: true }));
  });

  it("are those of the same batch where int8 rounds a batch's rows together", async () => {
    const folder = temporaryFolder();
    const int8 = { folder, precision: "vision=int8" };
    for (const batchSize of [7, 3]) {
      const plain = await answers("shapes-opt-small", { ...int8, keepFeatures: false, batchSize });
      const made = await answers("shapes-opt-small", { ...int8, keepFeatures: true, batchSize });
      const read = await answers("shapes-opt-small", { ...int8, keepFeatures: true, batchSize });
      assert.ok(made.stages.has("vision") && !made.stages.has("features"), "no other batch's are read");
      assert.ok(read.stages.has("features") && !read.stages.has("vision"));
      assert.deepEqual(made.texts, plain.texts);
      assert.deepEqual(read.texts, plain.texts);
    }
  });

  it("change no similarity and no logit of retrieval", async () => {
    const folder = temporaryFolder();
    const plain = await ranked({ folder, keepFeatures: false });
    const made = await ranked({ folder, keepFeatures: true });
    const read = await ranked({ folder, keepFeatures: true });
    assert.deepEqual(made.numbers, plain.numbers);
    assert.deepEqual(read.numbers, plain.numbers);
    assertEncoded(made);
    assertRead(read);
  });

  it("leave an image that cannot be read as it is", async () => {
    const folder = temporaryFolder({ "broken.jpg": "no picture" });
    const where = path.join(projectRoot, "models", "bundled", "shapes-opt-small");
    const model = await loadBlip2(where, optionsOf({ folder, keepFeatures: true }));
    const image = { id: "broken", path: path.join(folder, "broken.jpg") };
    const [answer] = await model.generate([{ image, prompt: null }], decoding);
    await model.release();
    assert.ok(answer?.status === "failed");
    assert.match(answer.error, /broken\.jpg: .*expected JPEG, PNG, WebP or GIF/);
  });
});

async function ranked(settings: Settings) {
  const options = optionsOf(settings);
  const checkpoint = await openCheckpoint(path.join(projectRoot, "models", "bundled", "shapes-itm"), options);
  // Image tokens that find no room are encoded again, or read, when the image is matched.
  const scorer = await loadRetrievalCheckpoint(checkpoint, { ...options, imageTokenBytes: 100_000 });
  const own = await images();
  const texts = await scorer.readTexts(["a red circle", "two blue squares"], { maxTokens: 16 });
  const numbers: Float32Array[] = [];
  const stages = new Set<string>();
  for (const outcome of await scorer.embedImages(own)) {
    assert.ok(outcome.status === "embedded");
    numbers.push(outcome.vectors);
    for (const stage of Object.keys(outcome.latencyMs)) stages.add(stage);
  }
  for (const image of own) {
    const outcome = await scorer.match(image, texts);
    assert.ok(outcome.status === "matched");
    numbers.push(outcome.logits);
    if (!settings.keepFeatures) continue;
    assert.ok(!("vision" in outcome.latencyMs), "what was embedded is not encoded again");
  }
  await scorer.release();
  return { numbers, stages };
}
