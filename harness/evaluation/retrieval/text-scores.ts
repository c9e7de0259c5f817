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
  /**
   * How likely the Q-Former is to write this text about the image (ITG), where it was asked for: natural logarithms, of the text's
   * tokens and its end together, and their mean.
   */
  readonly logLikelihood?: number;
  readonly logLikelihoodPerToken?: number;
}

export interface TextScores {
  /** In the order they were given. */
  readonly scores: readonly TextMatch[];
  readonly latencyMs: StageLatency;
}

/**
 * `texts`: at least one. Throws an ImageError, and a CheckpointError where likelihoods are asked of a checkpoint that has no head
 * to write with.
 */
export async function textScores(
  scorer: ImageTextScorer,
  image: ImageFile,
  texts: readonly string[],
  { likelihood = false }: { readonly likelihood?: boolean | undefined } = {},
): Promise<TextScores> {
  const read = await scorer.readTexts(texts.map(textMatching.text), textMatching);
  const [embedded] = await scorer.embedImages([image]);
  if (embedded === undefined) throw new Error("an image was neither embedded nor refused");
  if (embedded.status === "failed") throw new ImageError(embedded.error);
  const matched = await scorer.match(image, read);
  if (matched.status === "failed") throw new ImageError(matched.error);
  const weighed = likelihood ? await scorer.weighTexts(image, read) : null;
  if (weighed?.status === "failed") throw new ImageError(weighed.error);
  const similarities = await scorer.compare([embedded.vectors], await scorer.embedTexts(read));
  const scores = texts.map((text, index) => ({
    text,
    matching: matched.probabilities[index]!,
    matchingLogit: matched.logits[index]!,
    similarity: similarities[index]!,
    ...(weighed !== null && {
      logLikelihood: weighed.logLikelihoods[index]!,
      logLikelihoodPerToken: weighed.logLikelihoods[index]! / weighed.tokens[index]!,
    }),
  }));
  return { scores, latencyMs: { ...embedded.latencyMs, ...matched.latencyMs, ...weighed?.latencyMs } };
}
