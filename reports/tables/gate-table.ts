/** A gate's result → a table for the eye, or Markdown for a job's summary. Rounds; margins and differences are in points. */
import { formatColumns } from "./table.ts";
import type { GateResult, Judgement } from "../records/findings/gate-result.ts";

interface Column {
  readonly title: string;
  readonly align: "left" | "right";
  readonly cell: (one: Judgement) => string;
}

const columns: readonly Column[] = [
  { title: "checkpoint", align: "left", cell: ({ checkpoint }) => checkpoint },
  { title: "task", align: "left", cell: ({ task }) => task },
  { title: "precision", align: "left", cell: precisionCell },
  { title: "measure", align: "left", cell: measureOf },
  { title: "baseline", align: "right", cell: ({ base, ...one }) => valueCell(base, one.kind) },
  { title: "candidate", align: "right", cell: ({ candidate, ...one }) => valueCell(candidate, one.kind) },
  { title: "difference", align: "right", cell: differenceCell },
  { title: "lower bound", align: "right", cell: (one) => (one.kind === "metric" ? signed(one.bounds.low) : "") },
  { title: "margin", align: "right", cell: marginCell },
  { title: "n", align: "right", cell: (one) => (one.kind === "metric" ? String(one.samples) : "") },
  { title: "verdict", align: "left", cell: verdictCell },
];

/** With `explain`, how each verdict came, in words. */
export function formatGate(result: GateResult, { explain }: { readonly explain: boolean }): string {
  const { judgements, notes } = result;
  const aligns = columns.map(({ align }) => align);
  const titles = columns.map(({ title }) => title);
  const rows = judgements.map((one) => columns.map(({ cell }) => cell(one)));
  const words = explain ? judgements.map((one) => `${nameOf(one)}: ${one.words}`) : [];
  const blocks = [
    ...(rows.length === 0 ? [] : [formatColumns(titles, rows, aligns)]),
    ...(words.length === 0 ? [] : [words.join("\n")]),
    ...(notes.length === 0 ? [] : [notes.join("\n")]),
    conclusionOf(result),
  ];
  return blocks.join("\n\n");
}

export function gateToMarkdown(result: GateResult): string {
  const { judgements, notes } = result;
  const row = (cells: readonly string[]): string => `| ${cells.map(escaped).join(" | ")} |`;
  const table = [
    row(columns.map(({ title }) => title)),
    row(columns.map(({ align }) => (align === "right" ? "--:" : ":--"))),
    ...judgements.map((one) => row(columns.map(({ cell }) => cell(one)))),
  ];
  const words = judgements.map((one) => `- ${escaped(`${nameOf(one)}: ${one.words}`)}`);
  const blocks = [
    `### Gate: ${result.verdict}`,
    ...(judgements.length === 0 ? [] : [table.join("\n")]),
    conclusionOf(result),
    ...(words.length === 0
      ? []
      : [`<details><summary>How each verdict came</summary>\n\n${words.join("\n")}\n\n</details>`]),
    ...(notes.length === 0 ? [] : [notes.map((note) => `- ${escaped(note)}`).join("\n")]),
  ];
  return `${blocks.join("\n\n")}\n`;
}

/** A cell ends at a bar, and angle brackets would be tags. */
function escaped(text: string): string {
  return text.replace(/[\\|<>]/g, (sign) => `\\${sign}`).replaceAll("\n", " ");
}

/** `shapes-opt-small int8 vqav2 accuracy` */
export function nameOf(one: Judgement): string {
  const precision = one.precision === "fp32" ? [] : [one.precision];
  return [one.checkpoint, ...precision, one.task, measureOf(one)].join(" ");
}

export function measureOf(one: Judgement): string {
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

function precisionCell({ precision, basePrecision }: Judgement): string {
  return precision === basePrecision ? precision : `${precision}, was ${basePrecision}`;
}

function verdictCell(one: Judgement): string {
  return one.kind === "metric" && !one.isPrimary ? `${one.verdict} (secondary)` : one.verdict;
}

function valueCell(value: number | null, kind: Judgement["kind"]): string {
  if (value === null) return "-";
  if (kind === "metric") return (value * 100).toFixed(2);
  return kind === "time" ? `${value.toPrecision(3)} ms` : `${Math.round(value / 1e6)} MB`;
}

function differenceCell(one: Judgement): string {
  if (one.kind === "metric") return signed(one.difference);
  return one.ratio === null ? "-" : `× ${one.ratio.toFixed(2)}`;
}

function marginCell(one: Judgement): string {
  return one.kind === "metric" ? (one.margin * 100).toFixed(2) : `× ${one.most}`;
}

function signed(value: number | null): string {
  if (value === null) return "-∞";
  const text = (value * 100).toFixed(2);
  return Number(text) > 0 ? `+${text}` : Number(text) === 0 ? "0.00" : text;
}
