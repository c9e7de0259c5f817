/**
 * What `compare` found, as one document: types, and the check for a file that is read back. Differences are candidate - base,
 * unrounded, in the metric's unit: a fraction, or CIDEr's own.
 */
import * as z from "zod";
import { metricUnitSchema } from "../metric-unit.ts";

export const comparisonFormat = "blip2-bench-comparison/1";

const count = z.int().nonnegative();
/** An end is null where the samples bound it on that side not at all. */
const interval = z.object({ low: z.number().nullable(), high: z.number().nullable() });

const runSide = z.object({
  folder: z.string(),
  checkpoint: z.string(),
  /** `fp32`, another, or several by part. */
  precision: z.string(),
  /** Hash of everything that moved a prediction. */
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
  /** Images. */
  clusters: count,
  base: z.number(),
  candidate: z.number(),
  difference: z.number(),
  /** Clustered by image; null for one image. */
  standardError: z.number().nullable(),
  /** 95 %, two-sided. */
  interval,
  /** One-sided 95 % bounds: the ends of the two-sided 90 % interval. What a margin is held against. */
  bounds: interval,
  /** How the two were made: Student's t on the standard error; inverted sign-flip test, for few images; bootstrap (BCa). */
  method: z.enum(["t", "sign-flip", "bootstrap"]),
  /** Sign-flip test, two-sided. */
  pValue: z.number(),
  /** By Benjamini and Hochberg, over every p-value of the document. */
  adjustedP: z.number(),
  permutations: z.object({ draws: count, exact: z.boolean() }),
  /** Of right or wrong; for a graded score, of "scores 1". Takes samples as independent. */
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
  /** 95 %, over images; null where it was not asked for. */
  bootstrap: z.object({ draws: count, percentile: interval, bca: interval }).nullable(),
  /** Samples whose score differs; null for a score that is not made of samples' scores. */
  differing: count.nullable(),
  /** The smallest true difference found at the 5 % level with 80 % power; null where no score differs. */
  detectable: z.number().nullable(),
});

const side = z.object({ answer: z.string().nullable(), score: z.number() });

const pairComparison = z.object({
  task: z.string(),
  split: z.string(),
  protocol: z.string(),
  base: runSide,
  candidate: runSide,
  /** Fewer compared than either has, where only a part is in both. */
  samples: z.object({ compared: count, base: count, candidate: count, failedInBoth: count }),
  /** Samples with the same answer; null where none is given, as in retrieval. */
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
  /** What a reader should know besides. */
  notes: z.array(z.string()),
});

export type Comparison = z.infer<typeof comparisonSchema>;
export type PairComparison = z.infer<typeof pairComparison>;
export type MetricComparison = z.infer<typeof metricComparison>;
export type Flip = PairComparison["flips"]["samples"][number];

/** Throws a ZodError where the value is no comparison as this version writes them. */
export function parseComparison(value: unknown): Comparison {
  return comparisonSchema.parse(value);
}
