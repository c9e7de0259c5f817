/**
 * The contents of a run folder, as types and as schemas for reading the files:
 *
 *   run.json            RunRecord: checkpoint, task, data, code, and the progress of the run
 *   predictions.jsonl   one Prediction a line, appended as batches finish (journal.ts)
 *   first-step.f32      probabilities of the first token, for some samples (first-step.ts)
 *   scores.json         ScoreSheet: unrounded scores, in total and by sample
 *
 * Repeating a command gives identical bytes, except for `timings` and `measured` in run.json and `latencyMs` in
 * predictions.jsonl.
 */
import { createHash } from "node:crypto";
import * as z from "zod";
import { writtenFormat } from "./file-format.ts";
import type { MetricUnit } from "./metric-unit.ts";
import { RunFolderError } from "./run-folder-error.ts";

export const runFormat = "blip2-bench-run/1";
export const scoresFormat = "blip2-bench-scores/1";

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
/** Not any JSON: what is nested without end would fill the stack of the check. */
const plainSetting = z.union([scalar, z.array(scalar), z.record(z.string(), scalar)]);
const setting = z.union([plainSetting, z.array(plainSetting), z.record(z.string(), plainSetting)]);
const count = z.int().nonnegative();

export const processorSchema = z.object({
  model: z.string(),
  cores: count,
  threads: count,
  /** Number of worker processes, which share the threads; unset: one. */
  workers: count.optional(),
  memoryBytes: count,
  platform: z.string(),
  node: z.string(),
  /** Instruction sets that matrix products are made with; unset: not recorded, or the system does not tell. */
  instructions: z.array(z.string()).readonly().optional(),
  /** Fingerprint of how the machine rounds in the run's precision; unset: not recorded. */
  rounding: z.string().optional(),
});

/** The device that computed, if it is not the CPU. null stands for values that the device does not report. */
const deviceSchema = z.object({
  provider: z.string(),
  id: count,
  name: z.string().nullable(),
  driver: z.string().nullable(),
});

const measuredSchema = z.object({
  /** Milliseconds to load the model, including the conversion of weights if it was necessary. */
  loadMs: z.number().nullable(),
  /** Bytes on disk of the tensors that the model's graphs read. */
  weightsBytes: count.nullable(),
  /** Resident memory of the process before the model was loaded, including what an earlier model left behind. */
  memoryBeforeBytes: count.nullable(),
  /**
   * Peak resident memory of the process by the end of loading; below, by the end of the run. Memory-mapped weights
   * count.
   */
  loadedMemoryBytes: count.nullable(),
  peakMemoryBytes: count.nullable(),
  /** When the peak was last reset: `load`, just before the model was loaded; `start`, at the start of the process. */
  memorySince: z.enum(["load", "start"]).nullable(),
  /**
   * For other devices than the CPU: numbers of nodes of the graphs that ran, in all and on the device; and those on the
   * CPU, by operator.
   */
  placement: z.object({ nodes: count, onDevice: count, onCpu: z.record(z.string(), count) }).optional(),
  /** Milliseconds by stage, summed over all samples, also those of earlier sessions of an interrupted run. */
  stagesMs: z.record(z.string(), z.number()).nullable(),
});

