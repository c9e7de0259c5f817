/**
 * Creates, reopens, writes and reads a bench folder (its contents: bench-record.ts). A folder that holds another sweep,
 * or other files, is never changed.
 */
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isTemporaryName, writeFileWhole } from "../atomic-file.ts";
import { parseBenchPoint, parseBenchRecord } from "./bench-record.ts";
import type { BenchPoint, BenchRecord } from "./bench-record.ts";
import { parseBenchAccuracy, parseBenchRun } from "./bench-run.ts";
import type { BenchAccuracy, BenchRun } from "./bench-run.ts";
import { makeFolder, removeEmptyFolders } from "../make-folder.ts";
import {
  adviceOn,
  describeSystemCode,
  remedyOf,
  RunFolderError,
  RunWriteError,
  systemCode,
} from "../run-folder-error.ts";
import { lockFolder, lockName } from "../run-lock.ts";
import { readTextFile } from "../text-file.ts";

export const benchName = "bench.json";
export const pointsName = "points";
export const pointName = "point.json";
const accuracyName = "accuracy";
const ownNames: ReadonlySet<string> = new Set([benchName, pointsName, accuracyName, lockName]);

export class BenchFolder {
  readonly path: string;
  readonly #release: () => Promise<void>;
  #record: BenchRecord;

  private constructor(path: string, record: BenchRecord, release: () => Promise<void>) {
    this.path = path;
    this.#record = record;
    this.#release = release;
  }

  /**
   * Opens the folder for this sweep and locks it; points that it holds already are kept. Throws a RunFolderError where
   * it cannot be written, is in use, or holds something else.
   * @param overwrite removes an existing sweep; other files are never removed
   */
  static async open(path: string, record: BenchRecord, { overwrite }: { overwrite: boolean }): Promise<BenchFolder> {
    await refuseOther(path);
    const made = await makeFolder(path).catch((error: unknown) => {
      throw asFolderError(path, error);
    });
    try {
      const unlock = await lockFolder(path);
      const release = async (): Promise<void> => {
        await unlock();
        await removeEmptyFolders(path, made);
      };
      try {
        await refuseOther(path);
        await removeLeftovers(path, overwrite);
        const found = await readRecord(path);
        if (found !== null) refuseOtherPlan(path, found, record);
        const points = [...new Set([...(found?.points ?? []), ...record.points])];
        const startedAt = found?.timings.startedAt ?? record.timings.startedAt;
        const plan = { ...found?.plan, ...record.plan };
        const whole = { ...record, plan, points, timings: { startedAt, finishedAt: null } };
        return new BenchFolder(path, whole, release);
      } catch (error) {
        await release();
        throw error;
      }
    } catch (error) {
      await removeEmptyFolders(path, made);
      throw asFolderError(path, error);
    }
  }

  get record(): BenchRecord {
    return this.#record;
  }

  async writeRecord(changes: Partial<BenchRecord>): Promise<void> {
    this.#record = { ...this.#record, ...changes };
    await this.#write(benchName, this.#record);
  }

  readPoint(name: string): Promise<BenchPoint | null> {
    return this.#read(join(pointsName, name, pointName), parseBenchPoint);
  }

  readRun(point: string, restart: number): Promise<BenchRun | null> {
    return this.#read(join(pointsName, point, `run-${restart}.json`), parseBenchRun);
  }

  readAccuracy(name: string): Promise<BenchAccuracy | null> {
    return this.#read(join(accuracyName, `${name}.json`), parseBenchAccuracy);
  }

  /** `logs`: texts of log files by name, which are written to the run's folder. */
  async writeRun(run: BenchRun, logs: Readonly<Record<string, string>>): Promise<void> {
    const folder = join(pointsName, run.point, `run-${run.restart}`);
    for (const [name, text] of Object.entries(logs)) await this.#writeText(join(folder, name), text);
    await this.#writeText(`${folder}.json`, `${JSON.stringify(run)}\n`);
  }

