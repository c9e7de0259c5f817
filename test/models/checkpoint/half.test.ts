/** Parts of a model in fp16: what stays fp32, how far numbers and answers move, and what becomes of those that outgrow it. */
import assert from "node:assert/strict";
import type { Tensor } from "onnxruntime-node";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { prepareWeights } from "../../../models/checkpoint/quantized-weights.ts";
import { narrowFloat16, widenFloat16 } from "../../../models/checkpoint/half-precision.ts";
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { parsePrecision } from "../../../models/checkpoint/precision.ts";
import { storedTensor } from "../../../models/checkpoint/precision-recipe.ts";
import { KvCache } from "../../../models/generation/kv-cache.ts";
import { GraphBuilder } from "../../../models/graph/builder.ts";
import { visionTransformer } from "../../../models/networks/vision-transformer.ts";
import { float32Tensor, floats, Session } from "../../../models/runtime.ts";
import { inProcess } from "../../support/command-process.ts";
import { bundled, GoldenTensors } from "../../support/goldens.ts";
import { projectRoot } from "../../support/project.ts";
import { scaledCheckpoint } from "../../support/scaled-checkpoint.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const folder = temporaryFolder();
const half = parsePrecision("fp16");

interface Prediction {
  readonly status: string;
  readonly text?: string;
  readonly error?: string;
}

function predictions(run: string): readonly Prediction[] {
  const lines = readFileSync(join(folder, run, "predictions.jsonl"), "utf8")
    .trimEnd()
    .split("\n");
  return lines.map((line) => JSON.parse(line) as Prediction);
}

