/**
 * Makes a report, as plain values, from folders. It takes three passes: scores and answers by sample, to find what runs differ
 * on; predictions, line by line; then the data set, for the samples that are shown. Runs are never in memory together; one at a
 * time is as a whole, where scores are worked out (run-details.ts).
 */
import type { Prediction } from "../../../reports/records/run-record.ts";
import { thumbnailKey } from "../../../reports/html/embedded-data.ts";
import type { Details, Thumbnails } from "../../../reports/html/embedded-data.ts";
import { thumbnailOf } from "../../../reports/html/thumbnail.ts";
import { editedFiles, readFileStates, summarisePredictions } from "../../../reports/report/read-run.ts";
import type { PredictionSummary } from "../../../reports/report/read-run.ts";
import { reportFormat } from "../../../reports/records/report-folder.ts";
import type { Apart, FileState, Report, ReportBench, ReportRun } from "../../../reports/report/report-data.ts";
import { RunFolderError } from "../../../reports/records/run-folder-error.ts";
import { scoreRowsOf } from "../../../reports/findings/score-rows.ts";
import type { Catalog } from "../../catalog/catalog.ts";
import { reproductionOf } from "../reproduction.ts";
import { AnswerColumns, agreementOf, chooseSamples, dataKeyOf, groupRuns } from "./answer-groups.ts";
import type { AnswerGroup } from "./answer-groups.ts";
import type { FoundFolder } from "../../../reports/records/find-folders.ts";
import { galleryOf } from "./gallery.ts";
import type { GalleryImage } from "./gallery.ts";
import { apartRun, isApart, readBenchFolder, readRunFolder } from "./read-folders.ts";
import type { ReadRun } from "./read-folders.ts";
import { recordedPrecision } from "../../../reports/records/recorded-precision.ts";

export interface ReportOptions {
  readonly catalog: Catalog;
  /** Where checkpoints lie, whose tokenizers tell the texts of tokens. */
  readonly hubCache: string;
  readonly cacheFolder: string;
  /** New folder of the data set's files, where they have been moved; null: the folder in each run's record. */
  readonly data: string | null;
  /** Most samples shown of a group. */
  readonly samples: number;
  readonly seed: number;
  readonly version: string;
  /** Called before each folder is read. */
  readonly onFolder?: (path: string) => void;
}

export interface MadeReport {
  readonly report: Report;
  readonly thumbnails: Thumbnails;
  readonly details: Details;
}

/** A run with a summary of its predictions. */
export interface FullRun {
  readonly id: string;
  readonly run: ReadRun;
  readonly group: AnswerGroup;
  readonly read: PredictionSummary;
  readonly files: readonly FileState[];
}

/** Throws a RunFolderError where none of the folders is a run or a bench. */
export async function makeReport(folders: readonly FoundFolder[], options: ReportOptions): Promise<MadeReport> {
  if (folders.every(({ kind }) => kind === "unknown")) {
    const where = folders.map(({ path }) => path).join(", ");
    throw new RunFolderError(
      `${where === "" ? "report" : where}: found no run.json and no bench.json in it or below it, expected folders that \`run\` or \`bench\` has written.`,
    );
  }
  const columns = new AnswerColumns();
  const { runs, benches, apart } = await readAll(folders, columns, options);
  const alike = setOtherDataApart(runs);
  const groups = groupRuns(alike.runs, columns);
  const full: FullRun[] = [];
  const chosen = new Map(
    groups.map((group) => [group, new Set(chooseSamples(group, { most: options.samples, seed: options.seed }))]),
  );
  for (const group of groups) {
    for (const run of group.runs) {
      options.onFolder?.(run.path);
      const found = await readFully(run, chosen.get(group)!);
      if ("reasons" in found) apart.push(found);
      else full.push({ ...found, run, group, id: `run-${full.length + 1}` });
    }
  }
  const gallery = await galleryOf(full, chosen, options);
  const report: Report = {
    format: reportFormat,
    version: options.version,
    createdAt: new Date().toISOString(),
    runs: full.map((one) => reportRun(one, full)),
    benches,
    apart: [...apart, ...alike.apart],
    gallery: { seed: options.seed, groups: gallery.groups, samples: gallery.samples },
  };
  return { report, thumbnails: await thumbnailsOf(gallery.images), details: gallery.details };
}

async function readAll(
  folders: readonly FoundFolder[],
  columns: AnswerColumns,
  { onFolder }: ReportOptions,
): Promise<{ runs: ReadRun[]; benches: ReportBench[]; apart: Apart[] }> {
  const [runs, benches, apart]: [ReadRun[], ReportBench[], Apart[]] = [[], [], []];
  for (const { path, kind } of folders) {
    onFolder?.(path);
    if (kind === "unknown") {
      apart.push({
        folder: path,
        kind,
        reasons: ["There is no run.json and no bench.json in it or below it."],
        rows: [],
      });
    } else if (kind === "run") {
      const found = await readRunFolder(path, columns);
      if (isApart(found)) apart.push(found);
      else runs.push(found);
    } else {
      const found = await readBenchFolder(path);
      if ("reasons" in found) apart.push(found);
      else benches.push({ ...found, id: `bench-${benches.length + 1}` });
    }
  }
  return { runs, benches, apart };
}