  async writeAccuracy(accuracy: BenchAccuracy, logs: Readonly<Record<string, string>>): Promise<void> {
    const folder = join(accuracyName, accuracy.name);
    for (const [name, text] of Object.entries(logs)) await this.#writeText(join(folder, name), text);
    await this.#writeText(`${folder}.json`, `${JSON.stringify(accuracy)}\n`);
  }

  /** Writes a point and deletes the files of its runs, which the point contains. */
  async writePoint(point: BenchPoint): Promise<void> {
    await this.#write(join(pointsName, point.name, pointName), point);
    for (let restart = 1; restart <= point.restarts; restart += 1) {
      await rm(join(this.path, pointsName, point.name, `run-${restart}.json`), { force: true });
    }
  }

  async close(): Promise<void> {
    await this.#release();
  }

  async #read<Value>(name: string, parse: (text: string, where: string) => Value): Promise<Value | null> {
    const path = join(this.path, name);
    const text = await readTextFile(path).catch((error: unknown) => {
      if (systemCode(error) === "ENOENT") return null;
      throw asFolderError(this.path, error);
    });
    return text === null ? null : parse(text, path);
  }

  #write(name: string, value: unknown): Promise<void> {
    return this.#writeText(name, `${JSON.stringify(value, null, 2)}\n`);
  }

  async #writeText(name: string, text: string): Promise<void> {
    const path = join(this.path, name);
    try {
      await mkdir(join(path, ".."), { recursive: true });
      await writeFileWhole(path, text);
    } catch (error) {
      const code = systemCode(error);
      if (code === null) throw error;
      throw new RunWriteError(
        `${this.path}: cannot be written any more: ${describeSystemCode(code)}. ${remedyOf(code)}, then go on with the same command.`,
        { cause: error },
      );
    }
  }
}

async function readRecord(folder: string): Promise<BenchRecord | null> {
  const path = join(folder, benchName);
  const text = await readTextFile(path).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT") return null;
    throw error;
  });
  return text === null ? null : parseBenchRecord(text, path);
}

async function refuseOther(path: string): Promise<void> {
  const names = await readdir(path).catch((error: unknown): string[] => {
    if (systemCode(error) === "ENOENT") return [];
    throw asFolderError(path, error);
  });
  const isFree = names.every((name) => name === lockName || isTemporaryName(name, ownNames));
  if (isFree || names.includes(benchName)) return;
  throw new RunFolderError(
    `${path}: not empty, and no bench folder: ${benchName} is missing. Give a new folder with --output.`,
  );
}

async function removeLeftovers(path: string, overwrite: boolean): Promise<void> {
  for (const name of await readdir(path)) {
    const isOurs = overwrite && ownNames.has(name) && name !== lockName;
    if (isOurs || isTemporaryName(name, ownNames)) await rm(join(path, name), { force: true, recursive: true });
  }
}

/** Throws a RunFolderError that names each setting in which the folder and this command differ. */
function refuseOtherPlan(path: string, found: BenchRecord, expected: BenchRecord): void {
  // settings that only one has belong to added points
  const both = Object.keys(expected.plan).filter((name) => name in found.plan);
  const different = both.filter((name) => found.plan[name] !== expected.plan[name]);
  if (different.length === 0) return;
  const lines = different.map(
    (name) => `  ${name}: found ${found.plan[name] ?? ""}, expected ${expected.plan[name] ?? ""}`,
  );
  throw new RunFolderError(
    [
      `${path}: holds points measured in another way:`,
      ...lines,
      "Give another folder with --output, or --overwrite to start this one again.",
    ].join("\n"),
  );
}

function asFolderError(path: string, error: unknown): unknown {
  const code = systemCode(error);
  if (code === null) return error;
  return new RunFolderError(
    `${path}: cannot be used as a bench folder: ${describeSystemCode(code)}. ${adviceOn(code, "Give another folder with --output.")}`,
    { cause: error },
  );
}
