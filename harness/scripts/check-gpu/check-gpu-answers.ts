/** A model's answers as numbers, so that those of two devices can be compared. */
import type {
  DecodingOptions,
  GenerationRequest,
  ImageFile,
  ImageTextScorer,
  VisionLanguageModel,
} from "../../../models/model.ts";
import { joinedFloats } from "../../../models/runtime.ts";

export interface Answers {
  /** Token ids of each answer, joined by commas; null: that request failed. */
  readonly tokens: readonly (string | null)[];
  /** Score of the best beam of each answer. */
  readonly scores: Float32Array;
  /**
   * Log-probabilities of the first token: [questions, vocabulary]; null where the loop over tokens runs inside the
   * graph.
   */
  readonly firstStep: Float32Array | null;
}

const batching = { size: 8, refill: true, sharePrompt: true };

export async function generate(
  model: VisionLanguageModel,
  requests: readonly GenerationRequest[],
  decoding: DecodingOptions,
): Promise<Answers> {
  const answers = await model.generate(requests, decoding, batching);
  const rows: Float32Array[] = [];
  for (let first = 0; model.firstStep !== undefined && first < requests.length; first += batching.size) {
    const steps = await model.firstStep(requests.slice(first, first + batching.size));
    rows.push(...steps.map((step) => (step.status === "ranked" ? step.logProbabilities : Float32Array.of(Number.NaN))));
  }
  return {
    tokens: answers.map((answer) => (answer.status === "predicted" ? answer.tokens.join() : null)),
    scores: Float32Array.from(answers, (answer) => (answer.status === "predicted" ? (answer.score ?? 0) : Number.NaN)),
    firstStep: model.firstStep === undefined ? null : joinedFloats(rows),
  };
}

export interface Ranking {
  /** For each image, the text that matches it best. */
  readonly best: readonly number[];
  /** Cosine similarities: [images, texts] */
  readonly similarities: Float32Array;
  /** Matching logits: [images, texts] */
  readonly matching: Float32Array;
}

/** @throws Error for an image that cannot be read: all of them are bundled. */
export async function rank(
  scorer: ImageTextScorer,
  { images, texts }: { readonly images: readonly ImageFile[]; readonly texts: readonly string[] },
): Promise<Ranking> {
  const embedded = await scorer.embedImages(images);
  const vectors = embedded.map((each) => {
    if (each.status === "failed") throw new Error(each.error);
    return each.vectors;
  });
  const read = await scorer.readTexts(texts, { maxTokens: 35 });
  const similarities = await scorer.compare(vectors, await scorer.embedTexts(read));
  const logits: Float32Array[] = [];
  for (const image of images) {
    const matched = await scorer.match(image, read);
    if (matched.status === "failed") throw new Error(matched.error);
    logits.push(matched.logits);
  }
  const best = logits.map((row) => row.indexOf(row.reduce((most, logit) => Math.max(most, logit), -Infinity)));
  return { best, similarities, matching: joinedFloats(logits) };
}
