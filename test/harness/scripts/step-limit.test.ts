/** The least that a decode step can take, as bench:pipeline has it. */
import assert from "node:assert/strict";
import { parsePrecision } from "../../../models/checkpoint/precision.ts";
import type { VisionConfig } from "../../../models/checkpoint/config.ts";
import { stepLimitMs } from "../../../harness/scripts/pipeline/step-limit.ts";
import { reached } from "../../../harness/scripts/pipeline/pipeline-shares.ts";
import { worksOf } from "../../../harness/scripts/pipeline/pipeline-works.ts";
import type { GraphRun } from "../../../models/runtime.ts";

const opt = { family: "opt", hidden: 2560, wordWidth: 2560, layers: 32, mlp: 10240, vocabulary: 50304 } as const;
const t5 = {
  family: "t5",
  width: 768,
  keyWidth: 64,
  heads: 12,
  mlp: 2048,
  gated: true,
  decoderLayers: 12,
  vocabulary: 32128,
} as const;
const ceilings = { fp32: 200e9, int8: 1000e9, read: 20e9 };

describe("the limit of a decode step", () => {
  it("is arithmetic and reading one after the other: OPT-2.7B in int8, 40 rows", () => {
    const limit = stepLimitMs(
      { rows: 40, weightsBytes: 2.65e9 },
      { text: opt, precision: parsePrecision("int8") },
      ceilings,
    );
    // 32 × (4 × 2560² + 2 × 2560 × 10240) + 50304 × 2560 = 2.645e9 numbers: 211.6 ms; 2.65 GB: 132.5 ms
    assert.equal(limit?.toFixed(1), "344.1");
  });

  it("takes the head by its own precision, and T5's attention to its source without keys and values", () => {
    const limit = stepLimitMs(
      { rows: 1, weightsBytes: 0 },
      { text: t5, precision: parsePrecision("int8,head=fp32") },
      ceilings,
    );
    const layers = 12 * (6 * 768 * 768 + 3 * 768 * 2048);
    assert.equal(limit, 1000 * ((2 * layers) / 1000e9 + (2 * 32128 * 768) / 200e9));
  });

  it("is not known of a precision whose rate is not measured", () => {
    const step = { rows: 40, weightsBytes: 1e9 };
    assert.equal(stepLimitMs(step, { text: opt, precision: parsePrecision("int4") }, ceilings), null);
    const without = { ...ceilings, int8: null };
    assert.equal(stepLimitMs(step, { text: opt, precision: parsePrecision("int8") }, without), null);
  });
});

describe("a step of all beams", () => {
  const run = (graph: string, ms: number): GraphRun => ({ graph, ms, keptOnDevice: [], weightsBytes: 1e9 });
  const performed = {
    ms: 100,
    stagesMs: {},
    runs: [run("vision", 5), run("decoder", 30), ...[4, 5, 6].flatMap((ms) => [run("head", 1), run("decoder", ms)])],
  };
  const vision: VisionConfig = {
    hidden: 8,
    mlp: 8,
    layers: 1,
    heads: 1,
    imageSize: 28,
    patch: 14,
    channels: 3,
    epsilon: 1e-6,
    qkvBias: true,
    patchBias: true,
    preLayerNorm: false,
    activation: "gelu",
  };

  it("is the middle one of a batch that is full, with its rows and the bytes that it reads", () => {
    const [vqa, , greedy] = worksOf({ images: 2, batch: 8, ends: "forced" });
    assert.deepEqual(reached(vqa!, performed, vision).beamStep, { ms: 7, rows: 40, weightsBytes: 2e9 });
    assert.equal(reached(greedy!, performed, vision).beamStep, null);
    assert.equal(reached({ ...vqa!, images: 1 }, performed, vision).beamStep, null);
  });
});
