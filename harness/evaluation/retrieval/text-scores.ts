/** How well texts go with an image: matching and similarity, for the command and the library. */
import { ImageError } from "../../../models/model.ts";
import type { ImageFile, ImageTextScorer, StageLatency } from "../../../models/model.ts";
import { textMatching } from "../../../tasks/own-image.ts";

export interface TextMatch {
  readonly text: string;
  /** The matching head's probability (ITM), 0 to 1. */
  readonly matching: number;
  readonly matchingLogit: number;
  /** The cosine of the best query and the text (ITC), -1 to 1. */
  readonly similarity: number;
}

export interface TextScores {
  /** In the order they were given. */
  readonly scores: readonly TextMatch[];
  readonly latencyMs: StageLatency;
}

/** `texts`: at least one. Throws an ImageError. */
export async function textScores(
  scorer: ImageTextScorer,
  image: ImageFile,
  texts: readonly string[],
): Promise<TextScores> {
  const read = await scorer.readTexts(texts.map(textMatching.text), textMatching);
  const [embedded] = await scorer.embedImages([image]);
  if (embedded === undefined) throw new Error("an image was neither embedded nor refused");
  if (embedded.status === "failed") throw new ImageError(embedded.error);
  const matched = await scorer.match(image, read);
  if (matched.status === "failed") throw new ImageError(matched.error);
  const similarities = await scorer.compare([embedded.vectors], await scorer.embedTexts(read));
  const scores = texts.map((text, index) => ({
    text,
    matching: matched.probabilities[index]!,
    matchingLogit: matched.logits[index]!,
    similarity: similarities[index]!,
  }));
  return { scores, latencyMs: { ...embedded.latencyMs, ...matched.latencyMs } };
}
