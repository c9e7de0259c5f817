/**
 * The findings of `compare` as one document: types and a schema for reading it. Differences are candidate - base,
 * unrounded, in the metric's unit: a fraction, or CIDEr's own.
 */
import * as z from "zod";
import { metricUnitSchema } from "../metric-unit.ts";

/** Files that a comparison is written to. */
export const comparisonNames = ["comparison.json", "comparison.csv", "comparison.md", "flips.csv"] as const;

export const comparisonFormat = "blip2-bench-comparison/1";

const count = z.int().nonnegative();
/** An end is null where the samples give no limit on that side. */
const interval = z.object({ low: z.number().nullable(), high: z.number().nullable() });

const runSide = z.object({
  folder: z.string(),
  checkpoint: z.string(),
  /** `fp32`, another precision, or several by part. */
  precision: z.string(),
  /** Hash of everything that can change a prediction. */
  identity: z.string(),
  code: z.string(),
});

const metricComparison = z.object({
  metric: z.string(),
  /** A part of the samples, such as answerType "yes/no"; null is all of them. */
  group: z.object({ by: z.string(), name: z.string() }).nullable(),
  unit: metricUnitSchema,
  higherIsBetter: z.boolean(),
  samples: count,
  /** Number of images. */
  clusters: count,
  base: z.number(),
  candidate: z.number(),
  difference: z.number(),
  /** Clustered by image; null for one image. */
  standardError: z.number().nullable(),
  /** Two-sided 95 % interval. */
  interval,
  /** One-sided 95 % bounds: the ends of the two-sided 90 % interval. A gate compares these with its margin. */
  bounds: interval,
  /**
   * How interval and bounds were made: Student's t on the standard error; inverted sign-flip test, for few images;
   * bootstrap (BCa).
   */
  method: z.enum(["t", "sign-flip", "bootstrap"]),
  /** p-value of the two-sided sign-flip test. */
  pValue: z.number(),
  /** p-value adjusted by Benjamini and Hochberg over all p-values of the document. */
  adjustedP: z.number(),
  permutations: z.object({ draws: count, exact: z.boolean() }),
  /** McNemar's test of right or wrong; for a graded score, of "scores 1". It treats samples as independent. */
  mcnemar: z
    .object({
      lost: count,
      gained: count,
      exactP: z.number(),
      midP: z.number(),
      chiSquareP: z.number(),
      pValue: z.number(),
    })
    .nullable(),
  /** 95 % bootstrap intervals over images; null where they were not requested. */
  bootstrap: z.object({ draws: count, percentile: interval, bca: interval }).nullable(),
  /** Number of samples whose score differs; null for a score that is not a mean of samples' scores. */
  differing: count.nullable(),
  /** The smallest true difference that would be found at the 5 % level with 80 % power; null where no score differs. */
  detectable: z.number().nullable(),
});

const side = z.object({ answer: z.string().nullable(), score: z.number() });

const pairComparison = z.object({
  task: z.string(),
  split: z.string(),
  protocol: z.string(),
  base: runSide,
  candidate: runSide,
  /** Numbers of samples. Fewer are compared than each run has where they have only a part in common. */
  samples: z.object({ compared: count, base: count, candidate: count, failedInBoth: count }),
  /** Samples with equal answers in both runs; null for tasks without answers, such as retrieval. */
  agreement: z.object({ identical: count, samples: count }).nullable(),
  metrics: z.array(metricComparison),
  /** Samples whose score of the first metric differs, the largest differences first. */
  flips: z.object({
    metric: z.string(),
    worse: count,
    better: count,
    samples: z.array(z.object({ id: z.string(), image: z.string(), base: side, candidate: side })),
  }),
});

export const comparisonSchema = z.object({
  format: z.literal(comparisonFormat),
  /** `partial`: not every sample, or not every run, of the folders was compared. */
  status: z.enum(["complete", "partial"]),
  options: z.object({ permutations: count, bootstrap: count, seed: count, confidence: z.number() }),
  comparisons: z.array(pairComparison),
  /** Remarks for the reader. */
  notes: z.array(z.string()),
});

export type Comparison = z.infer<typeof comparisonSchema>;
export type PairComparison = z.infer<typeof pairComparison>;
export type MetricComparison = z.infer<typeof metricComparison>;
export type Flip = PairComparison["flips"]["samples"][number];

/** Throws a ZodError for a value that is not a comparison in this version's format. */
export function parseComparison(value: unknown): Comparison {
  return comparisonSchema.parse(value);
}
