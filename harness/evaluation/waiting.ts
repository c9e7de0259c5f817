/** How long a model waited for images and prompts: the share of its time in which it had nothing to compute on. */
import { stagesBeside } from "../../reports/records/run-record.ts";
import type { Prediction, RunRecord } from "../../reports/records/run-record.ts";

export interface StageTimes {
  /** Milliseconds in which a batch stood still: an image of it was not read yet, or its prompts were made into tokens. */
  readonly waitMs: number;
  /** Milliseconds of everything that is done with images once they are read. */
  readonly computeMs: number;
}

/** Sums over the predictions. Reading an image runs beside the computing, so of it only the waiting counts. */
export function stageTimes(predictions: readonly Prediction[]): StageTimes {
  let [waitMs, computeMs] = [0, 0];
  for (const prediction of predictions) {
    if (prediction.status !== "predicted") continue;
    for (const [stage, ms] of Object.entries(prediction.latencyMs)) {
      if (stage === "imageWait" || stage === "tokenize") waitMs += ms;
      else if (!stagesBeside.has(stage)) computeMs += ms;
    }
  }
  return { waitMs, computeMs };
}

/** `shapes-opt-base vqav2: of 61.2 s, the model waited 0.4 s for images and prompts (0.7 %)`; null where nothing was timed. */
export function describeWaiting({ checkpoint, config, timings }: RunRecord): string | null {
  const { waitMs = 0, computeMs = 0 } = timings;
  const wholeMs = waitMs + computeMs;
  if (wholeMs === 0) return null;
  const seconds = (ms: number): string => (ms / 1000).toFixed(1);
  const share = ((100 * waitMs) / wholeMs).toFixed(1);
  const name = `${checkpoint.name} ${config.task}`;
  return `${name}: of ${seconds(wholeMs)} s, the model waited ${seconds(waitMs)} s for images and prompts (${share} %)`;
}
