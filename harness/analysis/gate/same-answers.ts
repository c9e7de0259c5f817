/**
 * The metric "same answers": a sample of the candidate scores 1 if its answer equals the baseline's, else 0; the
 * baseline scores 1 everywhere. It reacts to changes before accuracy does, since every changed answer counts and gains
 * cannot cancel losses.
 */
import type { MetricScore } from "../../../reports/records/run-record.ts";
import type { PairedRuns } from "../compare/compare-runs.ts";
import type { PairedTable } from "../compare/paired-samples.ts";

export const sameAnswers = "same answers";

/** Adds the column of this metric to both runs; null where a run has no answers, as in retrieval. */
export function withSameAnswers(runs: PairedRuns): { readonly runs: PairedRuns; readonly metric: MetricScore } | null {
  const { samples } = runs;
  const [first, second] = [samples.base["answer"], samples.candidate["answer"]];
  if (first === undefined || second === undefined) return null;
  const same = second.map(() => 0);
  for (const [pair, place] of samples.candidatePlaces.entries()) {
    if (first[samples.basePlaces[pair]!] === second[place]) same[place] = 1;
  }
  const table: PairedTable = {
    ...samples,
    base: { ...samples.base, [sameAnswers]: first.map(() => 1) },
    candidate: { ...samples.candidate, [sameAnswers]: same },
  };
  const none = { standardError: null, interval: null, published: null, breakdown: {} };
  const metric: MetricScore = { name: sameAnswers, unit: "fraction", higherIsBetter: true, value: 1, ...none };
  return { runs: { ...runs, samples: table }, metric };
}
