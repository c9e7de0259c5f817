/**
 * How fast a device runs a checkpoint with real layer sizes and random weights, and which share of the device's peak
 * rates it reaches.
 */
import { access } from "node:fs/promises";
import path from "node:path";
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { describePrecision } from "../../../models/checkpoint/precision.ts";
import type { Precision } from "../../../models/checkpoint/precision.ts";
import type { Device } from "../../../models/device/device.ts";
import type { OptShape, RandomShape, T5Shape } from "../../../models/checkpoint/random-shapes.ts";
import { tensorShapes } from "../../../models/checkpoint/tensor-shapes.ts";
import { isInGraph } from "../../../models/generation/generation-way.ts";
import type { GenerationWay } from "../../../models/generation/generation-way.ts";
import { loadGenerationCheckpoint } from "../../../models/load-blip2.ts";
import type { GraphRun } from "../../../models/runtime.ts";
import { gigabytesText } from "../../../reports/tables/numbers.ts";
import { freeBytes } from "../../catalog/machine.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { peakMemoryMiB, provideCheckpoint } from "../bench-report.ts";
import type { Ceilings } from "../pipeline/ceilings.ts";
import { reached } from "../pipeline/pipeline-shares.ts";
import type { Step } from "../pipeline/pipeline-shares.ts";
import { perform, worksOf } from "../pipeline/pipeline-works.ts";
import type { Performance, Work } from "../pipeline/pipeline-works.ts";

export interface SpeedOptions {
  readonly shape: RandomShape<OptShape | T5Shape>;
  readonly folder: string;
  readonly device: Device;
  readonly precision: Precision;
  readonly generation: GenerationWay;
  readonly threads: number;
  readonly images: number;
  readonly batch: number;
  readonly rounds: number;
  readonly onProgress: (message: string) => void;
}

export interface TimedWork {
  readonly work: string;
  readonly images: number;
  readonly questions: number;
  readonly batch: number;
  readonly ms: number;
  readonly imagesPerSecond: number;
  readonly questionsPerSecond: number;
  /** Tokens of the answers; tokens of discarded beams do not count. */
  readonly tokensPerSecond: number;
  readonly msPerQuestionByStage: Readonly<Record<string, number>>;
}

export interface Speed {
  readonly precision: string;
  readonly generation: "graph" | "stepwise";
  readonly loadMs: number;
  readonly peakMemoryMiB: number;
  /** From an image file to the first token of its caption. */
  readonly firstTokenMs: number;
  readonly works: readonly TimedWork[];
  /** Multiplications and additions of the image encoder, a second, for a batch of many images. */
  readonly visionRate: number;
  readonly step: Step;
}

/** @throws UsageError where the disk is too small; it is checked before anything is written. */
export async function measureSpeed(options: SpeedOptions): Promise<Speed> {
  const { shape, folder, device, precision, generation, threads, images, batch, onProgress } = options;
  await provideRoom(options);
  await provideCheckpoint(folder, shape);
  const runs: GraphRun[] = [];
  const onRun = (run: GraphRun): void => void runs.push(run);
  const load = { threads, device, precision, generation, onRun, cacheFolder: `${folder}.cache`, hubCache: "" };
  onProgress(`speed: loading in ${describePrecision(precision)}`);
  const start = performance.now();
  const checkpoint = await openCheckpoint(folder, load);
  const model = await loadGenerationCheckpoint(checkpoint, load);
  const loadMs = performance.now() - start;
  try {
    const works = worksOf({ images, batch, ends: "forced" });
    const [vqa, , greedy] = works;
    if (vqa === undefined || greedy === undefined) throw new Error("no works");
    const first = { ...greedy, name: "first token", decoding: { ...greedy.decoding, newTokens: { min: 1, max: 1 } } };
    const fastest = new Map<Work, Performance>();
    for (const work of [...works, first]) {
      onProgress(`speed: ${work.name}`);
      for (let round = 0; round <= options.rounds; round += 1) {
        const done = await perform(model, work, { without: null, round: `${work.name} ${round}`, runs });
        // the first round warms up
        if (round > 0 && done.ms < (fastest.get(work)?.ms ?? Infinity)) fastest.set(work, done);
      }
    }
    const { vision } = checkpoint.config;
    const [oneRow, firstToken] = [fastest.get(greedy)!, fastest.get(first)!];
    return {
      precision: describePrecision(precision),
      generation: isInGraph(generation, device) ? "graph" : "stepwise",
      loadMs,
      peakMemoryMiB: peakMemoryMiB(),
      firstTokenMs: firstToken.ms,
      works: works.map((work) => timed(work, fastest.get(work)!)),
      visionRate: reached(vqa, fastest.get(vqa)!, vision).visionRate,
      step: reached(greedy, oneRow, vision).step ?? stepInGraph(greedy, { long: oneRow, short: firstToken }),
    };
  } finally {
    await model.release();
  }
}