export const runRecordSchema = z.object({
  format: z.literal(runFormat),
  /** `partial`: some samples have no prediction, although all were tried or the run ended because too many failed. */
  status: z.enum(["running", "complete", "partial", "interrupted"]),
  /** Hash of everything that can change a prediction or a score: `identityFields`. */
  identity: z.string(),
  config: z.object({
    task: z.string(),
    protocol: z.string(),
    /** Samples from the start of the split: a number, or a fraction below 1; null is all of them. */
    limit: z.number().positive().nullable(),
    /** Unset: the run is imported. */
    batchSize: z.int().positive().optional(),
    /** Precision of the model, such as `int8` or `vision=int8,language=int4`; unset: fp32. */
    precision: z.string().optional(),
    /** Version of the precision's name: see recorded-precision.ts. */
    precisionNames: count.optional(),
    /** ONNX Runtime's provider, such as `webgpu`; unset: cpu. */
    device: z.string().optional(),
    /** `graph` where the loop over tokens ran inside one graph, and that can change answers; otherwise unset. */
    generation: z.string().optional(),
    /** The list that answers are chosen from by likelihood; unset: there is none, or each sample has its own choices. */
    candidates: z.object({ count, sha256: z.string() }).optional(),
    /** Where few-shot prompts take their shots from: a split, its samples with an answer, its files by name; unset: there are none. */
    shots: z.object({ split: z.string(), samples: count, files: z.record(z.string(), z.string()) }).optional(),
    /** The decoding settings in use: the protocol's choices with overrides. */
    decoding: z.record(z.string(), setting),
    /** Column that standard errors group samples by; unset: samples of one image are a group. */
    cluster: z.string().optional(),
    /** Settings of a retrieval task, which has no decoding. */
    retrieval: z.object({ maxTokens: count, rerank: count }).optional(),
    /**
     * Flags that replace a choice of the protocol, with their values. If there are any, rows call the protocol
     * "custom".
     */
    overrides: z.record(z.string(), scalar),
  }),
  /** The file that the task is written in, a copy of which lies in the run's folder; unset: a task of the project. */
  taskFile: z.object({ path: z.string(), sha256: z.string() }).optional(),
  checkpoint: z.object({
    name: z.string(),
    /** Folder or hub name that the checkpoint was loaded from; unset: the run is imported, and so below. */
    source: z.string().optional(),
    /** `unknown`: the run is imported. */
    family: z.string(),
    fingerprint: z.string().optional(),
  }),
  /**
   * The file that the answers were taken from, where they were made by another program. Of such a run nothing is recorded that
   * the file does not tell: no checkpoint, batch size, processor, times or tokens.
   */
  imported: z
    .object({
      file: z.string(),
      sha256: z.string(),
      sizeBytes: count,
      /** Form of the file, such as `vqa-results`. */
      form: z.string(),
      /** The program that made it; null: the file does not tell. */
      tool: z.string().nullable(),
    })
    .optional(),
  data: z.object({
    dataset: z.string(),
    split: z.string(),
    /** Absolute paths of the data; null: the data bundled with the package. */
    folder: z.string().nullable(),
    images: z.string().nullable(),
    files: z.array(z.object({ name: z.string(), sha256: z.string(), sizeBytes: count })).readonly(),
    /** Number of samples of the split; `counts` says how many of them the run asks. */
    samples: count,
    /** Of own data: columns that were named by role; unset: all were found by their usual names. */
    columns: z.record(z.string(), z.string()).optional(),
    /** Of own data: images may lie outside its folder; unset: they may not. */
    allowOutside: z.boolean().optional(),
  }),
  code: z.object({
    version: z.string(),
    commit: z.string().nullable(),
    dirty: z.boolean().nullable(),
    fingerprint: z.string(),
  }),
  packages: z.record(z.string(), z.string()),
  /** Unset: the run is imported. */
  processor: processorSchema.optional(),
  device: deviceSchema.optional(),
  /** Where this is one shard of a run: which, the windows of the whole run, and their fingerprint (evaluation/shard.ts). */
  shard: z
    .object({
      name: z.string(),
      windows: count,
      windowsHash: z.string(),
      /** The command that asks this shard. */
      command: z.string(),
      /** The task of a scheduler that asked it, such as `slurm:17_3`. */
      task: z.string().optional(),
    })
    .optional(),
  /** Where several machines asked: the machine of each shard or worker, and the windows that are kept of its answers. */
  machines: z
    .array(
      z.object({
        /** Name of the shard; unset: a worker of a queue answered. */
        shard: z.string().optional(),
        /** Name of the worker; unset: a shard did. */
        worker: z.string().optional(),
        windows: count,
        processor: processorSchema,
        device: deviceSchema.optional(),
        startedAt: z.string(),
        finishedAt: z.string().nullable(),
      }),
    )
    .readonly()
    .optional(),
  /** Where those machines round differently: answers that two of them gave, and how many of these differ. */
  mixedProcessors: z.object({ compared: count, differing: count }).optional(),
  /** Random seeds; empty, since a run draws no random numbers. */
  seeds: z.record(z.string(), z.number()),
  counts: z.object({ samples: count, predicted: count, failed: count }),
  timings: z.object({
    startedAt: z.string(),
    finishedAt: z.string().nullable(),
    /** Milliseconds that the model waited for images; below, that it computed; summed over all processes. */
    waitMs: z.number().optional(),
    computeMs: z.number().optional(),
  }),
  /** Load time and memory in the last session of the run; null stands for values that could not be measured. */
  measured: measuredSchema.optional(),
});

