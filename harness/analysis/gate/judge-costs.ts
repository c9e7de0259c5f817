/**
 * Judges time and memory of a candidate as ratios to the baseline's. Only runs on one class of machine and with one
 * batch size are judged.
 */
import type { CostRule } from "../../../reports/records/findings/gate-config.ts";
import type { About, CostJudgement } from "../../../reports/records/findings/gate-result.ts";
import { machineClassOf } from "../../../reports/records/machine-class.ts";
import type { RunRecord } from "../../../reports/records/run-record.ts";

export interface CostSides {
  readonly base: RunRecord;
  readonly candidate: RunRecord;
}

export function judgeTime(sides: CostSides, rule: CostRule, about: About): CostJudgement {
  const name = { kind: "time", ...about, most: rule.most } as const;
  return judgeRatio(name, sides, { of: computeMsPerSample, what: "milliseconds a sample", other: null });
}

export function judgeMemory(sides: CostSides, rule: CostRule, about: About): CostJudgement {
  const name = { kind: "memory", ...about, most: rule.most } as const;
  const [first, second] = [sides.base.measured?.memorySince, sides.candidate.measured?.memorySince];
  const other =
    first === second
      ? null
      : `memory was measured since ${second ?? "unknown"}, the baseline's since ${first ?? "unknown"}`;
  return judgeRatio(name, sides, {
    of: ({ measured }) => measured?.peakMemoryBytes ?? null,
    what: "bytes resident at most",
    other,
  });
}

/** Milliseconds of the model's computation for a sample, without reading images. */
function computeMsPerSample({ timings, counts }: RunRecord): number | null {
  return timings.computeMs === undefined || counts.predicted === 0 ? null : timings.computeMs / counts.predicted;
}

function judgeRatio(
  name: Omit<CostJudgement, "verdict" | "ratio" | "base" | "candidate" | "words">,
  { base, candidate }: CostSides,
  { of, what, other }: { of: (record: RunRecord) => number | null; what: string; other: string | null },
): CostJudgement {
  const [before, after] = [of(base), of(candidate)];
  const why = other ?? machineDifference({ base, candidate });
  if (why !== null || before === null || after === null || before === 0) {
    const reason = why ?? `${before === null ? "the baseline" : "the candidate"} has not measured it`;
    const words = `${name.kind} is not judged: ${reason}.`;
    return { ...name, verdict: "not judged", ratio: null, base: before, candidate: after, words };
  }
  const ratio = after / before;
  const verdict = ratio <= name.most ? "pass" : "fail";
  const relation = verdict === "pass" ? "not above" : "above";
  const words =
    `${name.kind}: ${figure(after)} against ${figure(before)} ${what}, a ratio of ${ratio.toFixed(3)}, ${relation} ${name.most}. ` +
    "One process each, so without an interval.";
  return { ...name, verdict, ratio, base: before, candidate: after, words };
}

/** How machines or batch sizes differ, as a phrase; null: they do not. */
function machineDifference({ base, candidate }: CostSides): string | null {
  const [before, after] = [machineClassOf(base), machineClassOf(candidate)];
  if (before !== after) return `the machine is "${after}", the baseline's "${before}"`;
  const [size, other] = [candidate.config.batchSize, base.config.batchSize];
  return size === other ? null : `batches hold ${size}, the baseline's ${other}`;
}

function figure(value: number): string {
  return value >= 1000 ? String(Math.round(value)) : value.toPrecision(3);
}
