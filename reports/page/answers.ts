/** The data of the page, and what an answer in it is called: right, partly right, wrong or failed. */
import type { PageAnswer, PageData, PageSample } from "../html/page-data.ts";

export type Verdict = "right" | "partly" | "wrong" | "failed" | "unjudged";

/** An answer of a run to a sample. */
export interface Row {
  readonly sample: PageSample;
  readonly answer: PageAnswer;
}

/** null where the page has no data. */
export const data = readData();

function readData(): PageData | null {
  const text = document.getElementById("data")?.textContent;
  return text === undefined ? null : (JSON.parse(text) as PageData); // embedded in the page together with this script
}

export function verdictOf({ sample, answer: { score, isFailed } }: Row): Verdict {
  if (isFailed) return "failed";
  if (score === null || data?.groups[sample.group]?.isFraction !== true) return "unjudged";
  if (score >= 1) return "right";
  return score > 0 ? "partly" : "wrong";
}

export const verdictMarks: Readonly<Record<Verdict, string>> = {
  right: "✓",
  partly: "≈",
  wrong: "✗",
  failed: "!",
  unjudged: "",
};
const verdictWords: Readonly<Record<Verdict, string>> = {
  right: "right",
  partly: "partly right",
  wrong: "wrong",
  failed: "failed",
  unjudged: "",
};

/** `right, 100 %`, `CIDEr 173.6`, `failed`; empty where there is no score. */
export function scoreText(row: Row): string {
  const group = data?.groups[row.sample.group];
  const verdict = verdictOf(row);
  const { score } = row.answer;
  if (verdict === "failed") return verdictWords.failed;
  if (group === undefined || score === null) return "";
  const shownScore = (group.pointsPerUnit * score).toFixed(group.digits);
  return verdict === "unjudged" ? `${group.metric} ${shownScore}` : `${verdictWords[verdict]}, ${shownScore} %`;
}

/** What stands for an empty text. */
export function saidText({ text }: PageAnswer): string {
  return text === "" ? "(nothing)" : text;
}

export function runName(run: number): string {
  return data?.runs[run]?.name ?? "";
}

export function imageOf({ image }: PageSample): PageData["images"][number] {
  return data?.images[image] ?? { name: "", thumbnail: null };
}

export function promptsOf({ answers }: PageSample): readonly string[] {
  return [...new Set(answers.flatMap(({ prompt }) => prompt ?? []))];
}

/** What is asked about the image, in words. */
export function questionOf(sample: PageSample): string {
  return sample.question ?? promptsOf(sample)[0] ?? "What is in the picture?";
}

/** References with their counts, such as `red ×7`, the most frequent first. */
export function counted(references: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const reference of references) counts.set(reference, (counts.get(reference) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([reference, times]) => (times === 1 ? reference : `${reference} ×${times}`));
}
