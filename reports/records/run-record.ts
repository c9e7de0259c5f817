/**
 * What a run folder holds, as types and as checks on files read back:
 *
 *   run.json            RunRecord: what is run, on what, by which code, how far it has come
 *   predictions.jsonl   one Prediction a line, appended as batches finish (journal.ts)
 *   first-step.f32      how likely each first token was, of some samples (first-step.ts)
 *   scores.json         ScoreSheet: unrounded scores, in total and by sample
 *
 * Two runs of the same command give the same bytes, but for `timings` and `measured` in run.json and `latencyMs` in predictions.jsonl.
 */
import { createHash } from "node:crypto";
import * as z from "zod";
import type { MetricUnit } from "./metric-unit.ts";
import { RunFolderError } from "./run-folder-error.ts";

export const runFormat = "blip2-bench-run/1";
export const scoresFormat = "blip2-bench-scores/1";

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const count = z.int().nonnegative();

const measuredSchema = z.object({
  /** From the checkpoint's files to a model that answers, weights that had to be converted first included. */
  loadMs: z.number().nullable(),
  /** On disk, of the tensors that the model's graphs read. */
  weightsBytes: count.nullable(),
  /** Memory the process had resident before the model was loaded: what a model before it left is in there. */
  memoryBeforeBytes: count.nullable(),
  /** Most memory the process had resident by the time the model was loaded, and by the end. Mapped weights count. */
  loadedMemoryBytes: count.nullable(),
  peakMemoryBytes: count.nullable(),
  /** Since when: `load`, the kernel's mark reset before the model was loaded; `start`, that of the process. */
  memorySince: z.enum(["load", "start"]).nullable(),
  /** Nodes of the model's graphs, as far as they ran, where another device than the CPU was asked for; by operator those on the CPU. */
  placement: z.object({ nodes: count, onDevice: count, onCpu: z.record(z.string(), count) }).optional(),
  /** All samples together, whichever session asked them. */
  stagesMs: z.record(z.string(), z.number()).nullable(),
});

export const runRecordSchema = z.object({
  format: z.literal(runFormat),
  /** `partial`: every sample was tried, or too many failed, and some have no prediction. */
  status: z.enum(["running", "complete", "partial", "interrupted"]),
  /** Hash of everything that moves a prediction or a score: `identityFields`. */
  identity: z.string(),
  config: z.object({
    task: z.string(),
    protocol: z.string(),
    /** Samples from the start of the split: a number, or a fraction below 1; null is all of them. */
    limit: z.number().positive().nullable(),
    batchSize: z.int().positive(),
    /** What the model computes in, such as `int8` or `vision=int8,language=int4`; unset is fp32. */
    precision: z.string().optional(),
    /** The version of that name: recorded-precision.ts. */
    precisionNames: count.optional(),
    /** ONNX Runtime's provider, such as `webgpu`; unset is cpu. */
    device: z.string().optional(),
    /** `graph` where the loop that generates ran inside one graph and that can change answers; else unset. */
    generation: z.string().optional(),
    /** Decoding as it is done, the protocol's choices and the overrides together. */
    decoding: z.record(z.string(), z.json()),
    /** Of a retrieval task, which decodes nothing. */
    retrieval: z.object({ maxTokens: count, rerank: count }).optional(),
    /** Flags that replace a choice of the protocol, with their values: with any, a row's protocol is "custom". */
    overrides: z.record(z.string(), scalar),
  }),
  checkpoint: z.object({
    name: z.string(),
    /** Folder or hub name it was loaded from. */
    source: z.string(),
    family: z.string(),
    fingerprint: z.string(),
  }),
  data: z.object({
    dataset: z.string(),
    split: z.string(),
    /** Absolute paths; null is the data inside the package. */
    folder: z.string().nullable(),
    images: z.string().nullable(),
    files: z.array(z.object({ name: z.string(), sha256: z.string(), sizeBytes: count })).readonly(),
    /** Samples of the split; `counts` says how many of them the run asks. */
    samples: count,
  }),
  code: z.object({
    version: z.string(),
    commit: z.string().nullable(),
    dirty: z.boolean().nullable(),
    fingerprint: z.string(),
  }),
  packages: z.record(z.string(), z.string()),
  processor: z.object({
    model: z.string(),
    cores: count,
    threads: count,
    /** Processes the model answered in, which share the threads; unset: one. */
    workers: count.optional(),
    memoryBytes: count,
    platform: z.string(),
    node: z.string(),
  }),
  /** What computed, beside the processor; unset: nothing did. null is what a device does not tell. */
  device: z
    .object({ provider: z.string(), id: count, name: z.string().nullable(), driver: z.string().nullable() })
    .optional(),
  /** Empty: nothing here draws random numbers. */
  seeds: z.record(z.string(), z.number()),
  counts: z.object({ samples: count, predicted: count, failed: count }),
  timings: z.object({
    startedAt: z.string(),
    finishedAt: z.string().nullable(),
    /** Of all processes together: what a model waited for images, and what it computed. */
    waitMs: z.number().optional(),
    computeMs: z.number().optional(),
  }),
  /** What the run took, of the session that came last; null is what could not be measured. */
  measured: measuredSchema.optional(),
});

export type RunRecord = z.infer<typeof runRecordSchema>;
export type RunStatus = RunRecord["status"];
export type RunCounts = RunRecord["counts"];

export type RunMeasured = z.infer<typeof measuredSchema>;

