/**
 * `export`: the files of a run in the form of another tool. All files are made before the first is written, and a file is
 * either whole or not there.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { writeFileWhole } from "../../../reports/records/atomic-file.ts";
import { makeFolder } from "../../../reports/records/make-folder.ts";
import { RunFolderError } from "../../../reports/records/run-folder-error.ts";
import { writeOutput } from "../../../reports/records/write-output.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import type { RecordedPlaces } from "../../catalog/recorded-split.ts";
import { readHeldRun, withData } from "../answered-run.ts";
import type { AnsweredRun, AskedSample } from "../answered-run.ts";
import type { ExportedFile, ExportFormat } from "./export-format.ts";
import { cocoResults, nocapsResults } from "./caption-results.ts";
import { gqaPredictions } from "./gqa-predictions.ts";
import { lavisResults } from "./lavis-results.ts";
import { lmEvalSamples } from "./lm-eval-samples.ts";
import { csvTable, parquetTable } from "./sample-table.ts";
import { evalaiVqa, vqaResults } from "./vqa-results.ts";

/** All formats. To add one, write it in a file of its own and add its name here. */
export const exportFormats: readonly ExportFormat[] = [
  vqaResults,
  evalaiVqa,
  cocoResults,
  nocapsResults,
  gqaPredictions,
  lavisResults,
  lmEvalSamples,
  csvTable,
  parquetTable,
];

export interface ExportOptions extends RecordedPlaces {
  readonly format: ExportFormat;
  /** The folder to write to; made where it does not exist. */
  readonly output: string;
  /** Whether samples may be missing that the format must have. */
  readonly isPartial: boolean;
  /** Whether files of an earlier export are replaced. */
  readonly overwrite: boolean;
}

export interface Exported {
  readonly files: readonly { readonly path: string; readonly about: string }[];
  /** Samples that the format must have and that are not in the files. */
  readonly missing: number;
}

/**
 * Throws a UsageError where the format is not for such a run, a RunFolderError where samples are missing and may not be,
 * or where files cannot be written, and a DatasetError where the run's data are not there.
 */
export async function exportRun(path: string, options: ExportOptions): Promise<Exported> {
  const { format, output, isPartial } = options;
  const run = await withData(await readHeldRun(path), options);
  const unfit = format.unfit(run);
  if (unfit !== null) {
    const others = exportFormats.filter((other) => other.unfit(run) === null).map(({ name }) => name);
    throw new UsageError(`--as ${format.name}: not for ${path}: ${unfit}. Formats for this run: ${others.join(", ")}.`);
  }
  const lacking = missingSamples(run, format);
  if (lacking !== null && !isPartial) throw new RunFolderError(lacking.message);
  const written = format.needs === "nothing" ? run.asked : run.asked.filter(hasAnswer);
  const files = format.files(run, written);
  await writeFiles(output, files, options);
  return {
    files: files.map(({ name, about }) => ({ path: join(output, name), about })),
    missing: lacking?.count ?? 0,
  };
}

function hasAnswer({ prediction }: AskedSample): boolean {
  return prediction !== null && prediction.status !== "failed";
}

/** null: the format has all that it needs. */
function missingSamples(
  { path, asked, split }: AnsweredRun,
  { name, needs }: ExportFormat,
): { readonly count: number; readonly message: string } | null {
  if (needs === "nothing") return null;
  const without = asked.filter((sample) => !hasAnswer(sample));
  const failed = without.filter(({ prediction }) => prediction !== null);
  const parts: string[] = [];
  if (without.length > 0) {
    const [first] = without;
    const why = first?.prediction?.status === "failed" ? `: ${first.prediction.error}` : "";
    parts.push(
      `${without.length} of ${asked.length} samples have no answer (${failed.length} failed, ${without.length - failed.length} not asked yet); ` +
        `the first is ${first?.sample.id ?? ""}${why}`,
    );
  }
  const unasked = needs === "split" ? split.samples.length - asked.length : 0;
  if (unasked > 0) {
    parts.push(
      `the run asks ${asked.length} of the ${split.samples.length} samples of ${split.name}, and ${name} takes only all`,
    );
  }
  if (parts.length === 0) return null;
  const advice = unasked > 0 ? "Run it without --limit" : "Go on with the run";
  return {
    count: without.length + unasked,
    message: `${path}: ${parts.join("; ")}. ${advice}, or export what there is with --partial.`,
  };
}

function writeFiles(
  output: string,
  files: readonly ExportedFile[],
  { overwrite }: Pick<ExportOptions, "overwrite">,
): Promise<void> {
  return writeOutput(output, "Give another folder with --output.", async () => {
    await makeFolder(output);
    for (const { name } of files) {
      if (overwrite || !(await isThere(join(output, name)))) continue;
      throw new RunFolderError(
        `${join(output, name)}: is there already. Give another folder with --output, or --overwrite.`,
      );
    }
    for (const { name, content } of files) await writeFileWhole(join(output, name), content);
  });
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