export type RunRecord = z.infer<typeof runRecordSchema>;
export type RunStatus = RunRecord["status"];
export type RunCounts = RunRecord["counts"];

export type RunMeasured = z.infer<typeof measuredSchema>;

/** The part of a record that is known before the first prediction, of an imported run, too. */
export type RecordedPlan = Omit<RunRecord, "format" | "status" | "identity" | "counts" | "timings" | "measured">;

/** That of a run which this program makes: nothing is unknown. */
export type RunPlan = RecordedPlan & {
  readonly config: { readonly batchSize: number };
  readonly checkpoint: { readonly source: string; readonly fingerprint: string };
  readonly processor: NonNullable<RunRecord["processor"]>;
};

/** Of a finished or unfinished run that this program makes. */
export type OwnRecord = RunRecord & Pick<RunPlan, "config" | "checkpoint" | "processor">;

export function isOwnRecord(record: RunRecord): record is OwnRecord {
  return record.imported === undefined && record.processor !== undefined && record.config.batchSize !== undefined;
}

export type RecordedMachine = NonNullable<RunRecord["machines"]>[number];

const rankedCandidatesSchema = z.object({
  /** Candidates that the answer was chosen among. */
  count,
  /**
   * The best of them, best first: with the sample's own choices all, of a longer list of candidates 20. `index`: place in the list,
   * from 0. `logProbability`: the sum over the candidate's tokens. `tokens`: how many they are.
   */
  best: z.array(z.object({ index: count, text: z.string(), logProbability: z.number(), tokens: count })).readonly(),
});

/** `id`: of a sample of the split that shots are drawn from. `caption`: of its image, where those were made. */
const shotSchema = z.object({ id: z.string(), caption: z.string().optional() });

/** A sample that a prompt shows, with its answer, before its own question. */
export type RecordedShot = Readonly<z.infer<typeof shotSchema>>;

/** The candidates of an answer that was chosen by likelihood. */
export type RankedCandidates = Readonly<z.infer<typeof rankedCandidatesSchema>>;

const predictionSchema = z.discriminatedUnion("status", [
  z.object({
    id: z.string(),
    status: z.literal("predicted"),
    image: z.string(),
    /** null: the model was given the image without text. */
    prompt: z.string().nullable(),
    /** In the order of the prompt; unset: it has none. */
    shots: z.array(shotSchema).readonly().optional(),
    text: z.string(),
    tokens: z.array(z.int()).readonly(),
    score: z.number().nullable(),
    /** Milliseconds by stage. */
    latencyMs: z.record(z.string(), z.number()).readonly(),
    /** Where the answer was chosen by likelihood, not generated. `score` is what it was chosen by. */
    candidates: rankedCandidatesSchema.optional(),
  }),
  z.object({
    id: z.string(),
    status: z.literal("matched"),
    image: z.string(),
    /** Indices of the texts that the image was matched with; below, the matching logit of each. */
    texts: z.array(count).readonly(),
    logits: z.array(z.number()).readonly(),
    latencyMs: z.record(z.string(), z.number()).readonly(),
  }),
  z.object({
    id: z.string(),
    /** Taken from another program's file, which tells no prompt, tokens or times. */
    status: z.literal("imported"),
    image: z.string(),
    text: z.string(),
  }),
  z.object({
    id: z.string(),
    status: z.literal("failed"),
    image: z.string(),
    prompt: z.string().nullable(),
    shots: z.array(shotSchema).readonly().optional(),
    error: z.string(),
  }),
]);

export type Prediction = z.infer<typeof predictionSchema>;

/**
 * Stages that run in parallel to the model where a sample has the stage `imageWait`: only that waiting then adds to the
 * total time.
 */
export const stagesBeside: ReadonlySet<string> = new Set(["imageRead", "imageDecode", "imageResize"]);

/** The stages that add to a sample's total time, with their milliseconds. */
export function stagesInTotal(latencyMs: Readonly<Record<string, number>>): readonly (readonly [string, number])[] {
  const isReadBeside = "imageWait" in latencyMs;
  return Object.entries(latencyMs).filter(([stage]) => !isReadBeside || !stagesBeside.has(stage));
}

