/** Names of runs and points in tables and charts: the shortest that distinguish them. */
import type { BenchPoint } from "../records/bench/bench-record.ts";
import { recordedPrecision } from "../records/recorded-precision.ts";
import { protocolName } from "../records/run-record.ts";
import { grouped } from "../tables/numbers.ts";
import { precisionOf } from "./report-data.ts";
import type { ReportRun } from "./report-data.ts";

/**
 * Names by run id: checkpoint and precision; with the run id where two runs of a group would otherwise have one name.
 */
export function runNames(runs: readonly ReportRun[]): ReadonlyMap<string, string> {
  const plain = (run: ReportRun): string => `${run.record.checkpoint.name} ${precisionOf(run)}`;
  const counts = new Map<string, number>();
  for (const run of runs) {
    const key = `${run.group} ${plain(run)}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return new Map(
    runs.map((run) => {
      const isAlone = counts.get(`${run.group} ${plain(run)}`) === 1;
      return [run.id, isAlone ? plain(run) : `${plain(run)} (${run.id})`];
    }),
  );
}

/**
 * `shapes-opt-small int8, batch 8, 2 threads`: checkpoint, precision, and the settings that differ between the points.
 */
export function pointName(point: BenchPoint, points: readonly BenchPoint[]): string {
  const parts = [`${point.checkpoint.name} ${recordedPrecision(point)}`];
  if (points.some(({ batchSize }) => batchSize !== point.batchSize)) parts.push(`batch ${point.batchSize}`);
  if (points.some(({ threads }) => threads !== point.threads)) {
    parts.push(`${point.threads} ${point.threads === 1 ? "thread" : "threads"}`);
  }
  if (points.some(({ device }) => device !== point.device)) parts.push(point.device);
  return parts.join(", ");
}

const families: readonly { readonly family: string; readonly label: string }[] = [
  { family: "opt", label: "OPT" },
  { family: "t5", label: "FlanT5" },
  { family: "itm", label: "image-text matching" },
];

/** The colour of each family of language models. */
export function familyColor(family: string): number {
  const index = families.findIndex((one) => one.family === family);
  return index === -1 ? families.length : index;
}

export function familyLabel(family: string): string {
  return families.find((one) => one.family === family)?.label ?? family;
}

/** Title of a group's charts: task and split. */
export function groupTitle(runs: readonly ReportRun[]): string {
  const [run] = runs;
  return run === undefined ? "" : `${run.record.config.task} ${run.record.data.split}`;
}

/** Protocol and number of samples, in which groups of one task and split can differ. */
export function groupNote(runs: readonly ReportRun[]): string {
  const [run] = runs;
  if (run === undefined) return "";
  const { config, counts } = run.record;
  return `Protocol ${protocolName(config)}, n ${grouped(counts.samples)}`;
}

/** Runs by group, in the order in which they appear. */
export function groupsOf(runs: readonly ReportRun[]): readonly (readonly ReportRun[])[] {
  const groups = new Map<string, ReportRun[]>();
  for (const run of runs) {
    const group = groups.get(run.group) ?? [];
    groups.set(run.group, group);
    group.push(run);
  }
  return [...groups.values()];
}
