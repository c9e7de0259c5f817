/** Margins from outside the config file: those of --margin, and default margins for tasks that have none. */
import type { BaselineRun } from "../../../reports/records/findings/baseline.ts";
import { gateConfigFormat } from "../../../reports/records/findings/gate-config.ts";
import type { GateConfig, MetricRule } from "../../../reports/records/findings/gate-config.ts";
import { decimal, unexpected } from "../../catalog/values.ts";

/** A margin as in the config file: in hundredths of the metric's unit. */
export type Margin = Pick<MetricRule, "metric" | "margin">;

/**
 * The default margin. The validation split of VQAv2 is large enough to detect half a point of accuracy between any two
 * models. Between models that answer nearly alike, CIDEr on 5,000 images and recall on 1,000 images can detect about
 * one point; smaller margins would be inconclusive.
 */
const usualMargin = (metric: string): number => (metric.startsWith("accuracy") ? 0.5 : 1);

/** Reads values such as `accuracy=0.5`. Throws a UsageError. */
export function readMargins(values: readonly string[]): readonly Margin[] {
  return values.map((value) => {
    const end = value.indexOf("=");
    const metric = value.slice(0, Math.max(0, end)).trim();
    const margin = decimal(value.slice(end + 1).trim());
    if (metric !== "" && margin >= 0 && Number.isFinite(margin)) return { metric, margin };
    throw unexpected("--margin", value, "a metric and the points it may be worse by, 0 or more, such as accuracy=0.5");
  });
}

/** A rule for the first metric of every task. */
export function usualConfig(runs: readonly BaselineRun[]): GateConfig {
  const rules = new Map<string, MetricRule>();
  for (const { record, scores } of runs) {
    const { task } = record.config;
    const [headline] = scores.metrics;
    if (headline === undefined) continue;
    rules.set(task, { metric: headline.name, margin: usualMargin(headline.name), primary: true, task });
  }
  return { format: gateConfigFormat, metrics: [...rules.values()] };
}

/**
 * Adds `margins` after the rules of the config, so that they win; whether a metric is primary stays as the config says.
 */
export function withMargins(config: GateConfig, margins: readonly Margin[]): GateConfig {
  const rules = margins.map(({ metric, margin }) => {
    const primary = config.metrics.findLast((rule) => rule.metric === metric)?.primary ?? true;
    return { metric, margin, primary };
  });
  return { ...config, metrics: [...config.metrics, ...rules] };
}

/** A sentence that lists the default margins in use; null: none is in use. */
export function describeUsual({ metrics }: GateConfig, margins: readonly Margin[]): string | null {
  const usual = metrics.filter(({ metric }) => !margins.some((given) => given.metric === metric));
  const [first] = usual;
  if (first === undefined) return null;
  const list = usual.map(({ metric, margin, task }) => `${metric} of ${task ?? "all tasks"} by ${margin}`).join(", ");
  return (
    `No --config, so the usual margins hold: worse, in points, may be ${list}. ` +
    `Others with --margin "${first.metric}=${first.margin}", or a file with --config.`
  );
}
