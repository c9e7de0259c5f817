/**
 * The verbs of a run: prepare, ask, evaluate, score, audit. generation/ and retrieval/ each have them, behind this one
 * interface, so that nothing outside these two folders asks which of the two a checkpoint is for.
 */
import type { Sample } from "../../datasets/dataset.ts";
import type { RunFolder } from "../../reports/records/run-folder.ts";
import type { RunPlan, ScoreSheet } from "../../reports/records/run-record.ts";
import type { TaskAudit } from "../../reports/records/findings/audit.ts";
import type { Task } from "../../tasks/task.ts";
import type { OpenedSplit } from "../catalog/open-split.ts";
import type { CheckpointInPrecision } from "./checkpoints.ts";
import type { AnswerableWindows, Elsewhere } from "./elsewhere.ts";
import type { LazyModel } from "./lazy-model.ts";
import type { RunConfig } from "./run-config.ts";
import type { Shard } from "./shard.ts";
import type { Watcher } from "./watcher.ts";

/** A checkpoint and a task that it can do. */
export interface Pair {
  readonly checkpoint: CheckpointInPrecision;
  readonly task: Task;
  /** Shared by all pairs of the checkpoint, so that it is loaded once. */
  readonly model: LazyModel;
  /** The samples that the task asks about; read once, however many pairs of the task there are. */
  readonly open: () => Promise<OpenedSplit<Sample>>;
  /** Checks everything that a run needs, and computes nothing. */
  readonly prepare: (shared: Preparation) => Promise<Evaluation>;
  /** Asks one sample at a time, then as a run asks, and compares. `onSample` is called as samples are done, each twice. */
  readonly audit: (config: AuditConfig, onSample: (count: number) => void) => Promise<AuditFindings>;
}

export interface Preparation {
  readonly config: RunConfig;
  /** Of the plan; a stand-in where `isBatchSizeOpen`, until it is measured. */
  readonly batchSize: number;
  readonly isBatchSizeOpen: boolean;
  /** What a run is made by: the code, its packages. */
  readonly made: Pick<RunPlan, "code" | "packages" | "processor">;
  readonly openFolder: (plan: RunPlan, samples: number) => Promise<RunFolder>;
}

export type AuditConfig = Pick<RunConfig, "protocol" | "overrides"> & { readonly batchSize: number };

export type AuditFindings = Pick<TaskAudit, "failed" | "differences" | "largestScoreDifference">;

/** One checkpoint on one task, all of it checked, nothing of it done: what evaluate.ts leads from samples to scores. */
export interface Evaluation {
  readonly plan: RunPlan;
  readonly folder: RunFolder;
  readonly samples: readonly Sample[];
  /** The part of the run that this process asks; null: all of it. */
  readonly shard: Shard | null;
  readonly model: LazyModel;
  /** What a user should know before it begins. */
  readonly notes: readonly string[];
  /** The evaluation with a batch size that was found by trying; unset: its batch size is chosen. */
  readonly sized?: (watcher: Watcher, gauge: Gauge) => Promise<Evaluation>;
  /** Ids of the samples that are asked here, in the order in which their predictions stand on disk. */
  readonly order: () => readonly string[];
  /** null: every prediction is on disk. */
  readonly missing: () => Promise<MissingPredictions | null>;
  /** From the predictions on disk, without the model. */
  readonly score: () => Promise<ScoreSheet>;
  /** Where its windows are answered; null: here. */
  readonly elsewhere: Elsewhere | null;
  /** Its windows, for a process that answers some of them; unset: they cannot be answered apart from each other. */
  readonly answerable?: AnswerableWindows;
  /** Keeps what belongs beside the predictions once they are scored; unset: nothing does. */
  readonly keepMore?: (watcher: Watcher) => Promise<"kept" | "interrupted">;
}

export interface MissingPredictions {
  /** Ids of samples whose predictions on disk stay. */
  readonly kept: readonly string[];
  /** Asks the model for the others and writes each to the run's folder as it comes. */
  readonly predict: (watcher: Watcher) => Promise<PredictionsEnd>;
}

/** `stopped`: more samples failed than --max-errors allows. */
export type PredictionsEnd = "predicted" | "interrupted" | "stopped";

/** What a batch size is chosen by. */
export interface Gauge {
  /** The time in milliseconds, counted from any moment. */
  readonly now: () => number;
  /** Memory that the processes of the model have resident. */
  readonly residentBytes: (model: { readonly residentBytes?: number }) => number;
}
