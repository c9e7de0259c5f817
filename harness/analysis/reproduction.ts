/** Compares a run with every published number of its checkpoint on its task and split, for the command `reproduce`. */
import type {
  PublishedComparison,
  ListedNumber,
  Reproduction,
  PublishedVerdict,
} from "../../reports/findings/reproduction-table.ts";
import { protocolName } from "../../reports/records/run-record.ts";
import type { ScoreSheet } from "../../reports/records/run-record.ts";
import { grouped } from "../../reports/tables/numbers.ts";
import type { ScoredRun } from "../../reports/findings/score-rows.ts";
import { knownReasons, toleranceOf } from "../../tasks/published/known-differences.ts";
import type { PublishedNumber } from "../../tasks/published/published-number.ts";
import {
  metricsNotComputed,
  nameOf,
  publishedNumbers,
  publishedSplits,
} from "../../tasks/published/published-numbers.ts";

/** null: no number is published for it. */
export function reproductionOf({ record, scores }: ScoredRun): Reproduction | null {
  const { config, checkpoint, data, taskFile } = record;
  const about = {
    checkpoint: checkpoint.name,
    task: config.task,
    split: data.split,
    protocol: protocolName(config),
    scored: scores.counts.scored,
    caveats: caveatsOf({ record, scores }),
  };
  if (taskFile !== undefined) {
    const comparisons = besideOwnNumbers(scores);
    return comparisons.length === 0 ? null : { ...about, obstacles: [], comparisons };
  }
  const numbers = publishedNumbers.filter(
    (number) => number.checkpoint === checkpoint.name && number.task === config.task && number.split === data.split,
  );
  if (numbers.length === 0) return null;
  const obstacles = obstaclesOf(record);
  const isWholeSplit = scores.counts.scored === data.samples;
  return {
    ...about,
    obstacles,
    comparisons: numbers.map((number) =>
      besidePublished(number, scores, { isComparable: obstacles.length === 0, isWholeSplit }),
    ),
  };
}

/** A published number in the form that reports use. */
export function listedNumber(number: PublishedNumber): ListedNumber {
  const { checkpoint, model, task, split, value, unit, source, status, remark } = number;
  return { checkpoint, model, task, split, metric: nameOf(number), value, unit, source, status, remark };
}

/** Reasons why the run cannot be compared with the published one, whatever its score. */
function obstaclesOf({ config, data }: ScoredRun["record"]): readonly string[] {
  if (data.folder === null) {
    return ["the bundled data set was asked, not the official one. Give the folder of the official files with --data."];
  }
  const official = publishedSplits.find(({ task, split }) => task === config.task && split === data.split);
  if (official === undefined || official.samples === data.samples) return [];
  return [
    `${config.task} ${data.split} in ${data.folder} has ${grouped(data.samples)} samples, the official one ${grouped(official.samples)}.`,
  ];
}

function caveatsOf({ record: { config, data }, scores: { counts } }: ScoredRun): readonly string[] {
  const overrides = Object.keys(config.overrides);
  const unscored = counts.samples - counts.scored;
  return [
    ...(overrides.length > 0 ? [`flags replace choices of the protocol: ${overrides.join(", ")}.`] : []),
    ...(counts.samples < data.samples
      ? [`only the first ${grouped(counts.samples)} of ${grouped(data.samples)} samples; no tolerance is applied.`]
      : []),
    ...(unscored > 0 ? [`${grouped(unscored)} of ${grouped(counts.samples)} samples have no prediction.`] : []),
  ];
}

/** Compares one score with one published number. Tolerances apply to whole splits only. */
function besidePublished(
  number: PublishedNumber,
  scores: ScoreSheet,
  { isComparable, isWholeSplit }: { isComparable: boolean; isWholeSplit: boolean },
): PublishedComparison {
  const published = listedNumber(number);
  const tolerance = isWholeSplit ? toleranceOf(number) : null;
  const found = scoreOf(number, scores);
  if ("missing" in found) {
    return { published, ours: found, difference: null, interval: null, tolerance, verdict: "unjudged", reasons: [] };
  }
  const { value, standardError, interval } = found;
  const difference = value - number.value;
  const verdict = isComparable ? verdictOf(number.value, { difference, interval, tolerance }) : "unjudged";
  const reasons = verdict === "outside" ? knownReasons(number) : [];
  return { published, ours: { value, standardError }, difference, interval, tolerance, verdict, reasons };
}

/** Compares scores with the numbers that the run's task file has. */
function besideOwnNumbers({ metrics }: ScoreSheet): readonly PublishedComparison[] {
  return metrics.flatMap(
    ({ name, unit, value, standardError, interval, published }): readonly PublishedComparison[] => {
      if (published === null) return [];
      const shown = { metric: name, unit, ...published, remark: null };
      const none = { tolerance: null, reasons: [] };
      if (value === null) {
        const missing = "no score: the split has no answers";
        return [
          { ...none, published: shown, ours: { missing }, difference: null, interval: null, verdict: "unjudged" },
        ];
      }
      const difference = value - published.value;
      const verdict = verdictOf(published.value, { difference, interval, tolerance: null });
      return [{ ...none, published: shown, ours: { value, standardError }, difference, interval, verdict }];
    },
  );
}

interface OwnScore {
  readonly value: number;
  readonly standardError: number | null;
  readonly interval: PublishedComparison["interval"];
}

function scoreOf(
  { metric: name, part }: PublishedNumber,
  { metrics }: ScoreSheet,
): OwnScore | { readonly missing: string } {
  if (metricsNotComputed.includes(name)) return { missing: "not computed here" };
  const metric = metrics.find((one) => one.name === name);
  if (metric === undefined) return { missing: "not scored in this run" };
  const { value, standardError, interval } = metric;
  if (part !== null) {
    const group = metric.breakdown[part.breakdown]?.[part.group];
    if (group === undefined) return { missing: `no ${part.group} in this run` };
    return { value: group.value, standardError: null, interval: null };
  }
  if (value === null) return { missing: "no score: the split has no answers" };
  return { value, standardError, interval };
}

function verdictOf(
  published: number,
  { difference, interval, tolerance }: { difference: number } & Pick<PublishedComparison, "interval" | "tolerance">,
): PublishedVerdict {
  if (interval !== null && interval.low <= published && published <= interval.high) return "interval";
  if (tolerance !== null && Math.abs(difference) <= tolerance) return "tolerance";
  return interval === null && tolerance === null ? "unjudged" : "outside";
}
