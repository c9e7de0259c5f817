/**
 * Creates, reopens and writes a run folder. A folder that holds another run, or other files, is never changed. Writing
 * starts with `begin`; before, opening a folder only adds its lock.
 */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isTemporaryName, writeFileWhole } from "./atomic-file.ts";
import { checksumsName, recordChecksums } from "./checksums.ts";
import { writeFirstSteps } from "./first-step.ts";
import type { FirstSteps } from "./first-step.ts";
import { Journal } from "./journal.ts";
import type { Outcome } from "./journal.ts";
import { makeFolder, removeEmptyFolders } from "./make-folder.ts";
import {
  asFolderError,
  journalName,
  kindOfFolder,
  ownNames,
  readRecord,
  recordName,
  rowsName,
  scoresName,
  similaritiesName,
  taskCopyName,
  writeScoresFile,
} from "./run-files.ts";
import { describeSystemCode, remedyOf, RunFolderError, RunWriteError, systemCode } from "./run-folder-error.ts";
import { differences } from "./run-folder-text.ts";
import { lockFolder, lockName } from "./run-lock.ts";
import type { SchedulerTask } from "./run-lock.ts";
import { identityHash, runFormat } from "./run-record.ts";
import type {
  Prediction,
  RecordedMachine,
  RecordedPlan,
  RunCounts,
  RunMeasured,
  RunRecord,
  RunStatus,
  ScoreSheet,
} from "./run-record.ts";

interface OpenOptions {
  readonly samples: number;
  /** Removes an existing run; other files are never removed. */
  readonly overwrite: boolean;
  /** The scheduler's task that this process runs as; unset: none. */
  readonly task?: SchedulerTask | null;
  /** Bytes of the file that the task is written in, of which a copy is kept; unset: there is none. */
  readonly taskFile?: Uint8Array | null;
}

interface OpenFolder {
  readonly path: string;
  readonly record: RunRecord;
  readonly journal: Journal;
  readonly taskFile: Uint8Array | null;
}

export class RunFolder {
  readonly path: string;
  readonly #journal: Journal;
  readonly #taskFile: Uint8Array | null;
  readonly #samples: number;
  readonly #release: () => Promise<void>;
  readonly #stagesMs: Record<string, number> = {};
  #record: RunRecord;

  private constructor({ path, record, journal, taskFile }: OpenFolder, release: () => Promise<void>) {
    this.path = path;
    this.#record = record;
    this.#samples = record.counts.samples;
    this.#journal = journal;
    this.#taskFile = taskFile;
    this.#release = release;
  }

  /**
   * Opens the folder for this plan of `samples` samples and locks it. Throws a RunFolderError where it cannot be
   * written, is in use, holds other files, or predictions of another run.
   */
  static async open(
    path: string,
    plan: RecordedPlan,
    { samples, overwrite, task = null, taskFile = null }: OpenOptions,
  ): Promise<RunFolder> {
    await refuseOther(path); // before anything is written, including the lock
    const release = await claim(path, task);
    try {
      await refuseOther(path); // checked again, since another process may have written to it meanwhile
      await removeLeftovers(path, overwrite);
      const found = await readRecord(path);
      const journal = await Journal.open(join(path, journalName));
      const record = newRecord(plan, samples);
      const opened = (kept: RunRecord): RunFolder => new RunFolder({ path, record: kept, journal, taskFile }, release);
      if (found === null) return opened(record);
      if (found.identity === record.identity) return opened(found);
      if (journal.outcomes.size > 0) throw new RunFolderError(differences(path, found, plan));
      return opened(record); // another run without a prediction, which may be replaced
    } catch (error) {
      await release();
      throw asFolderError(path, error);
    }
  }

  get record(): RunRecord {
    return this.#record;
  }

  /** The outcome of each sample so far, by id. */
  get outcomes(): ReadonlyMap<string, Outcome> {
    return this.#journal.outcomes;
  }

