/**
 * Times the pipeline, stage by stage, on a checkpoint with real layer sizes and random weights, written at the start:
 *
 *   npm run bench:pipeline -- [--shape base] [--folder scratch/base] [--precision int8] [--threads 2] [--images 8] [--batch 8]
 *     [--rounds 3] [--ends forced] [--without share-images,refill]
 *     [--features made] [--generation stepwise] [--image-threads 0]
 *
 * One JSON object a line, the fastest of several rounds: VQA (five questions an image, beam 5, ten new tokens),
 * captions (beam 5, thirty new tokens) and a greedy caption of one image; then the machine's peak rates, and the share
 * of them that was reached. No text ends early, so the amount of work is fixed; with `--ends free` texts end where the
 * model ends them. Each optimisation named by `--without` is switched off in rounds of its own, which alternate with
 * the others. A checkpoint that is in the folder already is timed as it is, whatever its shape. With `--features kept`
 * the image encoder's output is read from disk in all rounds but the first, which is not counted.
 */
import { tmpdir } from "node:os";
import path from "node:path";
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import type { Blip2Config } from "../../../models/checkpoint/config.ts";
import { describePrecision, parsePrecision } from "../../../models/checkpoint/precision.ts";
import type { Precision } from "../../../models/checkpoint/precision.ts";
import { generationShapes } from "../../../models/checkpoint/random-shapes.ts";
import { generationWays } from "../../../models/generation/generation-way.ts";
import { loadGenerationCheckpoint } from "../../../models/load-blip2.ts";
import type { VisionLanguageModel } from "../../../models/model.ts";
import type { GraphRun } from "../../../models/runtime.ts";
import { usableProcessors } from "../../catalog/usable-processors.ts";
import { unknownName, UsageError } from "../../catalog/usage-error.ts";
import { peakMemoryMiB, print, provideCheckpoint, readFlags, round, runBenchmark } from "../bench-report.ts";
import type { Flags } from "../bench-report.ts";
import { measureCeilings } from "./ceilings.ts";
import type { Ceilings } from "./ceilings.ts";
import { perform, worksOf, workOnce } from "./pipeline-works.ts";
import type { Performance, Work, WorkOnce } from "./pipeline-works.ts";
import { reached } from "./pipeline-shares.ts";
import { stepLimitMs } from "./step-limit.ts";

async function main(): Promise<void> {
  const flags = readFlags("bench:pipeline", defaults, process.argv.slice(2));
  const threads = flags.count("threads");
  const precision = parsePrecision(flags.text("precision"));
  const without = leftOut(flags.text("without"));
  const works = worksOf({
    images: flags.count("images"),
    batch: flags.count("batch"),
    ends: oneOf("ends", flags.text("ends"), ["forced", "free"]),
  });
  const folder = flags.text("folder") || path.join(tmpdir(), `blip2-bench-${flags.text("shape")}`);
  await provideCheckpoint(folder, shapeNamed(flags));

  const runs: GraphRun[] = [];
  const onRun = (run: GraphRun): void => void runs.push(run);
  const options = {
    threads,
    precision,
    onRun,
    cacheFolder: path.join(tmpdir(), "blip2-bench-cache"),
    hubCache: "",
    keepFeatures: oneOf("features", flags.text("features"), ["made", "kept"]) === "kept",
    generation: oneOf("generation", flags.text("generation"), generationWays),
    imageThreads: flags.text("image-threads") === "0" ? 0 : flags.count("image-threads"),
  };
  const start = performance.now();
  const checkpoint = await openCheckpoint(folder, options);
  const model = await loadGenerationCheckpoint(checkpoint, options);
  const ms = round(performance.now() - start);
  const loaded = { folder: path.basename(folder), precision: describePrecision(precision), threads };
  print({ work: "load", ...loaded, ms, peakMemoryMiB: peakMemoryMiB() });
  const performed = new Map<Work, Performance>();
  for (const work of works) {
    const { all, others } = await fastest(model, work, { rounds: flags.count("rounds"), without, runs });
    performed.set(work, all);
    print({ ...describe(work, all), ...loaded });
    for (const [name, other] of others) {
      print({
        work: work.name,
        without: name,
        questionsPerSecond: rate(work, other.ms),
        gain: round(other.ms / all.ms, 3),
      });
    }
  }
  await model.release();

  const ceilings = await measureCeilings({ threads }); // last, because it needs much memory
  print({ ceilings: described(ceilings), threads });
  const { config } = checkpoint;
  for (const [work, one] of performed)
    print({ work: work.name, shares: shares(work, one, { ceilings, config, precision }) });
}

