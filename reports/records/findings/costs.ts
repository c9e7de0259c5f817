/**
 * What precisions cost, as a document (costs.json): a row for each checkpoint, task and precision, beside the fp32 run of the
 * same samples. Nothing is rounded.
 */
import type { MetricScore } from "../run-record.ts";

export const costsFormat = "blip2-bench-costs/1";
export const costsNames = ["costs.json", "costs.csv"] as const;

export interface Costs {
  readonly format: typeof costsFormat;
  readonly rows: readonly CostRow[];
  /** Runs that are in no row, or have nothing to be compared with, and why. */
  readonly notes: readonly { readonly run: string; readonly reason: string }[];
}

/** One run. What is compared is compared with the fp32 run; null: it is that run, there is none, or it was not measured. */
export interface CostRow {
  /** Its folder. */
  readonly run: string;
  readonly checkpoint: string;
  readonly precision: string;
  readonly task: string;
  readonly split: string;
  /** As in Row. */
  readonly protocol: string;
  readonly samples: number;
  /** The metric a run is judged by; null: nothing was scored. */
  readonly score: Pick<MetricScore, "name" | "unit" | "value" | "interval"> | null;
  /** Its score less that of fp32, in the same unit. */
  readonly difference: number | null;
  readonly outputs: OutputAgreement | null;
  readonly firstStep: FirstStepDivergence | null;
  readonly ranking: RankingAgreement | null;
  /** A sample's share of each stage. */
  readonly stagesMs: Readonly<Record<string, number>>;
  readonly loadMs: number | null;
  readonly weightsBytes: number | null;
  /** Of the whole process: before the model was loaded, and the most by the time it was, and by the end. */
  readonly memoryBeforeBytes: number | null;
  readonly loadedMemoryBytes: number | null;
  readonly peakMemoryBytes: number | null;
}

/** Generated texts beside those of fp32. */
export interface OutputAgreement {
  readonly samples: number;
  /** Texts that are the same, to the character. */
  readonly same: number;
  /** Place of the first token that differs, from 1, among answers whose tokens differ; null: none do. */
  readonly medianFirstDifference: number | null;
  /** Answers whose first different token stands at this place, by place. */
  readonly firstDifferences: Readonly<Record<string, number>>;
}

/** The first token's distribution beside that of fp32, over the whole vocabulary. */
export interface FirstStepDivergence {
  readonly samples: number;
  /** KL(fp32 || this), natural logarithms. */
  readonly meanKl: number;
  readonly maxKl: number;
  /** Samples whose most likely token is the same. */
  readonly sameBest: number;
}

/** Similarities and ranks beside those of fp32. `first`: the share of rows with the same candidate in the first place. */
export interface RankingAgreement {
  readonly images: number;
  readonly texts: number;
  readonly meanSimilarityDifference: number;
  readonly maxSimilarityDifference: number;
  /** By similarity alone. */
  readonly similarity: RankAgreement;
  /** As the run ranks. */
  readonly reranked: RankAgreement;
}

export interface RankAgreement {
  readonly imageToText: { readonly first: number; readonly ten: number };
  readonly textToImage: { readonly first: number; readonly ten: number };
}

export function costsJson(costs: Costs): string {
  return `${JSON.stringify(costs, null, 2)}\n`;
}

/** Of the model: images are read, decoded and resized by other threads meanwhile. null where nothing was timed. */
export function modelMs(stagesMs: CostRow["stagesMs"]): number | null {
  const stages = Object.entries(stagesMs).filter(([stage]) => !stage.startsWith("image"));
  return stages.length === 0 ? null : stages.reduce((sum, [, ms]) => sum + ms, 0);
}
