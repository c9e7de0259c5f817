/**
 * Shards → one run. What does not belong together is refused with all reasons, and nothing is written. A merged run is an
 * ordinary run folder: its predictions are those that one process would have written, times aside.
 */
import { stagesOf } from "../../reports/records/journal.ts";
import { RunFolderError } from "../../reports/records/run-folder-error.ts";
import { differingFields } from "../../reports/records/run-folder-text.ts";
import type { MergedRun } from "../../reports/records/merged-folder.ts";
import { runRecordSchema } from "../../reports/records/run-record.ts";
import type { RecordedMachine, RunRecord } from "../../reports/records/run-record.ts";
import { join } from "node:path";
import { similaritiesName, taskCopyName } from "../../reports/records/run-files.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { reopenRun } from "../evaluation/score.ts";
import type { ReopenedRun } from "../evaluation/score.ts";
import { windowsHash } from "../evaluation/shard.ts";
import { describeDisagreements, isExcused, keepAnswers, roundingOfShard } from "./answers.ts";
import type { KeptAnswers } from "./answers.ts";
import { missingWindows } from "./missing-windows.ts";
import type { MissingWindows } from "./missing-windows.ts";
import { inShardOrder, nameOf, readShard } from "./read-shard.ts";
import type { ShardOnDisk } from "./read-shard.ts";

export interface MergeOptions {
  readonly catalog: Catalog;
  /** Folder of the data set's files, where they have moved; null: they have not. */
  readonly data: string | null;
  /** Whether answers of machines that round differently may stand in one run. */
  readonly mixedProcessors: boolean;
}

/** Shards that belong together, put together. */
export interface MergedShards extends MergedRun {
  readonly reopened: ReopenedRun;
  /** Windows that no shard has answered; null: none. */
  readonly missing: MissingWindows | null;
  /** What a user should know. */
  readonly notes: readonly string[];
}

/** Throws a RunFolderError with every reason why they do not belong together. */
export async function mergeShards(
  folders: readonly string[],
  { catalog, data, mixedProcessors }: MergeOptions,
): Promise<MergedShards> {
  const reasons: string[] = [];
  const read: ShardOnDisk[] = [];
  for (const folder of folders) {
    const shard = await readShard(folder).catch((error: unknown) => {
      if (!(error instanceof RunFolderError)) throw error;
      reasons.push(error.message);
      return null;
    });
    if (shard !== null) read.push(shard);
  }
  const shards = inShardOrder(read);
  reasons.push(...shards.flatMap(({ changed }) => changed));
  const [first] = shards;
  if (first === undefined) throw refusal(reasons);

  const notes: string[] = [];
  const reopened = await reopenRun(first.path, first.record, {
    catalog,
    data,
    taskFile: null,
    onNote: (note) => notes.push(note),
  });
  const hash = windowsHash(reopened.windows);
  for (const shard of shards) {
    const fields = differingFields(shard.record, first.record);
    reasons.push(...fields.map((line) => `${shard.path}: ${line}`));
    const found = shard.record.shard?.windowsHash ?? hash;
    if (found !== hash && fields.length === 0) {
      reasons.push(`${shard.path}: its windows hold other samples: found SHA-256 ${found}, expected ${hash}`);
    }
  }
  const alike = shards.filter(({ record }) => record.identity === first.record.identity);
  const known = new Set(reopened.order);
  for (const { path, lines } of alike) {
    const unknown = [...lines.keys()].filter((id) => !known.has(id));
    if (unknown.length === 0) continue;
    reasons.push(`${path}: ${unknown.length} samples that the run does not ask: ${unknown.slice(0, 3).join(", ")}`);
  }
  const similarities = alike.filter((shard) => shard.similarities !== null);
  reasons.push(...differingSimilarities(similarities));
  const answers = keepAnswers(alike);
  reasons.push(...wrongAnswers(alike, answers, mixedProcessors));
  if (reasons.length > 0) throw refusal(reasons);

  const missing = missingWindows(reopened.windows, { answered: new Set(answers.kept.keys()), shards });
  const order = reopened.order.filter((id) => answers.kept.has(id));
  const mixed = mixedOf(alike, answers);
  return {
    record: mergedRecord(alike, answers, reopened),
    lines: order.map((id) => answers.kept.get(id)!.line.bytes),
    similarities: similarities[0] === undefined ? null : join(similarities[0].path, similaritiesName),
    taskCopy: first.record.taskFile === undefined ? null : join(first.path, taskCopyName(first.record.taskFile.path)),
    reopened,
    missing,
    notes: mixed === null ? notes : [...notes, describeMixed(alike, mixed)],
  };
}

function refusal(reasons: readonly string[]): RunFolderError {
  return new RunFolderError(
    ["These shards cannot be merged:", ...reasons.map((reason) => `  ${reason}`), "Nothing was written."].join("\n"),
  );
}

