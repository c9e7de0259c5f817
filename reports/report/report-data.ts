/**
 * report.json: everything a report says, as types and as a schema (docs/schemas/report.schema.json is made from it). The page,
 * the tables and the charts are made from this and nothing else. null is "not measured", never 0.
 */
import * as z from "zod";
import { benchSchema, distributionSchema, pointSchema } from "../records/bench/bench-record.ts";
import { metricUnitSchema, unitSignSchema } from "../records/metric-unit.ts";
import { reportFormat } from "../records/report-folder.ts";
import { runRecordSchema } from "../records/run-record.ts";
import { recordedPrecision } from "../records/recorded-precision.ts";

const count = z.int().nonnegative();
const text = z.string();
const amount = z.number().nullable();

const fileState = z.object({
  name: text,
  sha256: text,
  /** As SHA256SUMS has it; null: the folder was written before there was one, so the file cannot be checked. */
  recorded: text.nullable(),
});

/** One metric, rounded as the table of `run` rounds. */
const row = z.object({
  checkpoint: text,
  precision: text,
  device: text,
  deviceName: text.nullable(),
  driver: text.nullable(),
  onDevice: amount,
  onCpu: text.nullable(),
  task: text,
  split: text,
  protocol: text,
  metric: text,
  score: amount,
  standardError: amount,
  low: amount,
  high: amount,
  unit: unitSignSchema,
  published: amount,
  publishedSource: text.nullable(),
  samples: count,
  scored: count,
  failed: count,
  status: z.enum(["complete", "partial"]),
  value: amount,
});

/** Milliseconds a sample: of what is computed for a batch, a sample has its share. */
const latency = z.object({
  /** All stages together. */
  sampleMs: distributionSchema,
  stagesMs: z.record(text, distributionSchema),
  /** This share of samples takes at most `value` milliseconds. */
  curve: z.array(z.object({ value: z.number(), share: z.number() })).readonly(),
  /** 1000 / the mean of sampleMs: loading and waiting are not in it. */
  samplesPerSecond: z.number(),
});

/** What a run may have measured of itself besides its predictions. */
export const measuredSchema = z.object({
  loadMs: amount.optional(),
  peakMemoryBytes: amount.optional(),
  weightsBytes: amount.optional(),
});

/** Ours beside a published number; fractions, or CIDEr's own unit. */
const comparison = z.object({
  metric: text,
  unit: metricUnitSchema,
  ours: amount,
  low: amount,
  high: amount,
  published: z.number(),
  difference: amount,
  source: text,
  /** `interval`: it lies in ours; `tolerance`: as near as public reports lie to each other; `outside`: neither. */
  verdict: z.enum(["interval", "tolerance", "outside", "unjudged"]),
  reasons: z.array(text).readonly(),
});

const run = z.object({
  /** Short, and only of this report: "run-1". */
  id: text,
  folder: text,
  /** Runs of one group answered the same samples of the same data, so they can be compared. */
  group: text,
  record: runRecordSchema,
  files: z.array(fileState).readonly(),
  rows: z.array(row).readonly(),
  latency: latency.nullable(),
  measured: measuredSchema,
  comparisons: z.array(comparison).readonly(),
  /** Why nothing of it can be compared with published numbers. */
  obstacles: z.array(text).readonly(),
  /** Same answers as the fp32 run of the same checkpoint and group. */
  agreement: z.object({ with: text, compared: count, equal: count }).nullable(),
});

const bench = z.object({
  /** "bench-1". */
  id: text,
  folder: text,
  record: benchSchema,
  files: z.array(fileState).readonly(),
  points: z.array(pointSchema).readonly(),
});

const apart = z.object({
  folder: text,
  kind: z.enum(["run", "bench", "unknown"]),
  reasons: z.array(text).readonly(),
  /** What it says of itself, as far as it can be read. Not to be compared with anything. */
  rows: z.array(row).readonly(),
});

const answer = z.object({
  run: text,
  prompt: text.nullable(),
  text,
  /** Of the group's metric; null: that metric has none by sample. */
  score: amount,
});

const sample = z.object({
  id: text,
  group: text,
  image: text,
  question: text.nullable(),
  references: z.array(text).readonly(),
  answers: z.array(answer).readonly(),
});

const galleryGroup = z.object({
  id: text,
  task: text,
  split: text,
  /** Whose scores by sample are shown; null: none has any. */
  metric: z.object({ name: text, unit: metricUnitSchema }).nullable(),
  shown: count,
  of: count,
  /** Samples that two runs of the group answer differently; null: one run, or no answers. */
  differing: count.nullable(),
  /** Why questions, references or images are missing; empty where they are there. */
  notes: z.array(text).readonly(),
});

export const reportSchema = z.object({
  format: z.literal(reportFormat),
  version: text,
  createdAt: text,
  runs: z.array(run).readonly(),
  benches: z.array(bench).readonly(),
  apart: z.array(apart).readonly(),
  gallery: z.object({
    seed: count,
    groups: z.array(galleryGroup).readonly(),
    samples: z.array(sample).readonly(),
  }),
});

export type Report = z.infer<typeof reportSchema>;
export type ReportRun = z.infer<typeof run>;
export type ReportBench = z.infer<typeof bench>;
export type Apart = z.infer<typeof apart>;
export type ReportComparison = z.infer<typeof comparison>;
export type GallerySample = z.infer<typeof sample>;
export type GalleryGroup = z.infer<typeof galleryGroup>;
export type FileState = z.infer<typeof fileState>;
export type Latency = z.infer<typeof latency>;
export type RunMeasures = z.infer<typeof measuredSchema>;

/** As charts and tables name it. */
export function precisionOf({ record }: Pick<ReportRun, "record">): string {
  return recordedPrecision(record.config);
}
