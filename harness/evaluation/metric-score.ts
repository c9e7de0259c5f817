/** A metric's score as scores.json has it: with its interval, and what is published of it. */
import { metricUnits } from "../../reports/records/metric-unit.ts";
import type { MetricScore } from "../../reports/records/run-record.ts";
import type { PublishedScore, Score } from "../../tasks/task.ts";
import { confidenceInterval, shareInterval } from "../statistics/confidence-interval.ts";

export type PublishedValue = MetricScore["published"];

export function publishedOf(
  task: { readonly published: readonly PublishedScore[] },
  checkpoint: string,
  split: string,
  metric: string,
): PublishedValue {
  const found = task.published.find(
    (entry) => entry.checkpoint === checkpoint && entry.split === split && entry.metric === metric,
  );
  return found === undefined ? null : { value: found.value, source: found.source };
}

/** `clusters`: images, those of the standard error. */
export function metricScore(
  { name, unit, higherIsBetter }: Pick<MetricScore, "name" | "unit" | "higherIsBetter">,
  score: Score,
  { clusters, published }: { readonly clusters: number; readonly published: PublishedValue },
): MetricScore {
  const { value, standardError } = score;
  return {
    name,
    unit,
    higherIsBetter,
    value,
    standardError,
    interval: intervalOf(unit, score, clusters),
    published,
    breakdown: score.breakdown ?? {},
  };
}

function intervalOf(
  unit: MetricScore["unit"],
  { value, standardError }: Score,
  clusters: number,
): { low: number; high: number } | null {
  if (value === null || standardError === null) return null;
  return (metricUnits[unit].highest === 1 ? shareInterval : confidenceInterval)(value, standardError, clusters);
}
