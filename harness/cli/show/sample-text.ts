/** One sample of a run as text for a terminal. What came from models and data sets cannot act on the terminal. */
import type { SampleDetails } from "../../../reports/report/sample-details.ts";
import { predictionLines, scoreLines, tokenLines } from "../../../reports/report/sample-lines.ts";
import type { Line, Lines } from "../../../reports/report/sample-lines.ts";
import { left, right, tableOf } from "../../../reports/tables/table.ts";
import { tableToText } from "../../../reports/tables/terminal.ts";
import { onOneLine } from "../../../reports/tables/visible-controls.ts";
import type { HeldSample } from "../../samples/show/held-samples.ts";

export interface SampleParts {
  /** The run, in a line. */
  readonly title: string;
  readonly sample: HeldSample;
  readonly details: SampleDetails;
  /** Where the image is and how large, in a line. */
  readonly image: string;
  /** Why the texts of tokens are missing; null: they are not. */
  readonly tokensProblem: string | null;
}

export function sampleText({ title, sample, details, image, tokensProblem }: SampleParts): string {
  const { id, question, columns, references } = sample;
  const facts: readonly Line[] = [
    ["image", image],
    ...(question === null ? [] : [["question", onOneLine(question)] as const]),
    ...Object.entries(columns).map(([name, value]): Line => [onOneLine(name), onOneLine(String(value))]),
    ...predictionLines(details),
    ...(references.length === 0 ? [] : [["references", counted(references)] as const]),
  ];
  const problem = tokensProblem === null ? "" : `\n  ${onOneLine(tokensProblem)}`;
  return [
    `${onOneLine(title)}, sample ${onOneLine(id)}`,
    linesText(facts),
    ...tokenLines(details).map((lines) => `${titledText(lines)}${problem}`),
    ...scoreLines(details).map(titledText),
    ...timesText(details),
  ].join("\n\n");
}

/** `red ×7, dark red ×3`, the most frequent first. */
function counted(references: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const reference of references) counts.set(reference, (counts.get(reference) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([text, count]) => `${JSON.stringify(text)}${count > 1 ? ` ×${count}` : ""}`)
    .map(onOneLine)
    .join(", ");
}

function timesText({ latencyMs }: SampleDetails): readonly string[] {
  const times = Object.entries(latencyMs);
  if (times.length === 0) return [];
  const columns = [
    right<readonly [string, number]>("ms", ([, ms]) => ms.toFixed(1)),
    left<readonly [string, number]>("stage", ([stage]) => onOneLine(stage)),
  ];
  return [tableToText(tableOf(columns, times))];
}

function titledText({ title, lines }: Lines): string {
  return `${title}\n${linesText(lines)}`;
}

function linesText(lines: readonly Line[]): string {
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`).join("\n");
}
