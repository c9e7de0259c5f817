/**
 * "same answers" as a metric: each sample scores 1 where the candidate answers as the baseline did, which scores 1 everywhere. It
 * shows a change long before the accuracy does: right and wrong answers that change both count, and none makes up for another.
 */
import type { MetricScore } from "../../../reports/records/run-record.ts";
import type { PairedRuns } from "../compare/compare-runs.ts";
import type { PairedTable } from "../compare/paired-samples.ts";

export const sameAnswers = "same answers";

/** The runs with that column, and the metric; null where answers are not kept, as in retrieval. */
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
