/** The rates that a timed run of the pipeline reached, to be compared with the machine's peak rates (ceilings.ts). */
import type { VisionConfig } from "../../../models/checkpoint/config.ts";
import type { GraphRun } from "../../../models/runtime.ts";
import type { Performance, Work } from "./pipeline-works.ts";
import type { LimitedStep } from "./step-limit.ts";

export interface Reached {
  /** Share of the time in which no graph ran, 0 to 1. */
  readonly outsideGraphs: number;
  /** Multiplications and additions of the image encoder, a second. */
  readonly visionRate: number;
  /**
   * A decode step, and the bytes of weights a second that it reads. Measured for greedy search on one image only, since
   * a step of more rows is limited by arithmetic. null: another work, or the loop over tokens runs inside the graph.
   */
  readonly step: Step | null;
  /** A decode step of all beams of a full batch; null: another work, or the loop over tokens runs inside the graph. */
  readonly beamStep: BeamStep | null;
}

export interface BeamStep extends LimitedStep {
  readonly ms: number;
}

export interface Step {
  readonly ms: number;
  readonly bytesPerSecond: number;
}

export function reached(work: Work, { ms, runs }: Performance, vision: VisionConfig): Reached {
  const { images, batch, decoding } = work;
  const of = (graph: string): readonly GraphRun[] => runs.filter((run) => run.graph === graph);
  const total = (some: readonly GraphRun[]): number => some.reduce((sum, run) => sum + run.ms, 0);
  // A run whose outputs stay on the device can return before the device has finished; the next run that returns values
  // waits for it.
  const isWaitedFor = of("vision").every(({ keptOnDevice }) => keptOnDevice.length === 0);
  const visionMs = total(of("vision")) + (isWaitedFor ? 0 : total(of("q-former")) + total(of("projection")));
  const step = [of("decoder"), of("head")];
  const isStepwise = step.every((graph) => graph.length > 0);
  const isOneRow = isStepwise && decoding.beams === 1 && batch === 1;
  const isFull = isStepwise && decoding.beams > 1 && images * work.questionsAnImage >= batch;
  const stepMs = step.reduce((sum, graph) => sum + median(graph.map((run) => run.ms)), 0);
  const stepBytes = step.reduce((sum, [run]) => sum + (run?.weightsBytes ?? 0), 0);
  return {
    outsideGraphs: 1 - total(runs) / ms,
    visionRate: (images * visionOperations(vision)) / (visionMs / 1000),
    step: isOneRow ? { ms: stepMs, bytesPerSecond: stepBytes / (stepMs / 1000) } : null,
    beamStep: isFull ? { ms: stepMs, rows: batch * decoding.beams, weightsBytes: stepBytes } : null,
  };
}

/** The median. Most runs of a decoder are single steps (29 of 31 in a greedy caption), so the median run is a step. */
function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/**
 * Multiplications and additions for one image, of matrix products and attention; all other operators together are few.
 */
function visionOperations({ hidden, mlp, layers, imageSize, patch, channels }: VisionConfig): number {
  const patches = (imageSize / patch) ** 2;
  const tokens = patches + 1;
  const layer = tokens * (4 * hidden * hidden + 2 * hidden * mlp) + 2 * tokens * tokens * hidden;
  return 2 * (patches * channels * patch * patch * hidden + layers * layer);
}
