/**
 * report.json: all contents of a report, as types and as a schema (docs/schemas/report.schema.json is made from it).
 * Page, tables and charts are made from this alone. null means "not measured", never 0.
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
  /**
   * The checksum in SHA256SUMS; null: the folder was written by a version without that file, so it cannot be checked.
   */
  recorded: text.nullable(),
});

/** One metric, rounded as in the table of `run`. */
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

/** Milliseconds a sample; work done for a whole batch is divided among its samples. */
const latency = z.object({
  /** All stages together. */
  sampleMs: distributionSchema,
  stagesMs: z.record(text, distributionSchema),
  /** Points of the cumulative distribution: this share of samples takes at most `value` milliseconds. */
  curve: z.array(z.object({ value: z.number(), share: z.number() })).readonly(),
  /** 1000 / mean of sampleMs; it does not include loading and waiting. */
  samplesPerSecond: z.number(),
});

/** Load time and memory that a run may have measured. */
export const measuredSchema = z.object({
  loadMs: amount.optional(),
  peakMemoryBytes: amount.optional(),
  weightsBytes: amount.optional(),
});

/** Our score and a published number, as fractions or in CIDEr's own unit. */
const comparison = z.object({
  metric: text,
  unit: metricUnitSchema,
  ours: amount,
  low: amount,
  high: amount,
  published: z.number(),
  difference: amount,
  source: text,
  /**
   * `interval`: the number is inside our interval; `tolerance`: it differs no more than public reports differ;
   * `outside`: neither.
   */
  verdict: z.enum(["interval", "tolerance", "outside", "unjudged"]),
  reasons: z.array(text).readonly(),
});

const run = z.object({
  /** A short id within this report: "run-1". */
  id: text,
  folder: text,
  /** The group of the run. Runs of one group answered equal samples of equal data, so they can be compared. */
  group: text,
  record: runRecordSchema,
  files: z.array(fileState).readonly(),
  rows: z.array(row).readonly(),
  latency: latency.nullable(),
  measured: measuredSchema,
  comparisons: z.array(comparison).readonly(),
  /** Reasons why the run cannot be compared with published numbers. */
  obstacles: z.array(text).readonly(),
  /** How many answers equal those of the fp32 run of the checkpoint in this group; null: there is no other such run. */
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
  /** Rows of a folder that is set apart, as far as they can be read. They must not be compared with others. */
  rows: z.array(row).readonly(),
});

const answer = z.object({
  run: text,
  prompt: text.nullable(),
  text,
  /** Score of the sample in the group's metric; null: that metric has no scores by sample. */
  score: amount,
});

const sample = z.object({
  id: text,
  group: text,
  image: text,
  question: text.nullable(),
  references: z.array(text).readonly(),
  /** Further columns of the data set that are one text or number each, such as `answerType`; unset: an older report. */
  columns: z.record(text, z.union([text, z.number()])).optional(),
  answers: z.array(answer).readonly(),
});

const galleryGroup = z.object({
  id: text,
  task: text,
  split: text,
  /** The metric whose scores by sample are shown; null: none has any. */
  metric: z.object({ name: text, unit: metricUnitSchema }).nullable(),
  shown: count,
  of: count,
  /**
   * Number of samples that two runs of the group answer differently; null: there is one run, or the task has no
   * answers.
   */
  differing: count.nullable(),
  /** Reasons why questions, references or images are missing; empty where none is. */
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

/** Name of a run's precision in charts and tables. */
export function precisionOf({ record }: Pick<ReportRun, "record">): string {
  return recordedPrecision(record.config);
}
