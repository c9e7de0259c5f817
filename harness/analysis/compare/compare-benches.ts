/**
 * Compares bench folders with a base, point by point, by ratios of medians over process restarts. Measurements inside
 * one process depend on each other, so a restart counts as one observation (Hodges-Lehmann on logarithms,
 * statistics/medians.ts).
 */
import { join } from "node:path";
import { benchComparisonFormat } from "../../../reports/findings/bench-comparison-table.ts";
import type { BenchComparison, PointRatio } from "../../../reports/findings/bench-comparison-table.ts";
import { benchName, pointName, pointsName } from "../../../reports/records/bench/bench-folder.ts";
import { parseBenchPoint, parseBenchRecord } from "../../../reports/records/bench/bench-record.ts";
import type { BenchPoint, BenchRecord } from "../../../reports/records/bench/bench-record.ts";
import { recordedPrecision } from "../../../reports/records/recorded-precision.ts";
import { systemCode } from "../../../reports/records/run-folder-error.ts";
import { readTextFile } from "../../../reports/records/text-file.ts";
import { ratioOfMedians } from "../../statistics/medians.ts";
import { UsageError } from "../../catalog/usage-error.ts";

export interface Bench {
  readonly folder: string;
  readonly record: BenchRecord;
  readonly points: ReadonlyMap<string, BenchPoint>;
}

/** null: the folder holds no bench. */
export async function readBench(folder: string): Promise<Bench | null> {
  const text = await textOf(join(folder, benchName));
  if (text === null) return null;
  const record = parseBenchRecord(text, join(folder, benchName));
  const points = new Map<string, BenchPoint>();
  for (const name of record.points) {
    const path = join(folder, pointsName, name, pointName);
    const point = await textOf(path);
    if (point !== null) points.set(name, parseBenchPoint(point, path));
  }
  return { folder, record, points };
}

/** Throws a UsageError where machines, tasks or data differ, since ratios would then say nothing about the models. */
export function compareBenches(base: Bench, candidates: readonly Bench[]): BenchComparison {
  return {
    format: benchComparisonFormat,
    base: base.folder,
    comparisons: candidates.map((candidate) => {
      refuseOther(base, candidate);
      const ratios: PointRatio[] = [];
      const apart: string[] = [];
      for (const name of new Set([...base.points.keys(), ...candidate.points.keys()])) {
        const reason = reasonApart(base.points.get(name), candidate.points.get(name));
        if (reason === null) ratios.push(...ratiosOf(name, base.points.get(name)!, candidate.points.get(name)!));
        else apart.push(`${name}: ${reason}`);
      }
      if (ratios.length === 0) {
        throw new UsageError(`compare: ${candidate.folder} and ${base.folder} have no point that can be compared.`);
      }
      return { candidate: candidate.folder, ratios, apart };
    }),
  };
}

function refuseOther(base: Bench, candidate: Bench): void {
  const facts = ({ record: { machine, task, data, quick } }: Bench): ReadonlyMap<string, string> =>
    new Map([
      ["machine", `${machine.model}, ${machine.cores} cores`],
      ["task", task],
      ["data", data.files.map(({ sha256 }) => sha256.slice(0, 10)).join(" ")],
      ["--quick", String(quick)],
    ]);
  const found = facts(candidate);
  for (const [name, expected] of facts(base)) {
    if (found.get(name) === expected) continue;
    throw new UsageError(
      `compare: ${candidate.folder} was measured with another ${name} than ${base.folder}: found ${found.get(name) ?? "none"}, ` +
        `expected ${expected}. Measure both alike.`,
    );
  }
}

function reasonApart(base: BenchPoint | undefined, candidate: BenchPoint | undefined): string | null {
  if (base === undefined) return "the base has not measured it";
  if (candidate === undefined) return "the candidate has not measured it";
  const precisions = [base, candidate].map(recordedPrecision);
  if (precisions[0] !== precisions[1]) return `another precision by the same name: ${precisions.join(" and ")}`;
  const invalid = base.validity === "INVALID" ? base : candidate;
  return invalid.validity === "INVALID" ? `INVALID: ${invalid.invalidReasons.join("; ")}` : null;
}

type RunValue = (run: BenchPoint["runs"][number]) => number | null;

const measures: readonly {
  readonly measure: PointRatio["measure"];
  readonly isMoreBetter: boolean;
  readonly of: RunValue;
}[] = [
  { measure: "median latency", isMoreBetter: false, of: (run) => run.medianLatencyNs },
  { measure: "tail latency", isMoreBetter: false, of: (run) => run.percentileLatencyNs },
  { measure: "samples a second", isMoreBetter: true, of: (run) => run.samplesPerSecond },
  { measure: "load time", isMoreBetter: false, of: (run) => run.loadMs },
  { measure: "peak memory", isMoreBetter: false, of: (run) => run.peakMemoryBytes },
];

function ratiosOf(point: string, base: BenchPoint, candidate: BenchPoint): readonly PointRatio[] {
  return measures.flatMap(({ measure, isMoreBetter, of }): readonly PointRatio[] => {
    const valuesOf = ({ runs }: BenchPoint): readonly number[] => runs.flatMap((run) => of(run) ?? []);
    const [before, after] = [valuesOf(base), valuesOf(candidate)];
    if (before.length === 0 || after.length === 0) return []; // one of the two was not measured
    const { ratio, low, high } = ratioOfMedians(before, after);
    const isKnown = low > 0 && high < Infinity;
    const side = !isKnown || (low <= 1 && high >= 1) ? "-" : high < 1 === isMoreBetter ? "worse" : "better";
    const interval = { low: isKnown ? low : null, high: isKnown ? high : null };
    return [
      { point, measure, ratio, ...interval, restarts: { base: before.length, candidate: after.length }, verdict: side },
    ];
  });
}

async function textOf(path: string): Promise<string | null> {
  return readTextFile(path).catch((error: unknown) => {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return null;
    throw error;
  });
}
