/** What the exit code says. After Ctrl-C it is the signal's, see interrupt.ts. */
import { DatasetError } from "../../datasets/dataset.ts";
import { DeviceLostError } from "../../models/device/device-error.ts";
import { CheckpointError, ImageError } from "../../models/model.ts";
import { ModelProcessError } from "../processes/model-process-error.ts";
import { PullError, PullIncompleteError } from "../pull/network/pull-error.ts";
import { RunFolderError, RunWriteError } from "../../reports/records/run-folder-error.ts";
import { TextFileError } from "../../reports/records/text-file.ts";
import { UsageError } from "../catalog/usage-error.ts";

export const completeCode = 0;
/** A mistake of ours. */
export const internalCode = 1;
/** Something to mend: a flag, a file, a folder. Nothing was computed. */
export const usageCode = 2;
/** Some samples have no prediction, or some bytes have not come; those that are there are kept. */
export const incompleteCode = 3;
/** Done, but standard output took not all of the result: its disk is full, for example. */
export const lostOutputCode = 4;
/** A gate: worse than the baseline by more than its margin. */
export const failCode = 10;
/** A gate: the samples decide neither. */
export const inconclusiveCode = 11;

export function exitCodeOf(error: unknown): number {
  const isIncomplete = [RunWriteError, DeviceLostError, PullIncompleteError].some((kind) => error instanceof kind);
  if (isIncomplete) return incompleteCode;
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
