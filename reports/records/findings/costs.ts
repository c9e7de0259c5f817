/**
 * What precisions cost, as a document (costs.json): a row for each checkpoint, task and precision, compared with the
 * fp32 run on equal samples. Nothing is rounded.
 */
import type { MetricScore } from "../run-record.ts";

export const costsFormat = "blip2-bench-costs/1";
export const costsNames = ["costs.json", "costs.csv"] as const;

export interface Costs {
  readonly format: typeof costsFormat;
  readonly rows: readonly CostRow[];
  /** Runs without a row or without an fp32 run to compare with, and the reasons. */
  readonly notes: readonly { readonly run: string; readonly reason: string }[];
}

/**
 * One run. Comparisons are with the fp32 run; they are null where this is the fp32 run, there is none, or the value was
 * not measured.
 */
export interface CostRow {
  /** Folder of the run. */
  readonly run: string;
  readonly checkpoint: string;
  readonly precision: string;
  readonly task: string;
  readonly split: string;
  /** As in ScoreRow. */
  readonly protocol: string;
  readonly samples: number;
  /** The task's first metric; null: nothing was scored. */
  readonly score: Pick<MetricScore, "name" | "unit" | "value" | "interval"> | null;
  /** Its score minus that of fp32, in the metric's unit. */
  readonly difference: number | null;
  readonly outputs: OutputAgreement | null;
  readonly firstStep: FirstStepDivergence | null;
  readonly ranking: RankingAgreement | null;
  /** Milliseconds a sample, by stage. */
  readonly stagesMs: Readonly<Record<string, number>>;
  readonly loadMs: number | null;
  readonly weightsBytes: number | null;
  /**
   * Memory of the whole process before the model was loaded; below, its peak by the end of loading and by the end of
   * the run.
   */
  readonly memoryBeforeBytes: number | null;
  readonly loadedMemoryBytes: number | null;
  readonly peakMemoryBytes: number | null;
}

/** Generated texts compared with those of fp32. */
export interface OutputAgreement {
  readonly samples: number;
  /** Number of texts equal to those of the fp32 run, to the character. */
  readonly same: number;
  /** Median position, from 1, of the first token that differs, over answers whose tokens differ; null: none differs. */
  readonly medianFirstDifference: number | null;
  /** Number of answers by the position of their first different token. */
  readonly firstDifferences: Readonly<Record<string, number>>;
}

/** The probability distribution of the first token compared with that of fp32, over the whole vocabulary. */
export interface FirstStepDivergence {
  readonly samples: number;
  /** Mean of KL(fp32 || this run) over samples, in natural logarithms. */
  readonly meanKl: number;
  readonly maxKl: number;
  /** Number of samples whose most likely token equals that of the fp32 run. */
  readonly sameBest: number;
}

/** Similarities and ranks compared with those of the fp32 run. */
export interface RankingAgreement {
  readonly images: number;
  readonly texts: number;
  readonly meanSimilarityDifference: number;
  readonly maxSimilarityDifference: number;
  /** Ranked by similarity alone. */
  readonly similarity: RankAgreement;
  /** Ranked as in the run, with re-ranking. */
  readonly reranked: RankAgreement;
}

/**
 * `first`: the share of rows whose first candidate equals that of fp32; `ten`: the share of the first ten candidates
 * that are among the first ten of fp32.
 */
export interface RankAgreement {
  readonly imageToText: { readonly first: number; readonly ten: number };
  readonly textToImage: { readonly first: number; readonly ten: number };
}

export function costsJson(costs: Costs): string {
  return `${JSON.stringify(costs, null, 2)}\n`;
}

/**
 * Milliseconds of the model alone, without the images, which other threads read, decode and resize in parallel. null
 * where nothing was timed.
 */
export function modelMs(stagesMs: CostRow["stagesMs"]): number | null {
  const stages = Object.entries(stagesMs).filter(([stage]) => !stage.startsWith("image"));
  return stages.length === 0 ? null : stages.reduce((sum, [, ms]) => sum + ms, 0);
}