/** A score as its metric returned it: a fraction, or in the metric's own unit. */
export interface MetricScore {
  readonly name: string;
  readonly unit: MetricUnit;
  readonly higherIsBetter: boolean;
  /** null: there was nothing to score. */
  readonly value: number | null;
  readonly standardError: number | null;
  /** 95 % interval. */
  readonly interval: { readonly low: number; readonly high: number } | null;
  readonly published: { readonly value: number; readonly source: string } | null;
  /** For example answerType → { "yes/no": …, number: … }. */
  readonly breakdown: Readonly<Record<string, Readonly<Record<string, { value: number; samples: number }>>>>;
}

export interface ScoreSheet {
  readonly format: typeof scoresFormat;
  /** Fingerprint of the code that scored; it differs from the run's if the run was scored again later. */
  readonly code: string;
  /** Fingerprint of the code that computes scores from answers: scores with equal fingerprints can be compared. */
  readonly scorer?: string;
  /** Numbers of samples. `failed`: without a prediction, or `unscored`. `missing`: neither predicted nor failed. */
  readonly counts: { samples: number; scored: number; failed: number; missing: number };
  /** The metrics; the first is the main one. */
  readonly metrics: readonly MetricScore[];
  /**
   * Scored samples in the order of the data set, as columns: `id`, `image`, `cluster` where standard errors are grouped by
   * something else than images, `answer`, for questions `answerType`, then each metric's scores under its name, or the counts that it is computed from.
   */
  readonly samples: Readonly<Record<string, readonly (string | number)[]>>;
  /** For a retrieval run, the ranked texts, as columns like `samples`. */
  readonly texts?: Readonly<Record<string, readonly (string | number)[]>>;
  /** SHA-256 of the task file that scored, where it is another than the run's. */
  readonly taskFile?: string;
  /** Predicted samples that a metric of a user's own could not score, and why; unset: none. */
  readonly unscored?: readonly { readonly id: string; readonly error: string }[];
}

/** `where`: path of the file, for messages. */
export function parseRunRecord(text: string, where: string): RunRecord {
  const value = parseJson(text, where);
  const { format, words } = writtenFormat(value);
  if (format !== runFormat) {
    throw new RunFolderError(
      `${where}: ${words}, expected "${runFormat}". Was it written by another version? Give another --output.`,
    );
  }
  const parsed = runRecordSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new RunFolderError(
    `${where}: ${firstIssue(parsed.error)}. Give another --output, or --overwrite to start again.`,
  );
}

/** Reads a line of predictions.jsonl. Throws an Error that says what is wrong with it. */
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
 * The values, by name, that must be unchanged for a run to be resumed. Threads, processor and paths are not among them,
 * since they change no prediction; nor are version and commit, since the code's fingerprint is more precise.
 */
export function identityFields(plan: RecordedPlan): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  const add = (path: string, value: unknown): void => {
    if (typeof value !== "object" || value === null) {
      fields.set(path, String(value));
      return;
    }
    for (const [key, inner] of Object.entries(value)) add(`${path}.${key}`, inner);
  };
  const { dataset, split, samples, files, columns = {} } = plan.data;
  add("config", plan.config);
  if (plan.taskFile !== undefined) add("task file", plan.taskFile.sha256);
  const { name, fingerprint } = plan.checkpoint;
  add("checkpoint", { name, ...(fingerprint !== undefined && { fingerprint }) });
  add("data.columns", columns);
  add("data", { dataset, split, samples, ...Object.fromEntries(files.map(({ name, sha256 }) => [name, sha256])) });
  if (plan.imported !== undefined) add("imported", { form: plan.imported.form, sha256: plan.imported.sha256 });
  add("code.fingerprint", plan.code.fingerprint);
  add("packages", plan.packages);
  add("seeds", plan.seeds);
  return fields;
}

export function identityHash(plan: RecordedPlan): string {
  const fields = [...identityFields(plan)].sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(fields)).digest("hex");
}

/** Name of a run in progress lines and notes: `shapes-opt-small vqav2`, or `shapes-opt-small int8 webgpu vqav2`. */
export function runName({ checkpoint, config }: Pick<RunRecord, "checkpoint" | "config">): string {
  const { precision, device, task } = config;
  return [checkpoint.name, precision, device, task].filter((word) => word !== undefined).join(" ");
}