/** A ranking is among all texts, so shards of a retrieval run must have compared the images with them alike. */
function differingSimilarities([first, ...others]: readonly ShardOnDisk[]): readonly string[] {
  return others
    .filter(({ similarities }) => similarities !== first?.similarities)
    .map(
      ({ path, similarities }) =>
        `${path}: ${similaritiesName}: found SHA-256 ${similarities ?? "none"}, expected ${first?.similarities ?? "none"} ` +
        `as in ${first?.path ?? ""}. Did one of the machines read other images, or round differently?`,
    );
}

function wrongAnswers(
  shards: readonly ShardOnDisk[],
  { disagreements }: KeptAnswers,
  mixedProcessors: boolean,
): readonly string[] {
  const wrong = disagreements.filter((each) => !(mixedProcessors && isExcused(each)));
  const reasons = [...describeDisagreements(wrong)];
  const roundings = byRounding(shards);
  if (roundings.size === 1 || mixedProcessors) return reasons;
  const { precision } = shards[0]!.record.config;
  const isFp32 = precision === undefined;
  if (!isFp32 || wrong.some(isExcused)) {
    const found = isFp32
      ? "and their answers to the same samples differ"
      : `in ${precision}, where answers depend on it`;
    reasons.push(
      `the machines round differently, ${found}: ${describeRoundings(roundings)}. ` +
        "With --mixed-processors the answers of the lowest shard are kept.",
    );
  }
  return reasons;
}

function byRounding(shards: readonly ShardOnDisk[]): ReadonlyMap<string, readonly ShardOnDisk[]> {
  const found = new Map<string, ShardOnDisk[]>();
  for (const shard of shards) {
    const rounding = roundingOfShard(shard);
    found.set(rounding, [...(found.get(rounding) ?? []), shard]);
  }
  return found;
}

function describeRoundings(roundings: ReadonlyMap<string, readonly ShardOnDisk[]>): string {
  return [...roundings]
    .map(([rounding, shards]) => {
      const models = [...new Set(shards.map(({ record }) => record.processor.model))].join(" and ");
      return `${rounding} (${models}: ${shards.map(nameOf).join(", ")})`;
    })
    .join("; ");
}

type Mixed = NonNullable<RunRecord["mixedProcessors"]>;

/** null: all machines round alike. */
function mixedOf(shards: readonly ShardOnDisk[], { duplicates, disagreements }: KeptAnswers): Mixed | null {
  if (byRounding(shards).size === 1) return null;
  return { compared: duplicates, differing: disagreements.length };
}

function describeMixed(shards: readonly ShardOnDisk[], mixed: Mixed): string {
  const found = describeRoundings(byRounding(shards));
  return (
    `The machines round differently: ${found}. Of ${mixed.compared} samples that several answered, ` +
    `${mixed.differing} have other answers; those of the lowest shard are kept.`
  );
}

/** A record of a run that is no shard of another. */
const wholeRunSchema = runRecordSchema.omit({ shard: true });

function mergedRecord(shards: readonly ShardOnDisk[], answers: KeptAnswers, reopened: ReopenedRun): RunRecord {
  const first = wholeRunSchema.parse(shards[0]!.record);
  const predictions = [...answers.kept.values()].map(({ line }) => line.prediction);
  const failed = predictions.filter(({ status }) => status === "failed").length;
  const timings = shards.map(({ record }) => record.timings);
  const finished = timings.flatMap(({ finishedAt }) => finishedAt ?? []).toSorted();
  const waitMs = sum(timings.map((each) => each.waitMs));
  const computeMs = sum(timings.map((each) => each.computeMs));
  const mixed = mixedOf(shards, answers);
  return {
    ...first,
    status: failed > 0 ? "partial" : "complete",
    machines: shards.map((shard) => machineOf(shard, answers, reopened)),
    ...(mixed !== null && { mixedProcessors: mixed }),
    counts: { samples: reopened.order.length, predicted: predictions.length - failed, failed },
    timings: {
      startedAt: timings.map(({ startedAt }) => startedAt).toSorted()[0]!,
      finishedAt: finished.at(-1) ?? null,
      ...(waitMs !== null && { waitMs }),
      ...(computeMs !== null && { computeMs }),
    },
    ...(first.measured !== undefined && { measured: { ...first.measured, stagesMs: stagesOf(predictions) } }),
  };
}

/** null: none has a value. */
function sum(values: readonly (number | undefined)[]): number | null {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
}

function machineOf(shard: ShardOnDisk, { kept }: KeptAnswers, { windows }: ReopenedRun): RecordedMachine {
  const { processor, device, timings } = shard.record;
  return {
    shard: nameOf(shard),
    windows: windows.filter((window) => window.some(({ id }) => kept.get(id)?.shard === shard)).length,
    processor,
    ...(device !== undefined && { device }),
    startedAt: timings.startedAt,
    finishedAt: timings.finishedAt,
  };
}
