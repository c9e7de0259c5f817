/** What runs and points are called in tables and charts: the shortest name that tells them apart. */
import type { BenchPoint } from "../records/bench/bench-record.ts";
import { grouped } from "../tables/numbers.ts";
import { precisionOf } from "./report-data.ts";
import type { ReportRun } from "./report-data.ts";

/** By run id: checkpoint and precision; the run id, too, where another run of the same group has the same. */
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

/** `shapes-opt-small int8, batch 8, 2 threads`: what differs between the points beside checkpoint and precision. */
export function pointName(point: BenchPoint, points: readonly BenchPoint[]): string {
  const parts = [`${point.checkpoint.name} ${point.precision}`];
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

/** A colour of its own for each kind of language model. */
export function familyColor(family: string): number {
  const index = families.findIndex((one) => one.family === family);
  return index === -1 ? families.length : index;
}

export function familyLabel(family: string): string {
  return families.find((one) => one.family === family)?.label ?? family;
}

/** What a chart of a group is of: task and split. */
export function groupTitle(runs: readonly ReportRun[]): string {
  const [run] = runs;
  return run === undefined ? "" : `${run.record.config.task} ${run.record.data.split}`;
}

/** What sets groups of the same task and split apart. */
export function groupNote(runs: readonly ReportRun[]): string {
  const [run] = runs;
  if (run === undefined) return "";
  const { config, counts } = run.record;
  const protocol = Object.keys(config.overrides).length > 0 ? "custom" : config.protocol;
  return `Protocol ${protocol}, n ${grouped(counts.samples)}`;
}

/** Runs by group, in the order they came. */
export function groupsOf(runs: readonly ReportRun[]): readonly (readonly ReportRun[])[] {
  const groups = new Map<string, ReportRun[]>();
  for (const run of runs) {
    const group = groups.get(run.group) ?? [];
    groups.set(run.group, group);
    group.push(run);
  }
  return [...groups.values()];
}
