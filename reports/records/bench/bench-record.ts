/**
 * What a bench folder holds, as types and as checks on files read back:
 *
 *   bench.json                      BenchRecord: what is measured, on what, by which code, on which machine
 *   accuracy/<name>.json            BenchAccuracy: each sample asked once, untimed, of one checkpoint, precision, batch size, threads
 *   points/<name>/run-<n>.json      BenchRun: what was measured in one process; deleted when the point is written
 *   points/<name>/run-<n>/          its log files under LoadGen's names: mlperf_log_summary.txt, _detail.txt, _accuracy.json, _trace.json
 *   points/<name>/point.json        BenchPoint: one checkpoint, precision, scenario, batch size and number of threads, all its runs
 *
 * A point is written when all its runs are done, so an interrupted sweep continues with the missing runs. Times are in
 * nanoseconds where LoadGen's are, stages in milliseconds. null means "not measured", never 0.
 */
import * as z from "zod";
import { writtenFormat } from "../file-format.ts";
import { RunFolderError } from "../run-folder-error.ts";

export const benchFormat = "blip2-bench-bench/1";
export const pointFormat = "blip2-bench-point/1";

export const count = z.int().nonnegative();
/** A quantile with its distribution-free 95 % interval; an end is null where there are too few values for it. */
const quantile = z.object({ value: z.number(), low: z.number().nullable(), high: z.number().nullable() });
/** Quantiles by percentile: "50", "90", "95", "97", "99", "99.9". */
const quantiles = z.record(z.string(), quantile);
export const distributionSchema = z.object({
  count,
  mean: z.number(),
  min: z.number(),
  max: z.number(),
  percentiles: quantiles,
});
/** Counts between `edges[i]` and `edges[i + 1]`. */
const histogram = z.object({ edges: z.array(z.number()).readonly(), counts: z.array(count).readonly() });
/** A number over process restarts: median, lowest and highest; the latter two are null for a single restart. */
const rate = z.object({ value: z.number(), low: z.number().nullable(), high: z.number().nullable() });

export const scenarios = ["single-stream", "multi-stream", "server", "offline"] as const;
export type Scenario = (typeof scenarios)[number];

/** One process of a point, from loading to its end: a whole LoadGen run. */
export const runSummary = z.object({
  validity: z.enum(["VALID", "INVALID"]),
  invalidReasons: z.array(z.string()).readonly(),
  queries: count,
  samples: count,
  samplesPerSecond: z.number().nullable(),
  medianLatencyNs: z.number().nullable(),
  /** The latency percentile of the scenario: the 90th or 99th; null for Offline. */
  percentileLatencyNs: z.number().nullable(),
  loadMs: z.number().nullable(),
  peakMemoryBytes: count.nullable(),
  startedAt: z.string(),
  finishedAt: z.string(),
});

const machineSchema = z.object({
  model: z.string(),
  cores: count,
  memoryBytes: count,
  platform: z.string(),
  node: z.string(),
  /** The processor's frequency governor; null where the system does not report it. */
  governor: z.string().nullable(),
  /** Load average over one minute before the first point. */
  load: z.number().nullable(),
  /** Share of processor time that other processes used while points ran; null where it cannot be read. */
  neighbours: z.number().nullable(),
  /** Reasons why the machine was not quiet; empty where it was. */
  warnings: z.array(z.string()).readonly(),
});

export const benchSchema = z.object({
  format: z.literal(benchFormat),
  status: z.enum(["running", "complete", "partial", "interrupted"]),
  /** Settings by name that must be unchanged for a sweep to be continued. Points may be added. */
  plan: z.record(z.string(), z.string()),
  /** Short runs for daily use: below LoadGen's minimum durations and counts, and marked so wherever they are shown. */
  quick: z.boolean(),
  task: z.string(),
  data: z.object({
    dataset: z.string(),
    split: z.string(),
    files: z.array(z.object({ name: z.string(), sha256: z.string(), sizeBytes: count })).readonly(),
    samples: count,
  }),
  code: z.object({
    version: z.string(),
    commit: z.string().nullable(),
    dirty: z.boolean().nullable(),
    fingerprint: z.string(),
  }),
  packages: z.record(z.string(), z.string()),
  machine: machineSchema,
  /** Version of the names of precisions, which are part of points' names: see recorded-precision.ts. */
  precisionNames: count.optional(),
  /** Names of the points to be measured, in the order of the plan; also the names of their folders below `points/`. */
  points: z.array(z.string()).readonly(),
  timings: z.object({ startedAt: z.string(), finishedAt: z.string().nullable() }),
});

