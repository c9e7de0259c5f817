/** The details of a sample of a run, as `show` and the page of a report tell them. */
import type { NamedWorking, SampleDetails, ShownTokens } from "../../../reports/report/sample-details.ts";
import type { HeldRun } from "../answered-run.ts";
import type { HeldSample } from "./held-samples.ts";

/** What is worked out of a sample. */
export interface WorkedOut {
  readonly tokens: ShownTokens | null;
  readonly workings: readonly NamedWorking[];
}

export function sampleDetailsOf(
  { prediction, answer, scores }: Pick<HeldSample, "prediction" | "answer" | "scores">,
  { scores: sheet }: HeldRun,
  { tokens, workings }: WorkedOut,
): SampleDetails {
  const worked = new Set(workings.map(({ name }) => name));
  const others = (sheet?.metrics ?? []).flatMap(({ name }) => {
    const score = scores[name];
    return score === undefined || worked.has(name) ? [] : [[name, score] as const];
  });
  const all = { answer, tokens, workings, scores: Object.fromEntries(others) };
  const unknown = { text: null, prompt: null, modelScore: null, latencyMs: {} };
  if (prediction === null) return { ...unknown, ...all, status: "missing" };
  switch (prediction.status) {
    case "predicted": {
      const { status, text, prompt, score, latencyMs, candidates } = prediction;
      const told = { status, text, prompt, modelScore: score, latencyMs };
      return { ...told, ...all, ...(candidates !== undefined && { candidates }) };
    }
    case "failed":
      return { ...unknown, ...all, status: "failed", text: prediction.error, prompt: prediction.prompt };
    case "imported":
      return { ...unknown, ...all, status: "imported", text: prediction.text };
    case "matched": {
      const { status, texts, latencyMs } = prediction;
      return { ...unknown, ...all, status, matchedTexts: texts.length, latencyMs };
    }
  }
}