const defaults = {
  shape: "base",
  folder: "",
  threads: usableProcessors(),
  images: 8,
  batch: 8,
  rounds: 3,
  precision: "fp32",
  ends: "forced",
  without: "",
  features: "made",
  generation: "stepwise",
  "image-threads": "0",
};

function shapeNamed(flags: Flags<keyof typeof defaults>): (typeof generationShapes)[keyof typeof generationShapes] {
  const name = flags.text("shape");
  const shape = new Map(Object.entries(generationShapes)).get(name);
  if (shape !== undefined) return shape;
  throw unknownName(`--shape ${name}`, "shape", { name, names: Object.keys(generationShapes) });
}

function leftOut(list: string): readonly WorkOnce[] {
  const names = list.split(",").filter((name) => name !== "");
  return names.map((name) => {
    const known = workOnce.find((one) => one === name);
    if (known === undefined) throw unknownName(`--without ${name}`, "way", { name, names: workOnce });
    return known;
  });
}

function oneOf<Word extends string>(flag: string, found: string, words: readonly Word[]): Word {
  const word = words.find((each) => each === found);
  if (word !== undefined) return word;
  throw new UsageError(`bench:pipeline --${flag}: found "${found}", expected ${words.join(" or ")}.`);
}

/**
 * The first round warms up. Each round runs every variant once, so that changes in the machine's speed affect all of
 * them.
 */
async function fastest(
  model: VisionLanguageModel,
  work: Work,
  {
    rounds,
    without,
    runs,
  }: { readonly rounds: number; readonly without: readonly WorkOnce[]; readonly runs: GraphRun[] },
): Promise<{ readonly all: Performance; readonly others: ReadonlyMap<WorkOnce, Performance> }> {
  const best = new Map<WorkOnce | null, Performance>();
  for (let turn = 0; turn <= rounds; turn += 1) {
    for (const [index, way] of [null, ...without].entries()) {
      const performed = await perform(model, work, { without: way, round: `${turn}.${index}`, runs });
      if (turn > 0 && performed.ms < (best.get(way)?.ms ?? Infinity)) best.set(way, performed);
    }
  }
  return { all: best.get(null)!, others: new Map(without.map((way) => [way, best.get(way)!])) };
}

function rate({ images, questionsAnImage }: Work, ms: number): number {
  return round((1000 * images * questionsAnImage) / ms, 3);
}

function describe(work: Work, { ms, stagesMs }: Performance): object {
  const questions = work.images * work.questionsAnImage;
  const each = Object.entries(stagesMs).map(([stage, total]): [string, number] => [stage, round(total / questions, 2)]);
  const { name, images, batch } = work;
  return {
    work: name,
    questions,
    images,
    batch,
    questionsPerSecond: rate(work, ms),
    msPerQuestion: round(ms / questions),
    msPerQuestionByStage: Object.fromEntries(each),
    peakMemoryMiB: peakMemoryMiB(),
  };
}

/**
 * Shares from 0 to 1. `visionOfFp32`: the image encoder's rate over the peak rate in fp32. `stepOfRead`: bytes of
 * weights that a step reads a second over the peak memory rate. `stepOfLimit`: the shortest possible time of a step of
 * all beams (step-limit.ts) over its measured time.
 */
function shares(
  work: Work,
  performed: Performance,
  {
    ceilings,
    config: { vision, text },
    precision,
  }: { readonly ceilings: Ceilings; readonly config: Blip2Config; readonly precision: Precision },
): Readonly<Record<string, number>> {
  const { outsideGraphs, visionRate, step, beamStep } = reached(work, performed, vision);
  const limitMs = beamStep === null || text === null ? null : stepLimitMs(beamStep, { text, precision }, ceilings);
  return {
    outsideGraphs: round(outsideGraphs, 4),
    visionOfFp32: round(visionRate / ceilings.fp32, 3),
    ...(step !== null && {
      stepMs: round(step.ms, 2),
      stepOfRead: round(step.bytesPerSecond / ceilings.read, 3),
    }),
    ...(beamStep !== null && { stepRows: beamStep.rows, stepMs: round(beamStep.ms, 2) }),
    ...(beamStep !== null && limitMs !== null && { stepOfLimit: round(limitMs / beamStep.ms, 3) }),
  };
}

function described(ceilings: Ceilings): Readonly<Record<string, number>> {
  const billions = (value: number): number => round(value / 1e9);
  return {
    fp32GflopPerSecond: billions(ceilings.fp32),
    int8GopPerSecond: billions(ceilings.int8 ?? Number.NaN),
    oneRowFp32GBPerSecond: billions(ceilings.oneRowFp32),
    oneRowInt4GBPerSecond: billions(ceilings.oneRowInt4 ?? Number.NaN),
    readGBPerSecond: billions(ceilings.read),
  };
}

await runBenchmark(main);
