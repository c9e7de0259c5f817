/**
 * The workloads that the pipeline is timed on, and the optimisations that can be switched off to see what each is
 * worth.
 */
import { cocoCaptions } from "../../../datasets/coco-captions.ts";
import type { Batching, DecodingOptions, GenerationRequest, VisionLanguageModel } from "../../../models/model.ts";
import type { GraphRun } from "../../../models/runtime.ts";
import { stagesBeside } from "../../../reports/records/run-record.ts";
import { readAhead } from "../../processes/read-ahead.ts";
import { bundledData } from "../../catalog/catalog.ts";

/**
 * An image is encoded once for all its questions; the words that prompts begin with run once an image; waiting
 * questions take the rows of finished ones; images are read while the model computes.
 */
export const workOnce = ["share-images", "share-prompt", "refill", "read-ahead"] as const;
export type WorkOnce = (typeof workOnce)[number];

export interface Work {
  readonly name: string;
  readonly questionsAnImage: number;
  readonly images: number;
  readonly batch: number;
  readonly decoding: DecodingOptions;
}

/** What one round of a workload took. */
export interface Performance {
  readonly ms: number;
  /**
   * Milliseconds by stage, all questions together. `between` is time outside all stages; images are read in parallel to
   * the rest.
   */
  readonly stagesMs: Readonly<Record<string, number>>;
  readonly runs: readonly GraphRun[];
}

/** `ends`: `forced` lets every text run to the maximum of new tokens, `free` lets the model end it. */
export function worksOf({
  images,
  batch,
  ends,
}: {
  readonly images: number;
  readonly batch: number;
  readonly ends: "forced" | "free";
}): readonly Work[] {
  const decoding = (beams: number, tokens: number, lengthPenalty: number): DecodingOptions => ({
    beams,
    newTokens: { min: ends === "forced" ? tokens : 1, max: tokens },
    lengthPenalty,
    repetitionPenalty: 1,
    earlyStopping: false,
  });
  return [
    { name: "vqa", questionsAnImage: 5, batch, images, decoding: decoding(5, 10, -1) },
    { name: "caption", questionsAnImage: 1, batch, images, decoding: decoding(5, 30, 1) },
    { name: "greedy caption", questionsAnImage: 1, batch: 1, images: 1, decoding: decoding(1, 30, 1) },
  ];
}

/**
 * `round`: a name that differs in each round and becomes part of the image ids, so that no round finds images encoded
 * earlier.
 */
export async function perform(
  model: VisionLanguageModel,
  work: Work,
  { without, round, runs }: { readonly without: WorkOnce | null; readonly round: string; readonly runs: GraphRun[] },
): Promise<Performance> {
  const requests = (await requestsOf(work)).map((request) => inRound(request, round));
  const batching: Batching = {
    size: work.batch,
    refill: without !== "refill",
    sharePrompt: without !== "share-prompt",
    shareImages: without !== "share-images",
  };
  runs.length = 0;
  const stagesMs: Record<string, number> = {};
  const start = performance.now();
  const window = windowBatches * work.batch;
  for (let first = 0; first < requests.length; first += window) {
    if (without !== "read-ahead") readAhead(model, [requests.slice(first + window, first + 2 * window)]);
    for (const answer of await model.generate(requests.slice(first, first + window), work.decoding, batching)) {
      if (answer.status === "failed") throw new Error(answer.error);
      for (const [stage, ms] of Object.entries(answer.latencyMs)) stagesMs[stage] = (stagesMs[stage] ?? 0) + ms;
    }
  }
  const ms = performance.now() - start;
  const between = Object.entries(stagesMs).reduce(
    (rest, [stage, one]) => (stagesBeside.has(stage) ? rest : rest - one),
    ms,
  );
  return { ms, stagesMs: { ...stagesMs, between }, runs: [...runs] };
}

const windowBatches = 4; // the window of a run, see harness/evaluation/generation/ask.ts

/** The requests of a workload. */
export async function requestsOf({ images, questionsAnImage }: Work): Promise<readonly GenerationRequest[]> {
  const { samples } = await cocoCaptions.open({ folder: bundledData }, "test");
  const words = ["shape", "color", "size", "corner", "place"];
  return samples.slice(0, images).flatMap(({ image }) =>
    words.slice(0, questionsAnImage).map((word) => ({
      image,
      prompt: questionsAnImage === 1 ? "a photo of" : `Question: what ${word} is the star in this picture? Answer:`,
    })),
  );
}

function inRound(request: GenerationRequest, round: string): GenerationRequest {
  return { ...request, image: { ...request.image, id: `${request.image.id} of round ${round}` } };
}