function rootMeanSquare(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

function answer(model: string, precision: string, output: string, limit = 100): ReturnType<typeof inProcess> {
  const words = ["run", "-m", model, "-t", "vqav2", "--limit", String(limit), "--precision", precision, "-o", output];
  return inProcess(folder, ...words, "--no-report", "--cache", "cache");
}

describe("the recipe of fp16", () => {
  const precisionOf = (name: string, shape: readonly number[] = [64, 64]) =>
    storedTensor({ name, shape }, half).precision;

  it("stores weights, biases and norms of the parts it is for", () => {
    assert.equal(precisionOf("vision_model.encoder.layers.0.mlp.fc1.weight"), "fp16");
    assert.equal(precisionOf("vision_model.encoder.layers.0.layer_norm1.bias", [64]), "fp16");
    assert.equal(precisionOf("language_projection.weight"), "fp16");
    assert.equal(precisionOf("language_model.model.decoder.layers.0.fc1.weight"), "fp16");
  });

  it("leaves in fp32 the Q-Former, the head, T5's wo and what is added to T5's hidden states", () => {
    for (const name of [
      "qformer.encoder.layer.0.attention.attention.query.weight",
      "query_tokens",
      "language_model.lm_head.weight",
      "language_model.encoder.block.0.layer.1.DenseReluDense.wo.weight",
      "language_model.encoder.block.0.layer.0.layer_norm.weight",
    ]) {
      assert.equal(precisionOf(name), "fp32", name);
    }
  });

  it("takes the head where it is named, and refuses the Q-Former", () => {
    const named = parsePrecision("fp16,head=fp16");
    assert.equal(storedTensor({ name: "language_model.lm_head.weight", shape: [64, 64] }, named).precision, "fp16");
    assert.throws(() => parsePrecision("q-former=fp16"), /the Q-Former and its queries stay fp32/);
  });
});

describe("rounding to fp16 on the CPU", () => {
  it("gives the numbers of fp16, infinite beyond them, in a graph and in a graph inside of it", async () => {
    const values = Float32Array.from({ length: 4000 }, (_, i) => Math.sin(i * 1.7) * 10 ** (((i * 37) % 88) / 10 - 4));
    const normal = values.filter((value) => Math.abs(value) > 2 ** -14);
    const given = Float32Array.of(
      ...normal,
      65_503,
      65_504,
      65_519,
      65_520,
      -65_520,
      1e30,
      -1e30,
      0,
      Infinity,
      Number.NaN,
    );
    const g = new GraphBuilder("rounding");
    const x = g.input("x", ["numbers"]);
    g.output("y", g.cast(g.multiply(g.cast(x, "float16"), g.scalar(1, "float16")), "float32"));
    const graph = g.finish();
    assert.equal(graph.isHalf, true);
    const session = await Session.load(graph, { threads: 1 });
    const { y } = await session.run({ x: float32Tensor(given, [given.length]) }, ["y"]);
    await session.release();
    assert.deepEqual([...floats(y)], [...widenFloat16(narrowFloat16(given))]);
  });

  it("leaves nothing behind of a sequence whose numbers were none", () => {
    const shape = { layers: 1, heads: 1, head: 2, type: "float32" } as const;
    const cache = new KvCache(shape, { batch: 2, capacity: 3 });
    cache.begin([null, null]);
    const none = (): Tensor => float32Tensor(new Float32Array(2 * 2 * 2).fill(Number.NaN), [2, 2, 1, 2]);
    cache.keep({ keys: [none()], values: [none()] }, { first: 0, counts: [2, 2] });
    for (let sequence = 0; sequence < 2; sequence += 1) cache.clear(sequence);
    for (const tensor of Object.values(cache.feeds())) assert.deepEqual([...floats(tensor)], new Array(8).fill(0));
  });
});

describe("a checkpoint in fp16", () => {
  // Each of some forty operators rounds by up to 1 in 2,048, one way or the other: a few in a thousand together. A wrong operator
  // is off by more than a tenth.
  const tolerance = 0.01;

  for (const name of ["shapes-opt-small", "shapes-t5-small"]) {
    it(`has image tokens near the reference's, of weights half as large: ${name}`, async () => {
      const goldens = await GoldenTensors.of(name);
      const options = { cacheFolder: join(folder, "cache"), hubCache: join(folder, "hub"), precision: half };
      const checkpoint = await openCheckpoint(join(projectRoot, "models", "bundled", name), options);
      const weights = await prepareWeights(checkpoint, options);
      const graph = visionTransformer(weights.at("vision_model"), checkpoint.config.vision);
      assert.equal(graph.isHalf, true);
      const whole = visionTransformer((await bundled(name)).weights.at("vision_model"), checkpoint.config.vision);
      assert.equal(graph.weightsBytes * 2, whole.weightsBytes);
      const session = await Session.load(graph, { threads: 1 });
      const pixels = float32Tensor(await goldens.floats("pixel_values"), goldens.shape("pixel_values"));
      const { image_tokens } = await session.run({ pixels }, ["image_tokens"]);
      await session.release();
      const expected = await goldens.floats("vision.last_hidden_state");
      const errors = floats(image_tokens).map((value, index) => value - expected[index]!);
      const share = rootMeanSquare(errors) / rootMeanSquare(expected);
      assert.ok(share > 1e-4, `${share}: nothing was rounded`);
      assert.ok(share <= tolerance, `image tokens: off by ${share} of their size`);
    });
  }

  for (const [name, least] of [
    ["shapes-opt-base", 97],
    ["shapes-t5-base", 97],
  ] as const) {
    it(`gives at least ${least} of 100 answers as in fp32, and says that it is no faster here: ${name}`, async () => {
      assert.equal((await answer(name, "fp32", `${name}-fp32`)).code, 0);
      const { code, err } = await answer(name, "fp16", `${name}-fp16`);
      assert.equal(code, 0, err);
      assert.match(err, /fp16: the CPU computes it no faster than fp32/);
      assert.equal(/fp16 leaves T5's hidden states, norms and wo in fp32/.test(err), name === "shapes-t5-base");
      const [expected, found] = [predictions(`${name}-fp32`), predictions(`${name}-fp16`)];
      const same = found.filter(({ text }, index) => text === expected[index]!.text).length;
      assert.ok(same >= least, `${same} of 100 answers`);
      const { config } = JSON.parse(readFileSync(join(folder, `${name}-fp16`, "run.json"), "utf8")) as {
        config: { precision: string };
      };
      assert.equal(config.precision, "fp16");
    });
  }

  it("is prepared ahead, counted and kept", async () => {
    const { code, out } = await inProcess(
      folder,
      "prepare",
      "-m",
      "shapes-opt-small",
      "--precision",
      "fp16",
      "--cache",
      "ahead",
    );
    assert.equal(code, 0);
    assert.match(out, /^shapes-opt-small fp16: \d+ tensors fp16, \d+ tensors fp32; [\d.]+ to [\d.]+ MB in /);
    assert.match(
      (await inProcess(folder, "cache", "verify", "--cache", "ahead")).out,
      /shapes-opt-small +fp16 weights .* whole /,
    );
  });

  it("computes a part of its own, beside one that is quantized", async () => {
    const { code, err } = await answer("shapes-opt-small", "language=fp16,vision=int8", "parts", 4);
    assert.equal(code, 0, err);
    assert.equal(predictions("parts").filter(({ status }) => status === "predicted").length, 4);
  });

  it("fails the samples whose numbers outgrow it, with the reason, and scores none of them", async () => {
    // The same function in fp32, for ReLU lets a factor through; in fp16 the numbers between the two matrices are infinite.
    const layer = "language_model.model.decoder.layers.0";
    const model = scaledCheckpoint(folder, {
      [`${layer}.final_layer_norm.weight`]: 300,
      [`${layer}.final_layer_norm.bias`]: 300,
      [`${layer}.fc1.weight`]: 2000,
      [`${layer}.fc1.bias`]: 6e5,
      [`${layer}.fc2.weight`]: 1 / 6e5,
    });
    assert.equal((await answer(model, "fp32", "large-fp32", 12)).code, 0);
    assert.equal((await answer("shapes-opt-small", "fp32", "plain-fp32", 12)).code, 0);
    const texts = (run: string): readonly unknown[] => predictions(run).map(({ text }) => text);
    assert.deepEqual(texts("large-fp32"), texts("plain-fp32"));
    for (const way of ["stepwise", "graph"]) {
      const { code, err } = await inProcess(
        folder,
        ...["run", "-m", model, "-t", "vqav2", "--limit", "12", "--precision", "fp16", "-o", `large-${way}`],
        ...["--no-report", "--cache", "cache", "--generation", way],
      );
      assert.equal(code, 3, err);
      const failed = predictions(`large-${way}`).filter(({ status }) => status === "failed");
      assert.equal(failed.length, 12);
      for (const { error } of failed) assert.match(error ?? "", /logits are not numbers, as where numbers outgrow/);
    }
  });
});