/** What is known before the first prediction. */
export type RunPlan = Omit<RunRecord, "format" | "status" | "identity" | "counts" | "timings" | "measured">;

const predictionSchema = z.discriminatedUnion("status", [
  z.object({
    id: z.string(),
    status: z.literal("predicted"),
    image: z.string(),
    /** null: the model saw the image and no text. */
    prompt: z.string().nullable(),
    text: z.string(),
    tokens: z.array(z.int()).readonly(),
    score: z.number().nullable(),
    /** By stage. */
    latencyMs: z.record(z.string(), z.number()).readonly(),
  }),
  z.object({
    id: z.string(),
    status: z.literal("matched"),
    image: z.string(),
    /** Texts of the split it was matched with, by their place, and the logit of each. */
    texts: z.array(count).readonly(),
    logits: z.array(z.number()).readonly(),
    latencyMs: z.record(z.string(), z.number()).readonly(),
  }),
  z.object({
    id: z.string(),
    status: z.literal("failed"),
    image: z.string(),
    prompt: z.string().nullable(),
    error: z.string(),
  }),
]);

export type Prediction = z.infer<typeof predictionSchema>;

/** Where a sample has `imageWait`, these were done beside the model's work: what it waited for them is all the time they took. */
export const stagesBeside: ReadonlySet<string> = new Set(["imageRead", "imageDecode", "imageResize"]);

/** A score as a metric gave it; a fraction, or in the metric's own unit. */
export interface MetricScore {
  readonly name: string;
  readonly unit: MetricUnit;
  readonly higherIsBetter: boolean;
  /** null: nothing to score. */
  readonly value: number | null;
  readonly standardError: number | null;
  /** 95 %. */
  readonly interval: { readonly low: number; readonly high: number } | null;
  readonly published: { readonly value: number; readonly source: string } | null;
  /** For example answerType → { "yes/no": …, number: … }. */
  readonly breakdown: Readonly<Record<string, Readonly<Record<string, { value: number; samples: number }>>>>;
}

export interface ScoreSheet {
  readonly format: typeof scoresFormat;
  /** Fingerprint of the code that scored; another than the run's where a run was scored again later. */
  readonly code: string;
  /** Fingerprint of the part of it that makes scores from answers: scores with the same one can be compared. */
  readonly scorer?: string;
  /** `missing`: neither predicted nor failed. */
  readonly counts: { samples: number; scored: number; failed: number; missing: number };
  /** The first is the one a run is judged by. */
  readonly metrics: readonly MetricScore[];
  /**
   * Scored samples in the order of the data set, a column each: `id`, `image`, `answer`, `answerType` of questions, then a
   * metric's scores by its name, or the counts it is made of.
   */
  readonly samples: Readonly<Record<string, readonly (string | number)[]>>;
  /** Of a retrieval run: the ranked texts, in the same manner. */
  readonly texts?: Readonly<Record<string, readonly (string | number)[]>>;
}

/** `where`: the file, for the message. */
export function parseRunRecord(text: string, where: string): RunRecord {
  const value = parseJson(text, where);
  const format = typeof value === "object" && value !== null && "format" in value ? value.format : undefined;
  if (format !== runFormat) {
    throw new RunFolderError(
      `${where}: format ${JSON.stringify(format)}, expected "${runFormat}". Was it written by another version? Give another --output.`,
    );
  }
  const parsed = runRecordSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new RunFolderError(
    `${where}: ${firstIssue(parsed.error)}. Give another --output, or --overwrite to start again.`,
  );
}

/** Throws an Error that says what is wrong with the line. */
export function parsePrediction(line: string): Prediction {
  const parsed = predictionSchema.safeParse(JSON.parse(line));
  if (parsed.success) return parsed.data;
  throw new Error(firstIssue(parsed.error));
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RunFolderError(`${where}: not JSON: ${reason}. Give another --output, or --overwrite to start again.`, {
      cause,
    });
  }
}

function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return "not as expected";
  const path = issue.path.map(String).join(".");
  return path === "" ? issue.message : `"${path}": ${issue.message}`;
}

/**
 * What must be the same for a run to go on: name → value. Not the threads, the processor or where files lie: they move
 * no prediction. Not the version or the commit: the code's fingerprint says more.
 */
export function identityFields(plan: RunPlan): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  const add = (path: string, value: unknown): void => {
    if (typeof value !== "object" || value === null) {
      fields.set(path, String(value));
      return;
    }
    for (const [key, inner] of Object.entries(value)) add(`${path}.${key}`, inner);
  };
  const { dataset, split, samples, files } = plan.data;
  add("config", plan.config);
  add("checkpoint", { name: plan.checkpoint.name, fingerprint: plan.checkpoint.fingerprint });
  add("data", { dataset, split, samples, ...Object.fromEntries(files.map(({ name, sha256 }) => [name, sha256])) });
  add("code.fingerprint", plan.code.fingerprint);
  add("packages", plan.packages);
  add("seeds", plan.seeds);
  return fields;
}

export function identityHash(plan: RunPlan): string {
  const fields = [...identityFields(plan)].sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(fields)).digest("hex");
}

/** As progress and notes name a run: `shapes-opt-small vqav2`, or `shapes-opt-small int8 webgpu vqav2`. */
export function runName({ checkpoint, config }: Pick<RunRecord, "checkpoint" | "config">): string {
  const { precision, device, task } = config;
  return [checkpoint.name, precision, device, task].filter((word) => word !== undefined).join(" ");
}