export const pointSchema = z.object({
  format: z.literal(pointFormat),
  name: z.string(),
  checkpoint: z.object({ name: z.string(), family: z.string(), fingerprint: z.string(), source: z.string() }),
  precision: z.string(),
  /** Version of the precision's name: see recorded-precision.ts. */
  precisionNames: count.optional(),
  device: z.string(),
  scenario: z.enum(scenarios),
  batchSize: z.int().positive(),
  threads: z.int().positive(),
  /** LoadGen's settings in effect, by LoadGen's names. */
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  validity: z.enum(["VALID", "INVALID"]),
  invalidReasons: z.array(z.string()).readonly(),
  /** Whether the model stalled or its process ended in the last run; no further run was made then. */
  isBroken: z.boolean().optional(),
  /** Number of process restarts in which the point was measured. */
  restarts: z.int().positive(),
  runs: z.array(runSummary).readonly(),
  queries: count,
  samples: count,
  failed: count,
  /** Nanoseconds from the scheduled time to the answer; null: no query was completed. */
  latencyNs: distributionSchema.nullable(),
  latencyHistogramNs: histogram.nullable(),
  /** LoadGen's early-stopping estimate of the scenario's percentile; null where there are too few queries for one. */
  earlyStoppingLatencyNs: z.number().nullable(),
  /** Nanoseconds by which queries were issued late. */
  issueDelayNs: distributionSchema.nullable(),
  timeToFirstTokenNs: distributionSchema.nullable(),
  /** Distribution over samples of the mean time between tokens, nanoseconds. */
  timePerOutputTokenNs: distributionSchema.nullable(),
  /** Nanoseconds of each decode step after the first token, for all beams of a batch together. */
  decodeStepNs: distributionSchema.nullable(),
  throughput: z.object({
    /** null: no sample was completed. */
    samplesPerSecond: rate.nullable(),
    imagesPerSecond: rate.nullable(),
    tokensPerSecond: rate.nullable(),
    /** Retrieval: pairs of text and image matched a second. */
    pairsPerSecond: rate.nullable(),
  }),
  /** Server: the highest rate of arrivals at which the latency limit was met. */
  peakQueriesPerSecond: z.number().nullable(),
  /**
   * Milliseconds a sample, by stage, in this order: queue (from the scheduled time to the model), imageRead,
   * imageDecode, imageResize, imageWait (how long the model waited for the preceding three, which run ahead), vision,
   * qFormer, projection, tokenize, prefix, prefill, decode, detokenize; retrieval: store (image tokens kept for
   * matching), compare (with all texts), imageKeys, matching (of the best). Work done for a whole batch is divided
   * among its samples.
   */
  stagesMs: z.record(z.string(), distributionSchema),
  loadMs: rate.nullable(),
  /** Retrieval: milliseconds to encode the texts of the gallery, once before the first query; null or unset: none. */
  galleryMs: rate.nullable().optional(),
  /** Peak memory of the model's process and its child processes: the highest of all runs. */
  peakMemoryBytes: count.nullable(),
  /** Size of the weights on disk in the precision that is loaded. */
  weightsBytes: count.nullable(),
  /**
   * Energy of the processor, by its own meter, over the timed parts of all runs. It is not MLPerf power, which covers
   * the whole machine.
   */
  energyJoules: z.number().nullable(),
  warmUp: z.object({ queries: count, ms: z.number(), steady: z.boolean() }),
  /**
   * How many outputs of the timed runs were compared with the accuracy run, and how many are equal; null: there was no
   * accuracy run.
   */
  accuracyCheck: z.object({ compared: count, equal: count }).nullable(),
  /** Name and value of the task's first metric in the accuracy run: a fraction, or in the metric's own unit. */
  accuracy: z
    .object({ metric: z.string(), value: z.number(), standardError: z.number().nullable(), samples: count })
    .nullable(),
  timings: z.object({ startedAt: z.string(), finishedAt: z.string() }),
});

export type BenchRecord = z.infer<typeof benchSchema>;
export type BenchPoint = z.infer<typeof pointSchema>;
export type Machine = z.infer<typeof machineSchema>;
export type Distribution = z.infer<typeof distributionSchema>;
export type Rate = z.infer<typeof rate>;

/** `where`: path of the file, for messages. */
export function parseBenchRecord(text: string, where: string): BenchRecord {
  return parseBenchFile(benchSchema, text, { format: benchFormat, where });
}

export function parseBenchPoint(text: string, where: string): BenchPoint {
  return parseBenchFile(pointSchema, text, { format: pointFormat, where });
}

/** Checks the field `format` first, so that a file of another version is reported as such. */
export function parseBenchFile<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
  { format, where }: { readonly format: string; readonly where: string },
): z.infer<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RunFolderError(`${where}: not JSON: ${reason}. Measure again into another folder.`, { cause });
  }
  const { format: found, words } = writtenFormat(value);
  if (found !== format) {
    throw new RunFolderError(`${where}: ${words}, expected "${format}". Was it written by another version?`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.map(String).join(".") ?? "";
  throw new RunFolderError(`${where}: "${path}": ${issue?.message ?? "not as expected"}. Was it edited by hand?`);
}
