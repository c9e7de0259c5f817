/**
 * Times the pipeline, stage by stage, on a checkpoint of true shape with random weights that is written on the spot:
 *
 *   npm run bench:pipeline -- [--shape base] [--folder scratch/base] [--threads 2] [--images 8]
 *
 * One JSON object a line, the least of several rounds: VQA (five questions an image, beam 5, ten new tokens), captions (beam
 * 5, thirty) and a greedy caption of one image. With random weights no text ends early, so the work is exactly this much.
 */
import { access } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { loadBlip2 } from "../models/load-blip2.ts";
import type { DecodingOptions, GenerationRequest, VisionLanguageModel } from "../models/model.ts";
import { randomShapes, writeRandomCheckpoint } from "../models/checkpoint/random-checkpoint.ts";
import { cocoCaptions } from "../datasets/coco-captions.ts";
import { bundledData, bundledModels } from "./catalog.ts";

const { values: flags } = parseArgs({
  options: {
    shape: { type: "string", default: "base" },
    folder: { type: "string" },
    threads: { type: "string", default: String(availableParallelism()) },
    images: { type: "string", default: "8" },
    batch: { type: "string", default: "8" },
    rounds: { type: "string", default: "3" },
  },
});

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

async function main(): Promise<void> {
  const shapeName = flags.shape;
  if (!(shapeName in randomShapes)) {
    throw new Error(`--shape ${shapeName}: no such shape. Shapes: ${Object.keys(randomShapes).join(", ")}.`);
  }
  const folder = flags.folder ?? path.join(tmpdir(), `blip2-bench-${shapeName}`);
  if (!(await exists(path.join(folder, "config.json")))) {
    const shape = randomShapes[shapeName as keyof typeof randomShapes];
    const tokenizerFrom = path.join(bundledModels, "shapes-opt-base");
    await writeRandomCheckpoint(folder, shape, { seed: 2014, tokenizerFrom, shardBytes: 5e9 });
  }

  const options = {
    threads: Number(flags.threads),
    cacheFolder: path.join(tmpdir(), "blip2-bench-cache"),
    hubCache: "",
  };
  const before = performance.now();
  const model = await loadBlip2(folder, options);
  const loadMs = performance.now() - before;
  print({ work: "load", shape: shapeName, ms: round(loadMs), peakMemoryMiB: peakMemoryMiB() });

  const images = Number(flags.images);
  const works: readonly Work[] = [
    { name: "vqa", questionsAnImage: 5, batch: Number(flags.batch), images, decoding: decoding(5, 10, -1) },
    { name: "caption", questionsAnImage: 1, batch: Number(flags.batch), images, decoding: decoding(5, 30, 1) },
    { name: "greedy caption", questionsAnImage: 1, batch: 1, images: 1, decoding: decoding(1, 30, 1) },
  ];
  for (const work of works) await time(model, work);
  await model.release();
}

async function time(model: VisionLanguageModel, work: Work): Promise<void> {
  const requests = await questions(work);
  let best = Infinity;
  let stages: Readonly<Record<string, number>> = {};
  for (let round = 0; round <= Number(flags.rounds); round += 1) {
    const totals: Record<string, number> = {};
    const start = performance.now();
    for (let first = 0; first < requests.length; first += work.batch) {
      // Another round must not find the last one's images still encoded.
      const batch = requests.slice(first, first + work.batch).map((request) => inRound(request, round));
      for (const answer of await model.generate(batch, work.decoding)) {
        if (answer.status === "failed") throw new Error(answer.error);
        for (const [stage, ms] of Object.entries(answer.latencyMs)) totals[stage] = (totals[stage] ?? 0) + ms;
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
    threads: Number(flags.threads),
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

function peakMemoryMiB(): number {
  return round(process.resourceUsage().maxRSS / 1024);
}

function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

await main();
