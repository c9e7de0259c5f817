/**
 * Compares two scored runs on the samples that both have: every metric, how many answers agree, and the samples that
 * flipped.
 */
import type { PairComparison } from "../../../reports/records/findings/comparison.ts";
import { protocolName } from "../../../reports/records/run-record.ts";
import type { RunRecord, ScoreSheet } from "../../../reports/records/run-record.ts";
import { compareMetric } from "./compare-metric.ts";
import type { CompareOptions, MetricFindings } from "./compare-metric.ts";
import { compareText, pairedNumbers, pairSamples } from "./paired-samples.ts";
import type { PairedTable } from "./paired-samples.ts";
import { recordedPrecision } from "../../../reports/records/recorded-precision.ts";

/** A run that was scored, as read from its folder. */
export interface ComparableRun {
  readonly folder: string;
  readonly record: RunRecord;
  readonly scores: ScoreSheet;
  /** Ids of the samples that have no prediction because they failed. */
  readonly failed: ReadonlySet<string>;
}

export interface RunPair {
  readonly base: ComparableRun;
  readonly candidate: ComparableRun;
}

/** The findings of a pair before the p-values of all pairs are adjusted together. */
export type PairFindings = Omit<PairComparison, "metrics"> & { readonly metrics: readonly MetricFindings[] };

export interface PairedRuns extends RunPair {
  readonly samples: PairedTable;
  /** For retrieval, the ranked texts of both runs; null otherwise. */
  readonly texts: PairedTable | null;
}

export function pairRuns({ base, candidate }: RunPair): PairedRuns {
  const [texts, otherTexts] = [base.scores.texts, candidate.scores.texts];
  return {
    base,
    candidate,
    samples: pairSamples(base.scores.samples, candidate.scores.samples),
    texts: texts === undefined || otherTexts === undefined ? null : pairSamples(texts, otherTexts),
  };
}

/** Compares two runs that comparable-runs.ts has accepted and that have at least one sample in common. */
export function compareRuns(runs: PairedRuns, options: CompareOptions): PairFindings {
  const { base, candidate, samples } = runs;
  const { config, data } = base.record;
  return {
    task: config.task,
    split: data.split,
    protocol: protocolName(base.record.config),
    base: sideOf(base),
    candidate: sideOf(candidate),
    samples: {
      compared: samples.ids.length,
      base: base.scores.counts.scored,
      candidate: candidate.scores.counts.scored,
      failedInBoth: [...base.failed].filter((id) => candidate.failed.has(id)).length,
    },
    agreement: agreementOf(samples),
    metrics: base.scores.metrics.flatMap((metric, place) =>
      compareMetric(metric, { ...runs, isHeadline: place === 0 }, options),
    ),
    flips: flipsOf(runs),
  };
}

function sideOf({ folder, record }: ComparableRun): PairComparison["base"] {
  return {
    folder,
    checkpoint: record.checkpoint.name,
    precision: recordedPrecision(record.config),
    identity: record.identity,
    code: record.code.fingerprint,
  };
}

function answersOf({ base, candidate }: PairedTable): [readonly unknown[], readonly unknown[]] | null {
  const [first, second] = [base["answer"], candidate["answer"]];
  return first === undefined || second === undefined ? null : [first, second];
}

function agreementOf(table: PairedTable): PairComparison["agreement"] {
  const answers = answersOf(table);
  if (answers === null) return null;
  const [first, second] = answers;
  let identical = 0;
  for (const [pair, place] of table.basePlaces.entries()) {
    if (first[place] === second[table.candidatePlaces[pair]!]) identical += 1;
  }
  return { identical, samples: table.ids.length };
}

/** The samples whose score of the first metric differs. */
function flipsOf({ base, samples }: PairedRuns): PairComparison["flips"] {
  const metric = base.scores.metrics[0];
  const scores = metric === undefined ? null : pairedNumbers(metric.name, samples);
  if (metric === undefined || scores === null) return { metric: metric?.name ?? "", worse: 0, better: 0, samples: [] };
  const answers = answersOf(samples);
  const answer = (side: 0 | 1, place: number): string | null => {
    const text = answers?.[side][place];
    return typeof text === "string" ? text : null;
  };
  const flips = samples.ids.flatMap((id, pair) => {
    const [first, second] = [scores.base[pair]!, scores.candidate[pair]!];
    if (first === second) return [];
    return [
      {
        id,
        image: samples.images[pair]!,
        base: { answer: answer(0, samples.basePlaces[pair]!), score: first },
        candidate: { answer: answer(1, samples.candidatePlaces[pair]!), score: second },
      },
    ];
  });
  const change = (flip: (typeof flips)[number]): number => flip.candidate.score - flip.base.score;
  const better = flips.filter((flip) => change(flip) > 0 === metric.higherIsBetter).length;
  flips.sort((a, b) => Math.abs(change(b)) - Math.abs(change(a)) || compareText(a.id, b.id));
  return { metric: metric.name, worse: flips.length - better, better, samples: flips };
}
