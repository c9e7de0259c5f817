/**
 * Times the pipeline, stage by stage, on a checkpoint of true shape with random weights that is written on the spot:
 *
 *   npm run bench:pipeline -- [--shape base] [--folder scratch/base] [--threads 2] [--images 8] [--batch 8] [--rounds 3]
 *     [--precision int8] [--features kept]
 *
 * One JSON object a line, the least of several rounds: VQA (five questions an image, beam 5, ten new tokens), captions (beam
 * 5, thirty) and a greedy caption of one image. With random weights no text ends early, so the work is exactly this much.
 * A checkpoint that lies in the folder already is timed as it is, whatever its shape. With --features kept the image encoder's
 * output is read from disk in all rounds but the first, which is not counted.
 */
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { cocoCaptions } from "../../datasets/coco-captions.ts";
import { parsePrecision } from "../../models/checkpoint/precision.ts";
import { generationShapes } from "../../models/checkpoint/random-shapes.ts";
import { loadBlip2 } from "../../models/load-blip2.ts";
import type { DecodingOptions, GenerationRequest, VisionLanguageModel } from "../../models/model.ts";
import { peakMemoryMiB, print, provideCheckpoint, readFlags, round, runBenchmark } from "./bench-report.ts";
import { bundledData } from "../catalog.ts";
import { unknownName, UsageError } from "../usage-error.ts";

async function main(): Promise<void> {
  const flags = readFlags(
    "bench:pipeline",
    {
      shape: "base",
      folder: "",
      threads: availableParallelism(),
      images: 8,
      batch: 8,
      rounds: 3,
      precision: "fp32",
      features: "made",
    },
    process.argv.slice(2),
  );
  const [images, batch, rounds] = [flags.count("images"), flags.count("batch"), flags.count("rounds")];
  const options = {
    threads: flags.count("threads"),
    cacheFolder: path.join(tmpdir(), "blip2-bench-cache"),
    hubCache: "",
    precision: parsePrecision(flags.text("precision")),
    keepFeatures: flags.text("features") === "kept",
  };
  const features = flags.text("features");
  if (!["made", "kept"].includes(features)) {
    throw new UsageError(`bench:pipeline --features: found "${features}", expected made or kept.`);
  }
  const name = flags.text("shape");
  const shape = new Map(Object.entries(generationShapes)).get(name);
  if (shape === undefined) {
    throw unknownName(`--shape ${name}`, "shape", { name, names: Object.keys(generationShapes) });
  }
  const folder = flags.text("folder") || path.join(tmpdir(), `blip2-bench-${name}`);
  await provideCheckpoint(folder, shape);

  const before = performance.now();
  const model = await loadBlip2(folder, options);
  const loadMs = performance.now() - before;
  const precision = flags.text("precision");
  print({ work: "load", folder: path.basename(folder), precision, ms: round(loadMs), peakMemoryMiB: peakMemoryMiB() });

  const works: readonly Work[] = [
    { name: "vqa", questionsAnImage: 5, batch, images, decoding: decoding(5, 10, -1) },
    { name: "caption", questionsAnImage: 1, batch, images, decoding: decoding(5, 30, 1) },
    { name: "greedy caption", questionsAnImage: 1, batch: 1, images: 1, decoding: decoding(1, 30, 1) },
  ];
  for (const work of works) await time(model, work, { rounds, threads: options.threads, precision });
  await model.release();
}

interface Work {
  readonly name: string;
  readonly questionsAnImage: number;
  readonly batch: number;
  readonly images: number;
  readonly decoding: DecodingOptions;
}

function decoding(beams: number, tokens: number, lengthPenalty: number): DecodingOptions {
  return { beams, newTokens: { min: tokens, max: tokens }, lengthPenalty, repetitionPenalty: 1, earlyStopping: false };
}

async function time(
  model: VisionLanguageModel,
  work: Work,
  { rounds, threads, precision }: { readonly rounds: number; readonly threads: number; readonly precision: string },
): Promise<void> {
  const requests = await questions(work);
  let best = Infinity;
  let stages: Readonly<Record<string, number>> = {};
  for (let round = 0; round <= rounds; round += 1) {
    const totals: Record<string, number> = {};
    const start = performance.now();
    for (let first = 0; first < requests.length; first += work.batch) {
      // Another round must not find the last one's images still encoded.
      const batch = requests.slice(first, first + work.batch).map((request) => inRound(request, round));
      for (const answer of await model.generate(batch, work.decoding)) {
        if (answer.status === "failed") throw new Error(answer.error);
        for (const [stage, ms] of Object.entries(answer.latencyMs)) {
          if (stage === "imageWait") continue; // for the stages of reading, which are counted themselves
          totals[stage] = (totals[stage] ?? 0) + ms;
        }
      }
    }
    const ms = performance.now() - start;
    if (round > 0 && ms < best) [best, stages] = [ms, totals]; // the first round warms up
  }
  const inStages = Object.values(stages).reduce((sum, ms) => sum + ms, 0);
  print({
    work: work.name,
    questions: requests.length,
    images: work.images,
    batch: work.batch,
    threads,
    precision,
    questionsPerSecond: round((1000 * requests.length) / best, 3),
    msPerQuestion: round(best / requests.length),
    msPerQuestionByStage: Object.fromEntries(
      Object.entries({ ...stages, between: best - inStages }).map(([stage, ms]) => [
        stage,
        round(ms / requests.length),
      ]),
    ),
    peakMemoryMiB: peakMemoryMiB(),
  });
}

async function questions(work: Work): Promise<readonly GenerationRequest[]> {
  const { samples } = await cocoCaptions.open({ folder: bundledData }, "test");
  const words = ["shape", "color", "size", "corner", "place"];
  return samples.slice(0, work.images).flatMap(({ image }) =>
    words.slice(0, work.questionsAnImage).map((word) => ({
      image,
      prompt:
        work.questionsAnImage === 1 ? "a photo of" : `Question: what ${word} is the star in this picture? Answer:`,
    })),
  );
}

function inRound(request: GenerationRequest, round: number): GenerationRequest {
  return { ...request, image: { ...request.image, id: `${request.image.id} of round ${round}` } };
}

await runBenchmark(main);
