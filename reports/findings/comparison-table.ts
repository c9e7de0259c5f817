/** Formats a comparison as tables for the terminal, in Markdown and as CSV. */
import type { Comparison, Flip, MetricComparison, PairComparison } from "../records/findings/comparison.ts";
import { tableToCsv } from "../tables/csv.ts";
import { escapeMarkdown, tableToMarkdown } from "../tables/markdown.ts";
import { differenceText, pointsText, samplePointsText, scoreText } from "../tables/metric-numbers.ts";
import { noNumber, pValueText } from "../tables/numbers.ts";
import { left, right, tableOf } from "../tables/table.ts";
import type { ColumnOf } from "../tables/table.ts";
import { tableToText } from "../tables/terminal.ts";

const columns: readonly ColumnOf<MetricComparison>[] = [
  left("metric", ({ metric, group }) => (group === null ? metric : `  ${group.name}`)),
  right("base", ({ base, unit }) => scoreText(base, unit)),
  right("candidate", ({ candidate, unit }) => scoreText(candidate, unit)),
  right("difference", differenceWithSpread),
  right("95 % interval", intervalText),
  right("p", ({ pValue }) => pValueText(pValue)),
  right("p adjusted", ({ adjustedP }) => pValueText(adjustedP)),
  right("McNemar p", ({ mcnemar }) => (mcnemar === null ? noNumber : pValueText(mcnemar.pValue))),
  right("could show", ({ detectable, unit }) => pointsText(detectable, unit)),
  right("n", ({ samples }) => samples),
  left("shows", verdictOf),
];

const level = 0.05; // false discovery rate, Benjamini and Hochberg

/** What the data show at a false discovery rate of 5 %; "-" does not prove that the runs are equally good. */
export function verdictOf({ adjustedP, difference, higherIsBetter }: MetricComparison): "better" | "worse" | "-" {
  if (adjustedP > level || difference === 0) return "-";
  return difference > 0 === higherIsBetter ? "better" : "worse";
}

/** A difference in points, with its standard error. */
export function differenceWithSpread({ difference, standardError, unit }: MetricComparison): string {
  const error = standardError === null ? "" : ` ± ${pointsText(standardError, unit)}`;
  return `${differenceText(difference, unit)}${error}`;
}

export function intervalText({ interval: { low, high }, unit }: MetricComparison): string {
  return `${differenceText(low, unit, "-∞")} to ${differenceText(high, unit, "+∞")}`;
}

const shownFlips = 5; // the files list all of them

/** The comparison for the terminal, without a final line end. */
export function formatComparison(comparison: Comparison): string {
  const blocks = comparison.comparisons.map((pair) => {
    const table = tableToText(tableOf(columns, pair.metrics));
    return [titleOf(pair), "", table, "", ...summaryOf(pair), ...flipLines(pair)].join("\n");
  });
  return [...blocks, [...legend(comparison), ...comparison.notes].join("\n")].join("\n\n");
}

/** The comparison in Markdown, for the summary of a CI job or a pull request. */
export function comparisonToMarkdown(comparison: Comparison): string {
  const blocks = comparison.comparisons.map((pair) => {
    const table = tableToMarkdown(tableOf(columns, pair.metrics));
    const lines = summaryOf(pair).map((text) => `- ${escapeMarkdown(text)}`);
    return [`### ${escapeMarkdown(titleOf(pair))}`, "", table, "", ...lines].join("\n");
  });
  const notes = [...legend(comparison), ...comparison.notes].map((note) => escapeMarkdown(note));
  return `${[...blocks, ...notes].join("\n\n")}\n`;
}

function titleOf({ task, split, protocol, base, candidate }: PairComparison): string {
  const name = ({ checkpoint, precision }: PairComparison["base"]): string => `${checkpoint} ${precision}`;
  return (
    `${task} ${split} (${protocol}): ${candidate.folder} (${name(candidate)}) ` +
    `against ${base.folder} (${name(base)})`
  );
}

function summaryOf({ samples, agreement, flips, metrics }: PairComparison): readonly string[] {
  const images = metrics[0]?.clusters ?? 0;
  const same =
    agreement === null
      ? ""
      : `; same answer to ${agreement.identical} (${scoreText(agreement.identical / agreement.samples, "fraction")})`;
  const disagreeing = metrics
    .filter(resamplingDisagrees)
    .map(({ metric, group }) => (group === null ? metric : `${metric} ${group.name}`));
  return [
    `${samples.compared} samples of ${images} images${same}; by ${flips.metric}, ` +
      `${flips.worse} became worse and ${flips.better} better.`,
    ...(disagreeing.length === 0
      ? []
      : [`Percentile and BCa intervals differ by more than 10 % of their width: ${disagreeing.join(", ")}.`]),
  ];
}