  /** Marks the run as running with this plan, and drops all predictions except those of the samples `kept`. */
  async begin(plan: RecordedPlan, kept: readonly string[]): Promise<void> {
    await this.#write(async () => {
      // These files were made from predictions that are about to change.
      for (const name of [scoresName, rowsName, checksumsName]) await rm(join(this.path, name), { force: true });
      const { timings, measured, machines } = this.#record;
      this.#record = {
        ...newRecord(plan, this.#samples),
        timings: { ...timings, finishedAt: null },
        ...(measured !== undefined && { measured }),
        ...(machines !== undefined && { machines }),
      };
      await this.#journal.arrange(kept);
      if (plan.taskFile !== undefined && this.#taskFile !== null) {
        await writeFileWhole(join(this.path, taskCopyName(plan.taskFile.path)), this.#taskFile);
      }
      await this.#writeRecord("running", null);
    });
  }

  async append(predictions: readonly Prediction[]): Promise<void> {
    await this.#write(() => this.#journal.append(predictions));
  }

  /** Adds to the times that the model waited and computed; the next `finish` writes them. */
  addTimes({ waitMs, computeMs }: { readonly waitMs: number; readonly computeMs: number }): void {
    const { timings } = this.#record;
    const sums = { waitMs: (timings.waitMs ?? 0) + waitMs, computeMs: (timings.computeMs ?? 0) + computeMs };
    this.#record = { ...this.#record, timings: { ...timings, ...sums } };
  }

  /**
   * Sorts the predictions in this order and records in run.json how the run ended, unless it is recorded already.
   * @param measured load time and memory of this process; null where it loaded no model
   */
  async finish(
    status: RunStatus,
    order: readonly string[],
    { measured }: { readonly measured: RunMeasured | null } = { measured: null },
  ): Promise<void> {
    await this.#write(async () => {
      await this.#journal.arrange(order.filter((id) => this.outcomes.has(id)));
      const { predicted, failed } = this.#counts();
      const { counts } = this.#record;
      const isSaid = this.#record.status === status && counts.predicted === predicted && counts.failed === failed;
      if (isSaid) return; // the checksums recorded when the run ended stay valid
      if (measured !== null) {
        const before = this.#record.measured?.stagesMs;
        const stagesMs = { ...before, ...this.#stagesMs, ...(await this.#journal.stagesMs()) };
        this.#record = { ...this.#record, measured: { ...measured, stagesMs } };
      }
      await this.#writeRecord(status, new Date().toISOString());
      await recordChecksums(this.path, [recordName, journalName]);
    });
  }

  /** Adds the time of a stage that all samples go through together, which is in no prediction. */
  noteStage(stage: string, ms: number): void {
    this.#stagesMs[stage] = ms;
  }

  /**
   * The machines that have answered so far, in place of those before. They are in run.json at once where one is new, so
   * that none is missing after a crash; their windows are as of the next `finish`.
   */
  async noteMachines(machines: readonly RecordedMachine[]): Promise<void> {
    const isNew = machines.length !== (this.#record.machines ?? []).length;
    this.#record = { ...this.#record, machines: [...machines], ...mixedRounding(machines) };
    if (isNew) await this.#write(() => this.#writeRecord("running", null));
  }

  async writeSimilarities(values: Float32Array): Promise<void> {
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    await this.#write(() => writeFileWhole(join(this.path, similaritiesName), bytes));
    await this.#write(() => recordChecksums(this.path, [similaritiesName]));
  }

  async writeFirstSteps(steps: FirstSteps): Promise<void> {
    await this.#write(() => writeFirstSteps(this.path, steps));
  }

  async writeScores(scores: ScoreSheet): Promise<void> {
    await this.#write(() => writeScoresFile(this.path, scores));
  }

  /** Ends writing and unlocks the folder. If the folder was created for this run and is still empty, it is removed. */
  async close(): Promise<void> {
    await this.#journal.close();
    await this.#release();
  }

  #counts(): RunCounts {
    const failed = [...this.outcomes.values()].filter(({ status }) => status === "failed").length;
    return { samples: this.#samples, predicted: this.outcomes.size - failed, failed };
  }

  async #writeRecord(status: RunStatus, finishedAt: string | null): Promise<void> {
    const timings = { ...this.#record.timings, finishedAt };
    this.#record = { ...this.#record, status, counts: this.#counts(), timings };
    await writeFileWhole(join(this.path, recordName), jsonText(this.#record));
  }

  async #write(write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      const code = systemCode(error);
      if (code === null) throw error;
      throw new RunWriteError(
        `${this.path}: cannot be written any more: ${describeSystemCode(code)}. ${remedyOf(code)}, then go on with the run.`,
        { cause: error },
      );
    }
  }
}

function newRecord(plan: RecordedPlan, samples: number): RunRecord {
  const {
    config,
    taskFile,
    checkpoint,
    imported,
    data,
    code,
    packages,
    processor,
    device,
    shard,
    machines,
    mixedProcessors,
    seeds,
  } = plan;
  return {
    format: runFormat,
    status: "running",
    identity: identityHash(plan),
    config,
    ...(taskFile !== undefined && { taskFile }),
    checkpoint,
    ...(imported !== undefined && { imported }),
    data,
    code,
    packages,
    ...(processor !== undefined && { processor }),
    ...(device !== undefined && { device }),
    ...(shard !== undefined && { shard }),
    ...(machines !== undefined && { machines }),
    ...(mixedProcessors !== undefined && { mixedProcessors }),
    seeds,
    counts: { samples, predicted: 0, failed: 0 },
    timings: { startedAt: new Date().toISOString(), finishedAt: null },
  };
}

/** Workers of a queue answer no window twice, so nothing is compared. */
function mixedRounding(machines: readonly RecordedMachine[]): Pick<RunRecord, "mixedProcessors"> {
  const roundings = new Set(machines.map(({ processor }) => processor.rounding));
  return roundings.size > 1 ? { mixedProcessors: { compared: 0, differing: 0 } } : {};
}

async function refuseOther(path: string): Promise<void> {
  if ((await kindOfFolder(path)) !== "other") return;
  throw new RunFolderError(
    `${path}: not empty, and no run: ${recordName} is missing. Give a new folder with --output.`,
  );
}

/**
 * Creates the folder if needed and locks it. Returns a function that unlocks it, and removes it if nothing was written.
 */
async function claim(path: string, task: SchedulerTask | null): Promise<() => Promise<void>> {
  let made: string | null = null;
  try {
    made = await makeFolder(path);
    const unlock = await lockFolder(path, task);
    return async () => {
      await unlock();
      await removeEmptyFolders(path, made);
    };
  } catch (error) {
    await removeEmptyFolders(path, made);
    throw asFolderError(path, error);
  }
}

async function removeLeftovers(path: string, overwrite: boolean): Promise<void> {
  for (const name of await readdir(path)) {
    const isOurs = overwrite && ownNames.has(name) && name !== lockName;
    if (isOurs || isTemporaryName(name, ownNames)) await rm(join(path, name), { force: true });
  }
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
