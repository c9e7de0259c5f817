/**
 * Formats what several prompts score: a line a prompt, with its score, and the paired difference from the first of them with its
 * interval and p-value, which is adjusted over all metrics and prompts.
 */
import type { Comparison, MetricComparison } from "../records/findings/comparison.ts";
import { recordedPrecision } from "../records/recorded-precision.ts";
import { scoreText } from "../tables/metric-numbers.ts";
import { noNumber, pValueText } from "../tables/numbers.ts";
import { left, onlyWhere, right, tableOf } from "../tables/table.ts";
import type { ColumnOf } from "../tables/table.ts";
import { tableToText } from "../tables/terminal.ts";
import { visibleControls } from "../tables/visible-controls.ts";
import { differenceWithSpread, intervalText, verdictOf } from "./comparison-table.ts";
import type { ScoredRun } from "./score-rows.ts";

/** A run with one of the prompts. */
export interface PromptRun {
  readonly folder: string;
  readonly prompt: string;
  readonly run: ScoredRun;
}

interface PromptRow {
  /** From 1. */
  readonly number: number;
  readonly prompted: PromptRun;
  /** Of the first metric with the run of the first prompt; null: it is that run. */
  readonly compared: MetricComparison | null;
}

const columns: readonly ColumnOf<PromptRow>[] = [
  right("prompt", ({ number }) => number),
  left("checkpoint", ({ prompted }) => prompted.run.record.checkpoint.name),
  onlyWhere(
    ({ prompted }) => prompted.run.record.config.precision !== undefined,
    left("precision", ({ prompted }) => recordedPrecision(prompted.run.record.config)),
  ),
  left("task", ({ prompted }) => prompted.run.record.config.task),
  left("metric", ({ prompted }) => prompted.run.scores.metrics[0]?.name ?? null),
  right("score", scoreOf),
  right("difference", ({ compared }) => compared && differenceWithSpread(compared)),
  right("95 % interval", ({ compared }) => compared && intervalText(compared)),
  right("p adjusted", ({ compared }) => compared && pValueText(compared.adjustedP)),
  right("n", ({ compared, prompted }) => compared?.samples ?? prompted.run.scores.counts.scored),
  left("shows", ({ compared }) => compared && verdictOf(compared)),
];

/** `series`: for each checkpoint on each task its runs, one a prompt, in the order of the prompts. Without a final line end. */
export function formatPrompts(series: readonly (readonly PromptRun[])[], comparison: Comparison): string {
  const rows = series.flatMap((runs) =>
    runs.map((prompted, index): PromptRow => {
      const pair = comparison.comparisons.find(({ candidate }) => candidate.folder === prompted.folder);
      return { number: index + 1, prompted, compared: pair?.metrics[0] ?? null };
    }),
  );
  const prompts = (series[0] ?? []).map(({ prompt }, index) => `${index + 1}: ${visibleControls(prompt)}`);
  const { permutations, seed } = comparison.options;
  const legend =
    `Differences are from prompt 1, on the samples that both answered, in points, ± standard error clustered by image. p: sign-flip test by ` +
    `image (${permutations} permutations, seed ${seed}), adjusted by Benjamini and Hochberg over all metrics, groups and prompts.`;
  return [tableToText(tableOf(columns, rows)), "", ...prompts, "", legend, ...comparison.notes].join("\n");
}

function scoreOf({ prompted: { run } }: PromptRow): string {
  const [metric] = run.scores.metrics;
  return metric === undefined ? noNumber : scoreText(metric.value, metric.unit);
}
