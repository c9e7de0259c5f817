/** A comparison → tables: for the eye, in Markdown, as CSV. Rounds, and turns fractions into percent, as table.ts does. */
import { stringify } from "csv-stringify/sync";
import type { Comparison, MetricComparison, PairComparison } from "../records/findings/comparison.ts";
import { formatColumns } from "./table.ts";

interface Column {
  readonly title: string;
  readonly align: "left" | "right";
  readonly cell: (row: MetricComparison) => string;
}

const columns: readonly Column[] = [
  { title: "metric", align: "left", cell: ({ metric, group }) => (group === null ? metric : `  ${group.name}`) },
  { title: "base", align: "right", cell: ({ base, unit }) => percent(base, unit) },
  { title: "candidate", align: "right", cell: ({ candidate, unit }) => percent(candidate, unit) },
  { title: "difference", align: "right", cell: differenceCell },
  { title: "95 % interval", align: "right", cell: ({ interval }) => intervalCell(interval) },
  { title: "p", align: "right", cell: ({ pValue }) => probability(pValue) },
  { title: "p adjusted", align: "right", cell: ({ adjustedP }) => probability(adjustedP) },
  { title: "McNemar p", align: "right", cell: ({ mcnemar }) => (mcnemar === null ? "-" : probability(mcnemar.pValue)) },
  { title: "could show", align: "right", cell: ({ detectable }) => points(detectable) },
  { title: "n", align: "right", cell: ({ samples }) => String(samples) },
  { title: "shows", align: "left", cell: verdictOf },
];

const level = 0.05; // false discoveries, Benjamini and Hochberg

/** What the data show at a false discovery rate of 5 %; "-" is no proof that the runs are alike. */
export function verdictOf({ adjustedP, difference, higherIsBetter }: MetricComparison): "better" | "worse" | "-" {
  if (adjustedP > level || difference === 0) return "-";
  return difference > 0 === higherIsBetter ? "better" : "worse";
}

function percent(value: number, unit: MetricComparison["unit"]): string {
  return `${(value * 100).toFixed(2)}${unit === "fraction" ? " %" : ""}`;
}

function points(value: number | null): string {
  return value === null ? "-" : (value * 100).toFixed(2);
}

function signed(value: number | null, infinite: string): string {
  if (value === null) return infinite;
  const text = (value * 100).toFixed(2);
  return Number(text) > 0 ? `+${text}` : Number(text) === 0 ? "0.00" : text;
}

function differenceCell({ difference, standardError }: MetricComparison): string {
  return `${signed(difference, "")}${standardError === null ? "" : ` ± ${points(standardError)}`}`;
}

function intervalCell({ low, high }: MetricComparison["interval"]): string {
  return `${signed(low, "-∞")} to ${signed(high, "+∞")}`;
}

/** Four digits after the point: what 10,000 permutations can tell. */
function probability(value: number): string {
  return value < 0.0001 ? "<0.0001" : value.toFixed(4);
}

const shownFlips = 5; // all of them are in the files

/** For the terminal. No line end at the end. */
export function formatComparison(comparison: Comparison): string {
  const blocks = comparison.comparisons.map((pair) => {
    const table = formatColumns(
      columns.map(({ title }) => title),
      pair.metrics.map((row) => columns.map(({ cell }) => cell(row))),
      columns.map(({ align }) => align),
    );
    return [titleOf(pair), "", table, "", ...summaryOf(pair), ...flipLines(pair)].join("\n");
  });
  return [...blocks, [...legend(comparison), ...comparison.notes].join("\n")].join("\n\n");
}

/** For a job's summary or a pull request. */
export function comparisonToMarkdown(comparison: Comparison): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escaped).join(" | ")} |`;
  const blocks = comparison.comparisons.map((pair) => {
    const rule = `|${columns.map(({ align }) => (align === "right" ? "---:" : ":---")).join("|")}|`;
    const rows = pair.metrics.map((row) => line(columns.map(({ cell }) => cell(row).replace(/^ +/, "— "))));
    const table = [line(columns.map(({ title }) => title)), rule, ...rows];
    const lines = summaryOf(pair).map((text) => `- ${escaped(text)}`);
    return [`### ${escaped(titleOf(pair))}`, "", ...table, "", ...lines].join("\n");
  });
  const notes = [...legend(comparison), ...comparison.notes].map((note) => escaped(note));
  return `${[...blocks, ...notes].join("\n\n")}\n`;
}

/** Names come from folders and checkpoints: none of them may open a cell, a tag or a link. */
function escaped(text: string): string {
  return text.replace(/[\\|`*_<>[\]]/g, "\\$&").replace(/\s+/g, " ");
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
      : `; same answer to ${agreement.identical} (${percent(agreement.identical / agreement.samples, "fraction")})`;
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

/** A sign that neither of them, nor a symmetric one, is to be trusted far. */
function resamplingDisagrees({ bootstrap }: MetricComparison): boolean {
  if (bootstrap === null) return false;
  const { percentile, bca } = bootstrap;
  if (percentile.low === null || percentile.high === null || bca.low === null || bca.high === null) return false;
  const width = percentile.high - percentile.low;
  return Math.max(Math.abs(percentile.low - bca.low), Math.abs(percentile.high - bca.high)) > 0.1 * width;
}

function flipLines({ flips }: PairComparison): readonly string[] {
  const shown = flips.samples.slice(0, shownFlips).map(({ id, base, candidate }) => {
    const side = ({ answer, score }: typeof base): string =>
      `${answer === null ? "" : `${JSON.stringify(answer)} `}${(score * 100).toFixed(1)}`;
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

/** One line a metric, unrounded; what the spreadsheet of a comparison needs. */
export function comparisonToCsv({ comparisons }: Comparison): string {
  const rows = comparisons.flatMap((pair) =>
    pair.metrics.map((row) => ({
      task: pair.task,
      split: pair.split,
      protocol: pair.protocol,
      base_folder: pair.base.folder,
      base_checkpoint: pair.base.checkpoint,
      base_precision: pair.base.precision,
      candidate_folder: pair.candidate.folder,
      candidate_checkpoint: pair.candidate.checkpoint,
      candidate_precision: pair.candidate.precision,
      metric: row.metric,
      group: row.group?.name ?? "",
      samples: row.samples,
      images: row.clusters,
      base: row.base,
      candidate: row.candidate,
      difference: row.difference,
      standard_error: row.standardError,
      interval_low: row.interval.low,
      interval_high: row.interval.high,
      bound_low: row.bounds.low,
      bound_high: row.bounds.high,
      p: row.pValue,
      p_adjusted: row.adjustedP,
      mcnemar_p: row.mcnemar?.pValue ?? null,
      detectable: row.detectable,
      shows: verdictOf(row) === "-" ? "" : verdictOf(row),
    })),
  );
  return stringify(rows, { header: true, escape_formulas: true });
}

/** One line a flipped sample. */
export function flipsToCsv({ comparisons }: Comparison): string {
  const rows = comparisons.flatMap((pair) =>
    pair.flips.samples.map(({ id, image, base, candidate }) => ({
      task: pair.task,
      base_folder: pair.base.folder,
      candidate_folder: pair.candidate.folder,
      metric: pair.flips.metric,
      id,
      image,
      base_answer: base.answer,
      candidate_answer: candidate.answer,
      base_score: base.score,
      candidate_score: candidate.score,
    })),
  );
  const header = ["task", "base_folder", "candidate_folder", "metric", "id", "image"];
  const sides = ["base_answer", "candidate_answer", "base_score", "candidate_score"];
  return stringify(rows, { header: true, columns: [...header, ...sides], escape_formulas: true });
}
