/** What `caption` and `ask` do: one model after the other answers the same questions about the same images. */
import { describePrecision } from "../../models/checkpoint/precision.ts";
import type {
  DecodingOptions,
  FailedGeneration,
  Generation,
  GenerationOptions,
  WriterFamily,
  Sampling,
} from "../../models/model.ts";
import type { Asking } from "../evaluation/generation/asking.ts";
import type { NamedGenerator } from "./able-models.ts";

/** A question about one image, or the wish for a caption. */
export interface ImageQuestion {
  /** Path of its file. */
  readonly image: string;
  /** null: for a caption. */
  readonly question: string | null;
}

export interface GenerateAnswersOptions {
  /** How a language model of this family is asked. */
  readonly askingOf: (family: WriterFamily) => Asking<ImageQuestion>;
  /** Questions asked at a time. */
  readonly batchSize: number;
  /** null: nothing is drawn. */
  readonly sampling: Sampling | null;
  /** Whether tokens and how likely they were are given, too. */
  readonly tokenProbabilities: boolean;
  /** Asked between two batches. */
  readonly isStopped: () => boolean;
}

/** One batch of one model. */
export interface AnsweredBatch {
  readonly model: string;
  readonly precision: string;
  /** Questions that this model has been asked so far. */
  readonly done: number;
  readonly answers: readonly (ImageQuestion & { readonly outcome: Generation | FailedGeneration })[];
}

/** Answers in the order of `asked`, model after model; `askingOf` says how a text becomes an answer. */
export async function* generateAnswers(
  models: readonly NamedGenerator[],
  asked: readonly ImageQuestion[],
  { askingOf, batchSize, sampling, tokenProbabilities, isStopped }: GenerateAnswersOptions,
): AsyncGenerator<AnsweredBatch> {
  for (const model of models) {
    const { decoding, prompt, maxPromptTokens, answer } = askingOf(model.family);
    const options = { ...withSampling(decoding, sampling), tokenProbabilities };
    const loaded = await model.load();
    try {
      for (let start = 0; start < asked.length && !isStopped(); start += batchSize) {
        const batch = asked.slice(start, start + batchSize);
        const requests = batch.map((each) => ({
          image: { id: each.image, path: each.image },
          prompt: prompt(each),
          ...(maxPromptTokens !== null && { maxPromptTokens }),
        }));
        const outcomes = await loaded.generate(requests, options);
        const answers = batch.map((each, index) => {
          const outcome = outcomes[index]!;
          return {
            ...each,
            outcome: outcome.status === "failed" ? outcome : { ...outcome, text: answer(outcome.text) },
          };
        });
        const precision = describePrecision(model.precision);
        yield { model: model.name, precision, done: start + batch.length, answers };
      }
    } finally {
      await loaded.release();
    }
  }
}

function withSampling(options: DecodingOptions, sampling: Sampling | null): GenerationOptions {
  return sampling === null ? options : { ...options, beams: 1, sampling };
}
