/**
 * Formats a gate's result as a table for the terminal, or as Markdown for the summary of a CI job. Margins and
 * differences are in points.
 */
import type { GateResult, Judgement } from "../records/findings/gate-result.ts";
import { escapeMarkdown, tableToMarkdown } from "../tables/markdown.ts";
import { differenceText, pointsText } from "../tables/metric-numbers.ts";
import { left, right, tableOf } from "../tables/table.ts";
import type { ColumnOf } from "../tables/table.ts";
import { tableToText } from "../tables/terminal.ts";

const columns: readonly ColumnOf<Judgement>[] = [
  left("checkpoint", ({ checkpoint }) => checkpoint),
  left("task", ({ task }) => task),
  left("precision", precisionText),
  left("measure", judgedMeasure),
  right("baseline", (one) => valueText(one, "base")),
  right("candidate", (one) => valueText(one, "candidate")),
  right("difference", changeText),
  right("lower bound", (one) => (one.kind === "metric" ? differenceText(one.bounds.low, one.unit, "-∞") : "")),
  right("margin", (one) => (one.kind === "metric" ? pointsText(one.margin, one.unit) : `× ${one.most}`)),
  right("n", (one) => (one.kind === "metric" ? one.samples : "")),
  left("verdict", verdictText),
];

/** The table; with `explain` also how each verdict came about, in words. */
export function formatGate(result: GateResult, { explain }: { readonly explain: boolean }): string {
  const { judgements, notes } = result;
  const words = explain ? judgements.map((one) => `${judgementName(one)}: ${one.words}`) : [];
  const blocks = [
    ...(judgements.length === 0 ? [] : [tableToText(tableOf(columns, judgements))]),
    ...(words.length === 0 ? [] : [words.join("\n")]),
    ...(notes.length === 0 ? [] : [notes.join("\n")]),
    conclusionOf(result),
  ];
  return blocks.join("\n\n");
}

export function gateToMarkdown(result: GateResult): string {
  const { judgements, notes } = result;
  const words = judgements.map((one) => `- ${escapeMarkdown(`${judgementName(one)}: ${one.words}`)}`);
  const blocks = [
    `### Gate: ${result.verdict}`,
    ...(judgements.length === 0 ? [] : [tableToMarkdown(tableOf(columns, judgements))]),
    conclusionOf(result),
    ...(words.length === 0
      ? []
      : [`<details><summary>How each verdict came</summary>\n\n${words.join("\n")}\n\n</details>`]),
    ...(notes.length === 0 ? [] : [notes.map((note) => `- ${escapeMarkdown(note)}`).join("\n")]),
  ];
  return `${blocks.join("\n\n")}\n`;
}

/** `shapes-opt-small int8 vqav2 accuracy` */
export function judgementName(one: Judgement): string {
  const precision = one.precision === "fp32" ? [] : [one.precision];
  return [one.checkpoint, ...precision, one.task, judgedMeasure(one)].join(" ");
}

export function judgedMeasure(one: Judgement): string {
  return one.kind === "metric" ? one.metric : one.kind === "time" ? "time a sample" : "peak memory";
}

export function conclusionOf({ verdict, judgements, notes }: GateResult): string {
  const count = (wanted: Judgement["verdict"]): number =>
    judgements.filter((one) => one.verdict === wanted && (one.kind !== "metric" || one.isPrimary)).length;
  switch (verdict) {
    case "pass":
      return `Gate: pass. ${count("pass")} within their margins${notJudged(count("not judged"))}.`;
    case "fail":
      return `Gate: fail. ${count("fail")} of ${judgements.length} beyond what is allowed.`;
    case "inconclusive":
      return `Gate: inconclusive. ${count("inconclusive")} not decided by these samples; --explain says how many would.`;
    case "partial":
      return `Gate: partial. Nothing is judged, for ${notes.length} ${notes.length === 1 ? "run is" : "runs are"} missing or not whole.`;
  }
}

function notJudged(count: number): string {
  return count === 0 ? "" : `; ${count} not judged`;
}

function precisionText({ precision, basePrecision }: Judgement): string {
  return precision === basePrecision ? precision : `${precision}, was ${basePrecision}`;
}

function verdictText(one: Judgement): string {
  return one.kind === "metric" && !one.isPrimary ? `${one.verdict} (secondary)` : one.verdict;
}

function valueText(one: Judgement, side: "base" | "candidate"): string | null {
  if (one.kind === "metric") return pointsText(one[side], one.unit);
  const value = one[side];
  if (value === null) return null;
  return one.kind === "time" ? `${value.toPrecision(3)} ms` : `${Math.round(value / 1e6)} MB`;
}

function changeText(one: Judgement): string | null {
  if (one.kind === "metric") return differenceText(one.difference, one.unit);
  return one.ratio === null ? null : `× ${one.ratio.toFixed(2)}`;
}
