/**
 * Whether a device computes what the CPU computes. The small bundled checkpoints answer bundled questions on both, in
 * each precision that the device supports and with both kinds of generation (stepwise and graph); the CPU always runs
 * stepwise. In fp32 the answers must agree; in fewer bits the two devices round at different places, so agreement is
 * only counted.
 */
import path from "node:path";
import { cocoCaptions } from "../../../datasets/coco-captions.ts";
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { parsePrecision } from "../../../models/checkpoint/precision.ts";
import type { PrecisionName } from "../../../models/checkpoint/precision.ts";
import { cpuDevice } from "../../../models/device/device.ts";
import type { Device } from "../../../models/device/device.ts";
import { precisionOn, precisionsOn } from "../../../models/device/device-precisions.ts";
import { loadGenerationCheckpoint } from "../../../models/load-blip2.ts";
import type { LoadOptions } from "../../../models/load-blip2.ts";
import { loadRetrievalCheckpoint } from "../../../models/load-blip2-retrieval.ts";
import type { GenerationRequest, VisionLanguageModel } from "../../../models/model.ts";
import { questionAnswering } from "../../../tasks/own-image.ts";
import { askedOf } from "../../../tasks/task.ts";
import { vqav2 } from "../../../tasks/vqav2.ts";
import { bundledData, bundledModels } from "../../catalog/catalog.ts";
import { generate, rank } from "./check-gpu-answers.ts";
import type { Answers, Ranking } from "./check-gpu-answers.ts";
import type { ParityRow } from "./check-gpu-judge.ts";

const generating = ["shapes-opt-small", "shapes-t5-small"];
const ranking = "shapes-itm";
const compared: readonly PrecisionName[] = ["fp32", "fp16", "int4"];
const ways = ["stepwise", "graph"] as const;
const mostImages = 8; // for retrieval, where every image is compared and matched with every text

export interface ParityOptions extends LoadOptions {
  readonly device: Device;
  readonly questions: number;
  readonly onProgress: (message: string) => void;
}

/** Reports each row as soon as it is known, because a faulty driver may end the process. */
export async function compareWithCpu(options: ParityOptions, onRow: (row: ParityRow) => Promise<void>): Promise<void> {
  for (const precision of compared.filter((name) => precisionsOn(options.device).includes(name))) {
    for (const checkpoint of generating) await compareAnswers({ checkpoint, precision }, options, onRow);
    options.onProgress(`parity: ${ranking} ${precision}`);
    await onRow(await compareRankings({ checkpoint: ranking, precision }, options));
  }
}

interface Subject {
  readonly checkpoint: string;
  readonly precision: PrecisionName;
}

async function compareAnswers(
  subject: Subject,
  options: ParityOptions,
  onRow: (row: ParityRow) => Promise<void>,
): Promise<void> {
  const answersOn = async (device: Device, generation: (typeof ways)[number]): Promise<Answers> => {
    const own = {
      ...options,
      device,
      generation,
      precision: precisionOn(parsePrecision(subject.precision), options.device),
    };
    const model = await loadGenerationCheckpoint(await openBundled(subject, own), own);
    try {
      const requests = await questionsFor(model, options.questions);
      return await generate(model, requests, questionAnswering.decoding(model.family, "paper"));
    } finally {
      await model.release();
    }
  };
  const expected = await answersOn(cpuDevice, "stepwise");
  for (const way of ways) {
    options.onProgress(`parity: ${subject.checkpoint} ${subject.precision} ${way}`);
    const found = await answersOn(options.device, way);
    const same = found.tokens.filter((tokens, index) => tokens !== null && tokens === expected.tokens[index]).length;
    await onRow({
      ...subject,
      generation: way,
      compared: expected.tokens.length,
      same,
      differences: {
        score: largestDifference(found.scores, expected.scores),
        ...(found.firstStep !== null &&
          expected.firstStep !== null && { "first step": largestDifference(found.firstStep, expected.firstStep) }),
      },
    });
  }
}

async function compareRankings(subject: Subject, options: ParityOptions): Promise<ParityRow> {
  const { samples } = await cocoCaptions.open({ folder: bundledData }, "test");
  const some = samples.slice(0, Math.min(options.questions, mostImages));
  const asked = { images: some.map(({ image }) => image), texts: some.map(({ references }) => references[0] ?? "") };
  const rankingOn = async (device: Device): Promise<Ranking> => {
    const own = { ...options, device, precision: precisionOn(parsePrecision(subject.precision), options.device) };
    const scorer = await loadRetrievalCheckpoint(await openBundled(subject, own), own);
    try {
      return await rank(scorer, asked);
    } finally {
      await scorer.release();
    }
  };
  const expected = await rankingOn(cpuDevice);
  const found = await rankingOn(options.device);
  return {
    ...subject,
    generation: null,
    compared: expected.best.length,
    same: found.best.filter((text, image) => text === expected.best[image]).length,
    differences: {
      similarity: largestDifference(found.similarities, expected.similarities),
      matching: largestDifference(found.matching, expected.matching),
    },
  };
}

function openBundled({ checkpoint }: Subject, options: LoadOptions): ReturnType<typeof openCheckpoint> {
  return openCheckpoint(path.join(bundledModels, checkpoint), options);
}

async function questionsFor({ family }: VisionLanguageModel, count: number): Promise<readonly GenerationRequest[]> {
  const { samples } = await vqav2.dataset.open({ folder: bundledData }, vqav2.dataset.splits[0] ?? "");
  const asked = askedOf(vqav2.protocols.paper, family);
  return samples.slice(0, count).map((sample) => ({ image: sample.image, prompt: asked?.prompt(sample) ?? null }));
}

/** Infinity where the lengths differ or a value is NaN. */
export function largestDifference(found: Float32Array, expected: Float32Array): number {
  if (found.length !== expected.length) return Infinity;
  return found.reduce<number>((most, value, index) => {
    const other = expected[index] ?? Number.NaN;
    const difference = value === other ? 0 : Math.abs(value - other); // also for equal infinities
    return Number.isNaN(difference) ? Infinity : Math.max(most, difference);
  }, 0);
}