/**
 * Sets runs apart whose data files differ from those of most runs of their task and split; on a tie the files of the
 * first run count.
 */
function setOtherDataApart(runs: readonly ReadRun[]): {
  readonly runs: readonly ReadRun[];
  readonly apart: readonly Apart[];
} {
  const counts = new Map<string, Map<string, number>>();
  const splitOf = ({ record }: ReadRun): string => `${record.config.task} ${record.data.split}`;
  for (const run of runs) {
    const ofSplit = counts.get(splitOf(run)) ?? new Map<string, number>();
    counts.set(splitOf(run), ofSplit);
    const key = dataKeyOf(run.record);
    ofSplit.set(key, (ofSplit.get(key) ?? 0) + 1);
  }
  const usual = new Map([...counts].map(([split, of]) => [split, [...of].reduce((a, b) => (b[1] > a[1] ? b : a))[0]]));
  const isUsual = (run: ReadRun): boolean => usual.get(splitOf(run)) === dataKeyOf(run.record);
  const apart = runs
    .filter((run) => !isUsual(run))
    .map((run) => {
      const reference = runs.find((one) => splitOf(one) === splitOf(run) && isUsual(one))!;
      return apartRun(run.path, { record: run.record, sheet: run.scores, reasons: [otherDataReason(run, reference)] });
    });
  return { runs: runs.filter(isUsual), apart };
}

function otherDataReason({ record }: ReadRun, reference: ReadRun): string {
  const { config, data } = record;
  const filesOf = (files: typeof data.files): string =>
    files.map(({ name, sha256 }) => `${name} ${sha256.slice(0, 12)}`).join(", ");
  return `It was asked another ${config.task} ${data.split} than ${reference.path}: found ${filesOf(data.files)}, expected ${filesOf(reference.record.data.files)}. Make a report of its own.`;
}

async function readFully(run: ReadRun, chosen: ReadonlySet<string>): Promise<Pick<FullRun, "read" | "files"> | Apart> {
  const { path, record, scores } = run;
  const apart = (reasons: readonly string[]): Apart => apartRun(path, { record, sheet: scores, reasons });
  try {
    const read = await summarisePredictions(path, (id) => chosen.has(id));
    const files = await readFileStates(path, read.sha256);
    const reasons = [...editedFiles(files)];
    const { predicted, failed } = read.counts;
    if (predicted !== record.counts.predicted || failed !== record.counts.failed) {
      reasons.push(
        `predictions.jsonl has ${predicted} predictions and ${failed} failed samples, run.json says ${record.counts.predicted} and ${record.counts.failed}. Was it edited by hand?`,
      );
    }
    return reasons.length > 0 ? apart(reasons) : { read: { ...read, chosen: compact(read.chosen) }, files };
  } catch (error) {
    if (error instanceof RunFolderError) return apart([error.message]);
    throw error;
  }
}

/** Drops the tokens of predictions, which are not shown. */
function compact(chosen: ReadonlyMap<string, Prediction>): ReadonlyMap<string, Prediction> {
  return new Map([...chosen].map(([id, one]) => [id, one.status === "predicted" ? { ...one, tokens: [] } : one]));
}

function reportRun({ id, run, group, read, files }: FullRun, all: readonly FullRun[]): ReportRun {
  const { record, scores, measured } = run;
  const reproduction = reproductionOf({ record, scores });
  const reference = all.find(
    (one) =>
      one.group === group &&
      one.run.record.checkpoint.fingerprint === record.checkpoint.fingerprint &&
      recordedPrecision(one.run.record.config) === "fp32",
  );
  const agreement = reference === undefined || reference.run === run ? null : agreementOf(run, reference.run);
  return {
    id,
    folder: run.path,
    group: group.id,
    record,
    files,
    rows: [...scoreRowsOf({ record, scores })],
    latency: read.latency,
    measured,
    comparisons: (reproduction?.comparisons ?? []).map(
      ({ published, ours, difference, interval, verdict, reasons }) => ({
        metric: published.metric,
        unit: published.unit,
        published: published.value,
        source: published.source,
        ours: "value" in ours ? ours.value : null,
        low: interval?.low ?? null,
        high: interval?.high ?? null,
        difference,
        verdict,
        reasons,
      }),
    ),
    obstacles: reproduction?.obstacles ?? [],
    agreement: agreement === null || reference === undefined ? null : { with: reference.id, ...agreement },
  };
}

async function thumbnailsOf(images: ReadonlyMap<string, GalleryImage>): Promise<Thumbnails> {
  const thumbnails = new Map<string, string>();
  for (const { group, image, file } of images.values()) {
    const thumbnail = await thumbnailOf(file);
    if (thumbnail !== null) thumbnails.set(thumbnailKey(group, image), thumbnail);
  }
  return thumbnails;
}
