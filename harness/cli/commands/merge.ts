/**
 * `blip2-bench merge`: puts the shards of a run together, as one run folder with scores. Windows that no shard answered
 * are named with the commands that ask them, or asked here (--fill); --status only shows how far the shards are.
 */
import { resolve } from "node:path";
import type { ScoredRun } from "../../../reports/findings/score-rows.ts";
import { refuseToMergeInto, writeMergedRun } from "../../../reports/records/merged-folder.ts";
import { readRun } from "../../../reports/records/run-files.ts";
import { left, right, tableOf } from "../../../reports/tables/table.ts";
import type { ColumnOf } from "../../../reports/tables/table.ts";
import { tableToText } from "../../../reports/tables/terminal.ts";
import { dataFolder } from "../../catalog/data-folder.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { scoreOutcomes } from "../../evaluation/score.ts";
import { findShards } from "../../spread/find-shards.ts";
import type { ShardedRun } from "../../spread/find-shards.ts";
import { mergeShards } from "../../spread/merge.ts";
import type { MergedShards } from "../../spread/merge.ts";
import { describeMissing } from "../../spread/missing-windows.ts";
import type { MissingWindows } from "../../spread/missing-windows.ts";
import { recordedConfig, refuseOtherRun } from "../../spread/recorded-config.ts";
import { shardStatus } from "../../spread/status.ts";
import type { ShardStatus } from "../../spread/status.ts";
import type { Surroundings } from "../declared-command.ts";
import { completeCode, incompleteCode } from "../exit-code.ts";
import type { MergeValues } from "./declared/evaluate.ts";
import { resumeCommand, run, showRuns, writeRows } from "./run.ts";

/** Gives the exit code: that of an incomplete run where windows are missing or samples failed. */
export async function merge(
  values: MergeValues,
  folders: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { terminal, isJson } = surroundings;
  const output = outputOf(values, folders);
  const others = values.output === null ? [] : folders.map((folder) => resolve(folder));
  const found = await findShards(output, others);
  if (values.status) {
    const statuses = await Promise.all(found.map(({ shards }) => shardStatus(shards)));
    showStatus(statuses.flat(), surroundings);
    return completeCode;
  }
  const merged = await mergeAll(found, values, surroundings);
  const missing = merged.filter((each) => each.missing !== null);
  if (missing.length > 0 && values.fill) {
    for (const each of missing) {
      const code = await fill(each, values, surroundings);
      if (code !== completeCode) return code;
    }
    return merge({ ...values, fill: false }, folders, surroundings); // with the shards that were just asked
  }
  const scored: ScoredRun[] = [];
  for (const { path, reopened, missing: left, notes, ...run } of merged) {
    if (left !== null) {
      terminal.error(describeMissing(left, { output: path, fill: fillCommand(surroundings) }));
      continue;
    }
    for (const note of notes) terminal.message(note);
    await writeMergedRun(path, run);
    scored.push(await scoreOutcomes(path, await readRun(path), reopened));
  }
  if (scored.length > 0) {
    await writeRows(output, scored);
    showRuns(scored, { terminal, isJson });
  }
  const isComplete = missing.length === 0 && scored.every(({ record }) => record.status === "complete");
  return isComplete ? completeCode : incompleteCode;
}

function outputOf({ output, status, fill }: MergeValues, folders: readonly string[]): string {
  if (status && fill) throw new UsageError("merge: --status only shows, so --fill cannot be given with it.");
  if (output !== null) return output;
  const [folder, another] = folders;
  if (folder === undefined) {
    throw new UsageError("merge: found no folder, expected the one that `run --shard … --output` was given.");
  }
  if (another === undefined) return resolve(folder);
  throw new UsageError("merge: found several folders, expected --output with the folder to merge them into.");
}

type MergedAt = MergedShards & Pick<ShardedRun, "path">;

/** All runs are merged in memory before the first is written, so that a refusal leaves nothing behind. */
async function mergeAll(
  found: readonly ShardedRun[],
  { data: place, mixedProcessors }: MergeValues,
  { catalog, hubCache }: Surroundings,
): Promise<readonly MergedAt[]> {
  const data = await dataFolder(place, hubCache);
  const merged: MergedAt[] = [];
  for (const { path, shards } of found) {
    const one = await mergeShards(shards, { catalog, data, mixedProcessors });
    await refuseToMergeInto(path, one.record);
    merged.push({ ...one, path });
  }
  return merged;
}

/** Asks the missing windows in this process, as one more shard. Gives the exit code. */
async function fill(
  { path, record, missing }: MergedAt & { readonly missing: MissingWindows | null },
  { model, data, images, candidates, threads, workers, cache }: MergeValues,
  surroundings: Surroundings,
): Promise<number> {
  const { catalog, terminal, hubCache } = surroundings;
  const command = fillCommand(surroundings);
  const shard = { windows: { kind: "these", numbers: missing?.numbers ?? [] }, command } as const;
  const here = { model: model ?? null, data: await dataFolder(data, hubCache), images, candidates: candidates ?? null };
  const config = recordedConfig(record, { ...here, output: path, cache, threads, workers, shard });
  return run(config, {
    catalog,
    terminal,
    hubCache,
    isJson: false,
    resume: command,
    check: (evaluations) => {
      for (const evaluation of evaluations) refuseOtherRun(record, evaluation);
    },
    showShards: () => undefined,
  });
}

/** The command line with --fill. */
function fillCommand({ words }: Pick<Surroundings, "words">): string {
  return resumeCommand([...words.filter((word) => word !== "--fill"), "--fill"], { overwrite: false, output: null });
}

const statusColumns: readonly ColumnOf<ShardStatus>[] = [
  left("checkpoint", ({ checkpoint }) => checkpoint),
  left("task", ({ task }) => task),
  left("shard", ({ shard }) => shard),
  left("status", ({ status }) => status),
  right("answered", ({ answered }) => answered),
  right("of", ({ samples }) => samples),
  right("failed", ({ failed }) => failed),
  left("processor", ({ processor }) => processor),
  left("rounding", ({ rounding }) => rounding),
];

function showStatus(statuses: readonly ShardStatus[], { terminal, isJson }: Surroundings): void {
  terminal.result(
    isJson
      ? JSON.stringify({ format: "blip2-bench-shards/1", shards: statuses }, null, 2)
      : tableToText(tableOf(statusColumns, statuses)),
  );
}
