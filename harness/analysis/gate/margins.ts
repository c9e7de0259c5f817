/** Margins that no config file gives: those of --margin, and the usual ones where nothing is said of a task. */
import type { BaselineRun } from "../../../reports/records/findings/baseline.ts";
import { gateConfigFormat } from "../../../reports/records/findings/gate-config.ts";
import type { GateConfig, MetricRule } from "../../../reports/records/findings/gate-config.ts";
import { decimal, unexpected } from "../../catalog/values.ts";

/** As in the config: hundredths of the metric's unit. */
export type Margin = Pick<MetricRule, "metric" | "margin">;

/**
 * Half a point of accuracy is what the whole of VQAv2's validation shows between any two models. Between models that answer
 * nearly alike, CIDEr on 5,000 images and recall on 1,000 show about one point; smaller margins would stay undecided.
 */
const usualMargin = (metric: string): number => (metric.startsWith("accuracy") ? 0.5 : 1);

/** `accuracy=0.5`, each. Throws a UsageError. */
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

/** `margins` behind the rules, so that they hold; what they are for stays as primary as it was. */
export function withMargins(config: GateConfig, margins: readonly Margin[]): GateConfig {
  const rules = margins.map(({ metric, margin }) => {
    const primary = config.metrics.findLast((rule) => rule.metric === metric)?.primary ?? true;
    return { metric, margin, primary };
  });
  return { ...config, metrics: [...config.metrics, ...rules] };
}

/** What holds where nothing was said, for people; null: everything was said. */
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
