/**
 * The details of one sample as lines of a name and a text, for a terminal and for the page of a report. What came from models
 * and data sets stands in them with its control characters written out.
 */
import { likelihoodText } from "../tables/numbers.ts";
import { onOneLine } from "../tables/visible-controls.ts";
import type { NamedWorking, SampleDetails, ShownToken } from "./sample-details.ts";

export type Line = readonly [name: string, text: string];

export interface Lines {
  readonly title: string;
  readonly lines: readonly Line[];
}

/** Prompt, text and what the model thought of it. */
export function predictionLines(details: SampleDetails): readonly Line[] {
  const { status, text, answer, modelScore, matchedTexts = 0 } = details;
  const prompt: Line = ["prompt", details.prompt === null ? "none: the image alone" : quoted(details.prompt)];
  switch (status) {
    case "missing":
      return [["status", "not asked yet"]];
    case "failed":
      return [prompt, ["failed", onOneLine(text ?? "")]];
    case "imported":
      return [["imported text", quoted(text ?? "")]];
    case "matched":
      return [["matched", `with ${matchedTexts} texts`]];
    case "predicted":
      return [
        prompt,
        ["text", quoted(text ?? "")],
        ...(modelScore === null
          ? []
          : [["model's score", `${modelScore} (log-probability, penalties applied)`] as const]),
        ...candidateLines(details),
        ...(answer === null ? [] : [["answer", quoted(answer)] as const]),
      ];
  }
}

function candidateLines({ candidates }: SampleDetails): readonly Line[] {
  if (candidates === undefined) return [];
  return candidates.best.map(({ text, logProbability, tokens }, place) => [
    place === 0 ? `of ${candidates.count} candidates` : "",
    `${quoted(text)} ${logProbability.toFixed(4)} (${tokens} tokens)`,
  ]);
}

/** The tokens of prompt and answer; empty where none are known. */
export function tokenLines({ tokens }: SampleDetails): readonly Lines[] {
  if (tokens === null) return [];
  const { prompt, answer, firstStep } = tokens;
  const likely = firstStep?.map((token) => `${tokenText(token)} ${likelihoodText(token.probability)}`);
  const lines: readonly Line[] = [
    ...(prompt === null ? [] : [["prompt", prompt.map(tokenText).join(" ")] as const]),
    ["answer", answer.map(tokenText).join(" ")],
    ...(likely === undefined ? [] : [["likeliest first", likely.join(", ")] as const]),
  ];
  return [{ title: "tokens", lines }];
}

/** Each score as its metric works it out, then the scores that no metric works out. */
export function scoreLines({ workings, scores }: SampleDetails): readonly Lines[] {
  const others = Object.entries(scores).map(([name, score]): Line => [onOneLine(name), String(score)]);
  return [...workings.map(workingLines), ...(others.length === 0 ? [] : [{ title: "scores", lines: others }])];
}

function tokenText({ id, text }: ShownToken): string {
  return text === null ? String(id) : quoted(text);
}

function workingLines({ name, score, steps }: NamedWorking): Lines {
  return {
    title: score === null ? onOneLine(name) : `${onOneLine(name)}: ${score}`,
    lines: steps.map(({ what, result }) => [onOneLine(what), onOneLine(result)]),
  };
}

function quoted(text: string): string {
  return onOneLine(JSON.stringify(text));
}
