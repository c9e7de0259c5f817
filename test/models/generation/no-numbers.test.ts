/** Weights that are no numbers, and numbers that outgrow a precision: what is said of the answers. */
import assert from "node:assert/strict";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { parsePrecision } from "../../../models/checkpoint/precision.ts";
import { readSafetensorsHeader, readTensor } from "../../../models/checkpoint/safetensors.ts";
import { writeSafetensors } from "../../../models/checkpoint/safetensors-writer.ts";
import type { DecodingOptions } from "../../../models/model.ts";
import { loadBlip2 } from "../../../models/load-blip2.ts";
import { loadRetrievalCheckpoint } from "../../../models/load-blip2-retrieval.ts";
import { noNumbersReason } from "../../../models/no-numbers.ts";
import { bundledCheckpoint } from "../../support/changed-checkpoint.ts";
import { cacheFolder, projectRoot } from "../../support/project.ts";
import { scaledCheckpoint } from "../../support/scaled-checkpoint.ts";
import { assertRefused, temporaryFolder } from "../../support/temporary-files.ts";

const options = { threads: 1, cacheFolder, hubCache: "" };
const id = "COCO_val2014_000000000108.jpg";
const image = { id, path: path.join(projectRoot, "datasets", "bundled", "val2014", id) };
const greedy: DecodingOptions = {
  beams: 1,
  newTokens: { min: 0, max: 4 },
  lengthPenalty: 1,
  repetitionPenalty: 1,
  earlyStopping: false,
};

/** A copy whose tensor has NaN at place 7. */
async function broken(name: string, tensor: string): Promise<string> {
  const folder = path.join(temporaryFolder(), name);
  cpSync(bundledCheckpoint(name), folder, { recursive: true });
  const file = path.join(folder, "model.safetensors");
  const entry = (await readSafetensorsHeader(file)).get(tensor);
  assert.ok(entry?.dtype === "F32");
  const bytes = readFileSync(file);
  bytes.writeFloatLE(Number.NaN, entry.offset + 28);
  writeFileSync(file, bytes);
  return folder;
}

const reason = (tensor: string): string =>
  `tensor "${tensor}" of FOLDER/model.safetensors has NaN at place 7. Download the checkpoint again, or train it anew.`;

describe("weights that are no numbers", () => {
  const layer = "language_model.model.decoder.layers.0.fc1.bias";

  for (const generation of ["stepwise", "graph"] as const) {
    it(`are named where answers fail, ${generation}, and nobody is sent to fp32, which it is`, async () => {
      const folder = await broken("shapes-opt-small", layer);
      const model = await loadBlip2(folder, { ...options, generation });
      const [answer] = await model.generate([{ image, prompt: "a photo of" }], greedy);
      const said = `the language model's logits are not numbers, for ${reason(layer)}`;
      assert.equal(answer?.status === "failed" && answer.error.replace(folder, "FOLDER"), said);
      const [first] = (await model.firstStep?.([{ image, prompt: null }])) ?? [];
      if (generation === "stepwise") assert.ok(first?.status === "failed" && first.error.includes(layer));
      await model.release();
    });
  }

  it("are named where images, texts and pairs fail", async () => {
    const load = async (tensor: string) => {
      const folder = await broken("shapes-itm", tensor);
      return { folder, scorer: await loadRetrievalCheckpoint(await openCheckpoint(folder, options), options) };
    };
    const vision = await load("vision_projection.bias");
    const [embedded] = await vision.scorer.embedImages([image]);
    const said = `the image's vectors are not numbers, for ${reason("vision_projection.bias")}`;
    assert.equal(embedded?.status === "failed" && embedded.error.replace(vision.folder, "FOLDER"), said);
    await vision.scorer.release();

    const text = await load("text_projection.bias");
    const texts = await text.scorer.readTexts(["a red star"], { maxTokens: 35 });
    const ofText = `shapes-itm: a text's vectors are not numbers, for ${reason("text_projection.bias")}`;
    await assertRefused(() => text.scorer.embedTexts(texts), ofText, text.folder);
    await text.scorer.release();

    const pair = await load("itm_head.weight");
    await pair.scorer.embedImages([image]);
    const ofPair = `shapes-itm: the matching logits are not numbers, for ${reason("itm_head.weight")}`;
    await assertRefused(() => pair.scorer.match(image, texts), ofPair, pair.folder);
    await pair.scorer.release();
  });

  it("are refused by fp16, which cannot make them numbers either", async () => {
    const folder = await broken("shapes-opt-small", layer);
    await assertRefused(
      () => loadBlip2(folder, { ...options, precision: parsePrecision("fp16") }),
      `FOLDER/model.safetensors: tensor "${layer}" has the number NaN, and no precision makes it one. ` +
        "Download the checkpoint again, or train it anew.",
      folder,
    );
  });
});

describe("numbers that outgrow a precision", () => {
  it("are told from weights that are none", async () => {
    const checkpoint = await openCheckpoint(bundledCheckpoint("shapes-opt-small"), options);
    const said = async (precision: string): Promise<string> =>
      noNumbersReason(checkpoint, parsePrecision(precision))("the logits");
    assert.equal(
      await said("fp32"),
      "the logits are not numbers: they outgrow fp32, although every weight is finite. Do weights and config.json belong together?",
    );
    assert.match(await said("language=int8"), /; --precision fp32 holds the largest$/);
  });

  it("fail in fp32, too, where weights are enormous", async () => {
    const folder = scaledCheckpoint(temporaryFolder(), {
      "language_model.model.decoder.layers.0.final_layer_norm.weight": 1e30,
      "language_model.model.decoder.layers.0.fc1.weight": 1e30,
    });
    const model = await loadBlip2(folder, options);
    const [answer] = await model.generate([{ image, prompt: null }], greedy);
    await model.release();
    assert.match(answer?.status === "failed" ? answer.error : "", /outgrow fp32, although every weight is finite/);
  });
});

describe("weights stored as F64", () => {
  it("give the answers of the same numbers as F32, and in fp16 and int8 as well", async () => {
    const folder = path.join(temporaryFolder(), "doubles");
    cpSync(bundledCheckpoint("shapes-opt-small"), folder, { recursive: true });
    const file = path.join(folder, "model.safetensors");
    const entries = [...(await readSafetensorsHeader(file)).values()];
    const sources = await Promise.all(
      entries.map(async (entry) => {
        const doubles = Float64Array.from(await readTensor(entry));
        return { name: entry.name, dtype: "F64" as const, shape: entry.shape, read: () => Promise.resolve(doubles) };
      }),
    );
    rmSync(file);
    await writeSafetensors(file, sources);
    for (const precision of ["fp32", "language=int8,vision=int4"]) {
      const [plain, doubles] = await Promise.all(
        [bundledCheckpoint("shapes-opt-small"), folder].map(async (where) => {
          const model = await loadBlip2(where, { ...options, precision: parsePrecision(precision) });
          const [answer] = await model.generate([{ image, prompt: "a photo of" }], { ...greedy, beams: 3 });
          await model.release();
          assert.ok(answer?.status === "predicted");
          return [answer.tokens, answer.score];
        }),
      );
      assert.deepEqual(doubles, plain);
    }
  });
});
