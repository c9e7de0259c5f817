/** The exit codes of the program. After Ctrl-C the code is that of the signal, see interrupt.ts. */
import { DatasetError } from "../../datasets/dataset.ts";
import { DeviceLostError } from "../../models/device/device-error.ts";
import { CheckpointError, ImageError } from "../../models/model.ts";
import { ModelProcessError } from "../processes/model-process-error.ts";
import { PullError, PullIncompleteError } from "../pull/network/pull-error.ts";
import {
  adviceOn,
  describeSystemCode,
  isLack,
  RunFolderError,
  RunWriteError,
  systemCode,
} from "../../reports/records/run-folder-error.ts";
import { TextFileError } from "../../reports/records/text-file.ts";
import { UsageError } from "../catalog/usage-error.ts";

export const completeCode = 0;
/** An unexpected error: a bug of this program. */
export const internalCode = 1;
/** The user must correct something, such as a flag, a file or a folder. Nothing was computed. */
export const usageCode = 2;
/** Incomplete: some samples have no prediction, or a download has not finished. Finished parts are kept. */
export const incompleteCode = 3;
/** Done, but not all of the result could be written to standard output, for example because its disk is full. */
export const lostOutputCode = 4;
/** Gate: the candidate is worse than the baseline by more than the margin. */
export const failCode = 10;
/** Gate: there are too few samples to decide. */
export const inconclusiveCode = 11;

export function exitCodeOf(error: unknown): number {
  const isIncomplete = [RunWriteError, DeviceLostError, PullIncompleteError].some((kind) => error instanceof kind);
  if (isIncomplete || describeSystemFault(error) !== null) return incompleteCode;
  const isUserError = [
    UsageError,
    PullError,
    DatasetError,
    CheckpointError,
    ImageError,
    RunFolderError,
    TextFileError,
    ModelProcessError,
  ].some((kind) => error instanceof kind);
  return isUserError ? usageCode : internalCode;
}

/** Codes by which the system refuses a path that this program has used before. */
const refusals: readonly string[] = ["EACCES", "EPERM", "EROFS", "ESTALE", "EAGAIN"];

/**
 * What the system refused in the midst of a command, by a call that has no error of its own; null: this is no such error. The
 * same command goes on when it is mended.
 */
export function describeSystemFault(error: unknown): string | null {
  const code = systemCode(error);
  if (code === null || !(isLack(code) || refusals.includes(code))) return null;
  const where = error instanceof Error && "path" in error ? `${String(error.path)}: ` : "";
  const call = error instanceof Error && "syscall" in error ? ` at ${String(error.syscall)}` : "";
  const advice = adviceOn(code, "See that this user may use it, then give the same command again.");
  return `${where}${describeSystemCode(code)}${call}. ${advice}`;
}
