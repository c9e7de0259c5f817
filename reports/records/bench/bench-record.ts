/**
 * What a bench folder holds, as types and as checks on files read back:
 *
 *   bench.json                      BenchRecord: what is measured, on what, by which code, on which machine
 *   accuracy/<name>.json            BenchAccuracy: each sample asked once, untimed, of one checkpoint, precision, batch size, threads
 *   points/<name>/run-<n>.json      BenchRun: what was measured in one process; deleted when the point is written
 *   points/<name>/run-<n>/          its log files under LoadGen's names: mlperf_log_summary.txt, _detail.txt, _accuracy.json, _trace.json
 *   points/<name>/point.json        BenchPoint: one checkpoint, precision, scenario, batch size and number of threads, all its runs
 *
 * A point is written whole when it is done, so a sweep that was stopped goes on with the runs that are missing. Times are
 * nanoseconds where LoadGen's are, milliseconds by stage. null is "not measured", never 0.
 */
import * as z from "zod";
import { RunFolderError } from "../run-folder-error.ts";

export const benchFormat = "blip2-bench-bench/1";
export const pointFormat = "blip2-bench-point/1";

export const count = z.int().nonnegative();
/** A quantile with its distribution-free 95 % interval; a bound that the data cannot give is null. */
const quantile = z.object({ value: z.number(), low: z.number().nullable(), high: z.number().nullable() });
/** By percentile: "50", "90", "95", "97", "99", "99.9". */
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
/** Over process restarts: their median, the lowest and the highest of them; these are null where there was one. */
const rate = z.object({ value: z.number(), low: z.number().nullable(), high: z.number().nullable() });

export const scenarios = ["single-stream", "multi-stream", "server", "offline"] as const;
export type Scenario = (typeof scenarios)[number];

/** One process of a point, from load to end: a whole LoadGen run. */
export const runSummary = z.object({
  validity: z.enum(["VALID", "INVALID"]),
  invalidReasons: z.array(z.string()).readonly(),
  queries: count,
  samples: count,
  samplesPerSecond: z.number().nullable(),
  medianLatencyNs: z.number().nullable(),
  /** Of the scenario: the 90th or 99th percentile; null for offline. */
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
  /** Of the frequency of the processor; null where the system does not say. */
  governor: z.string().nullable(),
  /** One minute's load average before the first point. */
  load: z.number().nullable(),
  /** Share of processor time that other processes took while points ran; null where it cannot be read. */
  neighbours: z.number().nullable(),
  /** Why the machine was not quiet; empty where it was. */
  warnings: z.array(z.string()).readonly(),
});

export const benchSchema = z.object({
  format: z.literal(benchFormat),
  status: z.enum(["running", "complete", "partial", "interrupted"]),
  /** What must be unchanged for a sweep to go on: name → value. Points may be added. */
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
  /** The version of the names of precisions, which points' names hold: recorded-precision.ts. */
  precisionNames: count.optional(),
  /** Names of the points to be measured, in the order of the plan; their folders below `points/`. */
  points: z.array(z.string()).readonly(),
  timings: z.object({ startedAt: z.string(), finishedAt: z.string().nullable() }),
});

export const pointSchema = z.object({
  format: z.literal(pointFormat),
  name: z.string(),
  checkpoint: z.object({ name: z.string(), family: z.string(), fingerprint: z.string(), source: z.string() }),
  precision: z.string(),
  /** The version of that name: recorded-precision.ts. */
  precisionNames: count.optional(),
  device: z.string(),
  scenario: z.enum(scenarios),
  batchSize: z.int().positive(),
  threads: z.int().positive(),
  /** LoadGen's settings as they were in effect, by its names. */
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  validity: z.enum(["VALID", "INVALID"]),
  invalidReasons: z.array(z.string()).readonly(),
  /** Whether the model stalled, or its process ended, in the last of the runs; no other was made then. */
  isBroken: z.boolean().optional(),
  /** Process restarts the point was measured over. */
  restarts: z.int().positive(),
  runs: z.array(runSummary).readonly(),
  queries: count,
  samples: count,
  failed: count,
  /** From the scheduled time to the answer, nanoseconds; null: no query came to an end. */
  latencyNs: distributionSchema.nullable(),
  latencyHistogramNs: histogram.nullable(),
  /** LoadGen's early-stopping estimate of the scenario's percentile; null where there are too few queries for one. */
  earlyStoppingLatencyNs: z.number().nullable(),
  /** How late queries were issued, nanoseconds. */
  issueDelayNs: distributionSchema.nullable(),
  timeToFirstTokenNs: distributionSchema.nullable(),
  /** Of each sample: the mean time between its tokens. */
  timePerOutputTokenNs: distributionSchema.nullable(),
  /** Of each decoded token behind a first one, the beams of a batch together. */
  decodeStepNs: distributionSchema.nullable(),
  throughput: z.object({
    /** null: no sample came to an end. */
    samplesPerSecond: rate.nullable(),
    imagesPerSecond: rate.nullable(),
    tokensPerSecond: rate.nullable(),
    /** Retrieval: texts matched with their image. */
    pairsPerSecond: rate.nullable(),
  }),
  /** Server: the highest rate of arrivals that held. */
  peakQueriesPerSecond: z.number().nullable(),
  /**
   * Milliseconds a sample, by stage, in this order: queue (from its schedule to the model), imageRead, imageDecode, imageResize,
   * imageWait (what the model waited for these, which are done ahead), vision, qFormer, projection, tokenize, prefix, prefill, decode,
   * detokenize; retrieval: store (image tokens kept for matching), compare (with all texts), imageKeys, matching (of the
   * best). What a batch shared is divided by its samples.
   */
  stagesMs: z.record(z.string(), distributionSchema),
  loadMs: rate.nullable(),
  /** Retrieval: of reading the texts that images are looked up among, once before the first query; null or unset: none. */
  galleryMs: rate.nullable().optional(),
  /** Of the model's process and those it started: the most of all runs. */
  peakMemoryBytes: count.nullable(),
  /** Of the weights on disk, as they are loaded. */
  weightsBytes: count.nullable(),
  /** Of the processor, by its own meter, over the timed parts of all runs. No MLPerf power: the machine's is not measured. */
  energyJoules: z.number().nullable(),
  warmUp: z.object({ queries: count, ms: z.number(), steady: z.boolean() }),
  /** Outputs of the timed run beside those of the accuracy run; null where no accuracy run was made. */
  accuracyCheck: z.object({ compared: count, equal: count }).nullable(),
  /** Name and fraction (or the metric's own unit) of the task's first metric in the accuracy run. */
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

/** `where`: the file, for the message. */
export function parseBenchRecord(text: string, where: string): BenchRecord {
  return parseBenchFile(benchSchema, text, { format: benchFormat, where });
}

export function parseBenchPoint(text: string, where: string): BenchPoint {
  return parseBenchFile(pointSchema, text, { format: pointFormat, where });
}

/** By its format first, so that another version's file is named as such. */
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
  const found = typeof value === "object" && value !== null && "format" in value ? value.format : undefined;
  if (found !== format) {
    throw new RunFolderError(
      `${where}: format ${JSON.stringify(found)}, expected "${format}". Was it written by another version?`,
    );
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue?.path.map(String).join(".") ?? "";
  throw new RunFolderError(`${where}: "${path}": ${issue?.message ?? "not as expected"}. Was it edited by hand?`);
}
