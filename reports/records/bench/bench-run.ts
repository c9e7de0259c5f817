/**
 * The measurements of one process of a bench point: run-<n>.json, from which point.json is made when all runs of the
 * point are done; and the answers of an accuracy run, with which those of timed runs are compared.
 */
import * as z from "zod";
import { count, parseBenchFile, runSummary } from "./bench-record.ts";

export const benchRunFormat = "blip2-bench-bench-run/1";
export const benchAccuracyFormat = "blip2-bench-bench-accuracy/1";

const column = z.array(z.number()).readonly();
/** Index of the sample in the data set, and its text; null where it failed. */
const output = z.tuple([count, z.string().nullable()]);

const benchRunSchema = z.object({
  format: z.literal(benchRunFormat),
  point: z.string(),
  /** Number of the restart, from 1. */
  restart: z.int().positive(),
  summary: runSummary,
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  /** Whether the model stalled, or its process ended before the run was over. */
  isBroken: z.boolean(),
  failed: count,
  warmUp: z.object({ queries: count, ms: z.number(), steady: z.boolean() }),
  latencyNs: column,
  issueDelayNs: column,
  firstTokenNs: column,
  perTokenNs: column,
  decodeStepNs: column,
  stagesMs: z.record(z.string(), column),
  tokensPerSecond: z.number().nullable(),
  pairsPerSecond: z.number().nullable().optional(),
  galleryMs: z.number().nullable().optional(),
  peakQueriesPerSecond: z.number().nullable(),
  energyJoules: z.number().nullable(),
  neighbours: z.number().nullable(),
  outputs: z.array(output).readonly(),
});

const benchAccuracySchema = z.object({
  format: z.literal(benchAccuracyFormat),
  name: z.string(),
  accuracy: z
    .object({ metric: z.string(), value: z.number(), standardError: z.number().nullable(), samples: count })
    .nullable(),
  failed: count,
  /** Why some samples have no answer; null where all have one. */
  problem: z.string().nullable(),
  outputs: z.array(output).readonly(),
});

export type BenchRun = z.infer<typeof benchRunSchema>;
export type BenchAccuracy = z.infer<typeof benchAccuracySchema>;

export function parseBenchRun(text: string, where: string): BenchRun {
  return parseBenchFile(benchRunSchema, text, { format: benchRunFormat, where });
}

export function parseBenchAccuracy(text: string, where: string): BenchAccuracy {
  return parseBenchFile(benchAccuracySchema, text, { format: benchAccuracyFormat, where });
}
