/**
 * The findings of `gate` as one document. Numbers are unrounded and in the metric's unit; `words` say how a verdict
 * came about.
 */
import * as z from "zod";
import { metricUnitSchema } from "../metric-unit.ts";

export const gateResultFormat = "blip2-bench-gate-result/1";

const count = z.int().nonnegative();
/** An end is null where the samples give no limit on that side. */
const interval = z.object({ low: z.number().nullable(), high: z.number().nullable() });

const about = {
  checkpoint: z.string(),
  task: z.string(),
  split: z.string(),
  /** Precision of the candidate; below, that of the run it is held against. */
  precision: z.string(),
  basePrecision: z.string(),
  baseCheckpoint: z.string(),
};

const metricJudgement = z.object({
  kind: z.literal("metric"),
  ...about,
  metric: z.string(),
  unit: metricUnitSchema,
  isPrimary: z.boolean(),
  verdict: z.enum(["pass", "fail", "inconclusive"]),
  margin: z.number(),
  base: z.number(),
  candidate: z.number(),
  /** candidate - base. */
  difference: z.number(),
  standardError: z.number().nullable(),
  /** Two-sided 95 % interval. */
  interval,
  /** One-sided 95 % bounds that the verdict used. */
  bounds: interval,
  method: z.enum(["t", "sign-flip", "bootstrap", "few images differ"]),
  samples: count,
  images: count,
  /** Number of images whose score differs; null where the score is not made of samples' scores. */
  differingImages: count.nullable(),
  /**
   * p-value of "not worse by more than the margin"; below, adjusted by Holm over the primary metrics; null where there
   * is none.
   */
  pValue: z.number().nullable(),
  adjustedP: z.number().nullable(),
  /** For an inconclusive verdict: the number of samples that would probably decide it; null: no number would. */
  samplesNeeded: count.nullable(),
  words: z.string(),
});

const costJudgement = z.object({
  kind: z.enum(["time", "memory"]),
  ...about,
  verdict: z.enum(["pass", "fail", "not judged"]),
  /** The largest ratio that passes. */
  most: z.number(),
  ratio: z.number().nullable(),
  base: z.number().nullable(),
  candidate: z.number().nullable(),
  words: z.string(),
});

export const gateResultSchema = z.object({
  format: z.literal(gateResultFormat),
  /** `partial`: something was not run, so nothing is judged. */
  verdict: z.enum(["pass", "fail", "inconclusive", "partial"]),
  baseline: z.string(),
  candidate: z.string(),
  judgements: z.array(z.discriminatedUnion("kind", [metricJudgement, costJudgement])),
  /** Remarks for the reader; for a partial result, what is missing. */
  notes: z.array(z.string()),
});

export type GateResult = z.infer<typeof gateResultSchema>;
export type Judgement = GateResult["judgements"][number];
export type MetricJudgement = z.infer<typeof metricJudgement>;
export type CostJudgement = z.infer<typeof costJudgement>;
export type About = Pick<
  MetricJudgement,
  "checkpoint" | "task" | "split" | "precision" | "basePrecision" | "baseCheckpoint"
>;

/** Throws a ZodError for a value that is not a gate's result in this version's format. */
export function parseGateResult(value: unknown): GateResult {
  return gateResultSchema.parse(value);
}