/** Whether the two bootstrap intervals disagree, a sign that intervals are unreliable here. */
function resamplingDisagrees({ bootstrap }: MetricComparison): boolean {
  if (bootstrap === null) return false;
  const { percentile, bca } = bootstrap;
  if (percentile.low === null || percentile.high === null || bca.low === null || bca.high === null) return false;
  const width = percentile.high - percentile.low;
  return Math.max(Math.abs(percentile.low - bca.low), Math.abs(percentile.high - bca.high)) > 0.1 * width;
}

function flipLines({ flips, metrics }: PairComparison): readonly string[] {
  const unit = metrics.find(({ metric }) => metric === flips.metric)?.unit ?? "fraction";
  const shown = flips.samples.slice(0, shownFlips).map(({ id, base, candidate }) => {
    const side = ({ answer, score }: typeof base): string =>
      `${answer === null ? "" : `${JSON.stringify(answer)} `}${samplePointsText(score, unit)}`;
    return `  ${id}: ${side(base)} → ${side(candidate)}`;
  });
  const more = flips.samples.length - shown.length;
  return more > 0 ? [...shown, `  and ${more} more; --output writes them all`] : shown;
}

function legend({ options }: Comparison): readonly string[] {
  return [
    `Differences are candidate less base, in points, ± standard error clustered by image. p: sign-flip test by image ` +
      `(${options.permutations} permutations, seed ${options.seed}); adjusted: Benjamini and Hochberg over all of them. ` +
      `"could show": the smallest true difference found with 80 % power.`,
  ];
}

interface ComparedMetric {
  readonly pair: PairComparison;
  readonly row: MetricComparison;
}

const metricColumns: readonly ColumnOf<ComparedMetric>[] = [
  left("task", ({ pair }) => pair.task),
  left("split", ({ pair }) => pair.split),
  left("protocol", ({ pair }) => pair.protocol),
  left("base_folder", ({ pair }) => pair.base.folder),
  left("base_checkpoint", ({ pair }) => pair.base.checkpoint),
  left("base_precision", ({ pair }) => pair.base.precision),
  left("candidate_folder", ({ pair }) => pair.candidate.folder),
  left("candidate_checkpoint", ({ pair }) => pair.candidate.checkpoint),
  left("candidate_precision", ({ pair }) => pair.candidate.precision),
  left("metric", ({ row }) => row.metric),
  left("group", ({ row }) => row.group?.name ?? ""),
  right("samples", ({ row }) => row.samples),
  right("images", ({ row }) => row.clusters),
  right("base", ({ row }) => row.base),
  right("candidate", ({ row }) => row.candidate),
  right("difference", ({ row }) => row.difference),
  right("standard_error", ({ row }) => row.standardError),
  right("interval_low", ({ row }) => row.interval.low),
  right("interval_high", ({ row }) => row.interval.high),
  right("bound_low", ({ row }) => row.bounds.low),
  right("bound_high", ({ row }) => row.bounds.high),
  right("p", ({ row }) => row.pValue),
  right("p_adjusted", ({ row }) => row.adjustedP),
  right("mcnemar_p", ({ row }) => row.mcnemar?.pValue ?? null),
  right("detectable", ({ row }) => row.detectable),
  left("shows", ({ row }) => (verdictOf(row) === "-" ? "" : verdictOf(row))),
];

/** CSV with one line for each metric, unrounded, for a spreadsheet. */
export function comparisonToCsv({ comparisons }: Comparison): string {
  const rows = comparisons.flatMap((pair) => pair.metrics.map((row) => ({ pair, row })));
  return tableToCsv(tableOf(metricColumns, rows));
}

interface ComparedSample {
  readonly pair: PairComparison;
  readonly flip: Flip;
}

const flipColumns: readonly ColumnOf<ComparedSample>[] = [
  left("task", ({ pair }) => pair.task),
  left("base_folder", ({ pair }) => pair.base.folder),
  left("candidate_folder", ({ pair }) => pair.candidate.folder),
  left("metric", ({ pair }) => pair.flips.metric),
  left("id", ({ flip }) => flip.id),
  left("image", ({ flip }) => flip.image),
  left("base_answer", ({ flip }) => flip.base.answer),
  left("candidate_answer", ({ flip }) => flip.candidate.answer),
  right("base_score", ({ flip }) => flip.base.score),
  right("candidate_score", ({ flip }) => flip.candidate.score),
];

/** CSV with one line for each flipped sample. */
export function flipsToCsv({ comparisons }: Comparison): string {
  const rows = comparisons.flatMap((pair) => pair.flips.samples.map((flip) => ({ pair, flip })));
  return tableToCsv(tableOf(flipColumns, rows));
}