/**
 * The mean step where the loop over tokens runs inside the graph and steps cannot be timed: time after the first token
 * / tokens.
 */
function stepInGraph(
  { decoding }: Work,
  { long, short }: { readonly long: Performance; readonly short: Performance },
): Step {
  const ms = (long.ms - short.ms) / (decoding.newTokens.max - 1);
  const loop = long.runs.find(({ graph }) => graph === "generation");
  return { ms, bytesPerSecond: (loop?.weightsBytes ?? Number.NaN) / (ms / 1000) };
}

function timed(work: Work, { ms, stagesMs }: Performance): TimedWork {
  const { name, images, batch, decoding } = work;
  const questions = images * work.questionsAnImage;
  const each = Object.entries(stagesMs).map(([stage, total]): [string, number] => [stage, total / questions]);
  const perSecond = (count: number): number => (1000 * count) / ms;
  return {
    work: name,
    images,
    questions,
    batch,
    ms,
    imagesPerSecond: perSecond(images),
    questionsPerSecond: perSecond(questions),
    tokensPerSecond: perSecond(questions * decoding.newTokens.max),
    msPerQuestionByStage: Object.fromEntries(each),
  };
}

/** Size of converted weights, as a share of the fp32 checkpoint: upper bounds, to tell whether the disk has room. */
const convertedShare = { fp32: 0, fp16: 0.5, int8: 0.35, "int8-block": 0.35, int4: 0.25 } as const;

async function provideRoom({ shape, folder, precision, onProgress }: SpeedOptions): Promise<void> {
  const weights =
    4 * tensorShapes(shape).reduce((sum, [, sizes]) => sum + sizes.reduce((all, size) => all * size, 1), 0);
  const isThere = await access(path.join(folder, "config.json")).then(
    () => true,
    () => false,
  );
  const share = Math.max(...Object.values(precision).map((name) => convertedShare[name]));
  const needed = weights * ((isThere ? 0 : 1) + share);
  const free = await freeBytes(path.resolve(folder));
  onProgress(
    `speed: ${folder}: takes ${gigabytesText(needed)} at most of ${free === null ? "?" : gigabytesText(free)} free`,
  );
  if (free === null || needed <= free) return;
  throw new UsageError(
    `${folder}: found ${gigabytesText(free)} free, expected ${gigabytesText(needed)} for the checkpoint. ` +
      "Give a --folder on a larger disk, or --shape base.",
  );
}

/** Which share of the device's peak rates in that precision was reached, 0 to 1; null: not measured. */
export interface Shares {
  readonly visionOfMatrixRate: number | null;
  readonly stepOfBandwidth: number;
}

export function sharesOf({ visionRate, step }: Speed, ceilings: Ceilings, precision: Precision): Shares {
  const rate = precision.vision === "fp16" ? ceilings.fp16 : precision.vision === "fp32" ? ceilings.fp32 : null;
  return {
    visionOfMatrixRate: rate === null ? null : visionRate / rate,
    stepOfBandwidth: step.bytesPerSecond / bandwidth(ceilings),
  };
}

/** Bytes a second: the highest measured rate. A sum on the CPU can be limited by its additions and not by memory. */
export function bandwidth({ read, oneRowFp32, oneRowFp16 }: Ceilings): number {
  return Math.max(read, oneRowFp32, oneRowFp16 ?? 0);
}
