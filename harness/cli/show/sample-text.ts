/** One sample of a run as text for a terminal. What came from models and data sets cannot act on the terminal. */
import type { Prediction } from "../../../reports/records/run-record.ts";
import { likelihoodText } from "../../../reports/tables/numbers.ts";
import { left, right, tableOf } from "../../../reports/tables/table.ts";
import { tableToText } from "../../../reports/tables/terminal.ts";
import { onOneLine } from "../../../reports/tables/visible-controls.ts";
import type { HeldSample } from "../../samples/show/held-samples.ts";
import type { NamedWorking } from "../../samples/show/work-out.ts";
import type { ShownToken, ShownTokens } from "./shown-tokens.ts";

export interface SampleParts {
  /** The run, in a line. */
  readonly title: string;
  readonly sample: HeldSample;
  /** Where the image is and how large, in a line. */
  readonly image: string;
  readonly tokens: ShownTokens | null;
  /** The sample's scores; those that are worked out are not shown twice. */
  readonly scores: readonly (readonly [name: string, score: number])[];
  readonly workings: readonly NamedWorking[];
}

type Line = readonly [name: string, text: string];

export function sampleText({ title, sample, image, tokens, scores, workings }: SampleParts): string {
  const { id, question, columns, prediction, answer, references } = sample;
  const facts: readonly Line[] = [
    ["image", image],
    ...(question === null ? [] : [["question", onOneLine(question)] as const]),
    ...Object.entries(columns).map(([name, value]): Line => [onOneLine(name), onOneLine(String(value))]),
    ...predictionLines(sample),
    ...(answer === null || prediction?.status !== "predicted" ? [] : [["answer", JSON.stringify(answer)] as const]),
    ...(references.length === 0 ? [] : [["references", counted(references)] as const]),
  ];
  const worked = new Set(workings.map(({ name }) => name));
  const others = scores.filter(([name]) => !worked.has(name));
  return [
    `${onOneLine(title)}, sample ${onOneLine(id)}`,
    linesText(facts),
    ...(tokens === null ? [] : [tokensText(tokens)]),
    ...workings.map(workingText),
    ...(others.length === 0
      ? []
      : [`scores\n${linesText(others.map(([name, score]) => [onOneLine(name), String(score)]))}`]),
    ...timesText(sample),
  ].join("\n\n");
}

function predictionLines({ prediction }: HeldSample): readonly Line[] {
  if (prediction === null) return [["status", "not asked yet"]];
  switch (prediction.status) {
    case "failed":
      return [
        ["prompt", promptText(prediction.prompt)],
        ["failed", onOneLine(prediction.error)],
      ];
    case "imported":
      return [["imported text", JSON.stringify(prediction.text)]];
    case "matched":
      return [["matched", `with ${prediction.texts.length} texts`]];
    case "predicted":
      return [
        ["prompt", promptText(prediction.prompt)],
        ["text", JSON.stringify(prediction.text)],
        ...(prediction.score === null
          ? []
          : [["model's score", `${prediction.score} (log-probability, penalties applied)`] as const]),
        ...candidateLines(prediction),
      ];
  }
}

/** Of an answer that was chosen by likelihood: the best candidates. */
function candidateLines({ candidates }: Extract<Prediction, { status: "predicted" }>): readonly Line[] {
  if (candidates === undefined) return [];
  return candidates.best.map(({ text, logProbability, tokens }, place) => [
    place === 0 ? `of ${candidates.count} candidates` : "",
    `${onOneLine(JSON.stringify(text))} ${logProbability.toFixed(4)} (${tokens} tokens)`,
  ]);
}

function promptText(prompt: string | null): string {
  return prompt === null ? "none: the image alone" : JSON.stringify(prompt);
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

function tokensText({ prompt, answer, firstStep, problem }: ShownTokens): string {
  const lines: Line[] = [];
  if (prompt !== null) lines.push(["prompt", prompt.map(tokenText).join(" ")]);
  lines.push(["answer", answer.map(tokenText).join(" ")]);
  if (firstStep !== null) {
    const likely = firstStep.map((token) => `${tokenText(token)} ${likelihoodText(token.probability)}`);
    lines.push(["likeliest first", likely.join(", ")]);
  }
  return `tokens\n${linesText(lines)}${problem === null ? "" : `\n  ${onOneLine(problem)}`}`;
}

function tokenText({ id, text }: ShownToken): string {
  return text === null ? String(id) : onOneLine(JSON.stringify(text));
}

function workingText({ name, score, steps }: NamedWorking): string {
  const title = score === null ? onOneLine(name) : `${onOneLine(name)}: ${score}`;
  return `${title}\n${linesText(steps.map(({ what, result }) => [onOneLine(what), onOneLine(result)]))}`;
}

function timesText({ prediction }: HeldSample): readonly string[] {
  if (prediction === null || !("latencyMs" in prediction)) return [];
  const times = Object.entries(prediction.latencyMs);
  if (times.length === 0) return [];
  const columns = [
    right<readonly [string, number]>("ms", ([, ms]) => ms.toFixed(1)),
    left<readonly [string, number]>("stage", ([stage]) => onOneLine(stage)),
  ];
  return [tableToText(tableOf(columns, times))];
}

function linesText(lines: readonly Line[]): string {
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`).join("\n");
}
