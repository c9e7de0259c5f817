/** How likely texts are after one image, by the Q-Former's head for text (ITG): the sums of what networks/q-former-likelihood.ts gives. */
import type { Tensor } from "onnxruntime-node";
import type { QFormerConfig } from "./checkpoint/config.ts";
import type { Weights } from "./checkpoint/weights.ts";
import { loopMask } from "./generation/mask.ts";
import { qFormerLikelihood } from "./networks/q-former-likelihood.ts";
import { writerKeys } from "./networks/q-former-writer.ts";
import { floats, freeOnDevice, int64Tensor, Session } from "./runtime.ts";
import type { RuntimeOptions } from "./runtime.ts";
import type { StageClock } from "./stage-clock.ts";
import { textBatches } from "./text/text-batches.ts";
import type { TextTokens } from "./text/text-batches.ts";

/** Texts of a batch: logits over a vocabulary of 30,523 take 2 MB a text of 16 words. */
const TEXT_BATCH = 16;

/** Sums of natural logarithms, and of how many tokens each is: the text's and [SEP]. Both [texts]. */
export interface LikelihoodSums {
  readonly logLikelihoods: Float32Array;
  readonly tokens: Int32Array;
}

export class TextLikelihoods {
  readonly #config: QFormerConfig;
  readonly #begin: number;
  readonly #keys: Session;
  readonly #likelihood: Session;

  private constructor(
    config: QFormerConfig,
    begin: number,
    sessions: { readonly keys: Session; readonly likelihood: Session },
  ) {
    this.#config = config;
    this.#begin = begin;
    this.#keys = sessions.keys;
    this.#likelihood = sessions.likelihood;
  }

  /** `weights` is the whole checkpoint's; `begin`: the token that a written text begins with, [DEC]. */
  static async load(
    weights: Weights,
    { config, begin }: { readonly config: QFormerConfig; readonly begin: number },
    options: RuntimeOptions,
  ): Promise<TextLikelihoods> {
    const keys = await Session.load(writerKeys(weights, config), options, { onDevice: ["soft_prompt"] });
    const likelihood = await Session.load(qFormerLikelihood(weights, config), options);
    return new TextLikelihoods(config, begin, { keys, likelihood });
  }

  /** image_tokens [1, tokens, vision]; texts as they are read, from [CLS], whose place [DEC] takes, to [SEP]. */
  async weigh(image_tokens: Tensor, texts: readonly TextTokens[], clock: StageClock): Promise<LikelihoodSums> {
    const { queries, vocabulary, pad } = this.#config;
    const logLikelihoods = new Float32Array(texts.length);
    const tokens = Int32Array.from(texts, (text) => text.length - 1);
    const written = texts.map((text) => [this.#begin, ...text.slice(1)]);
    const seen = await clock.time("writerKeys", () => this.#keys.run({ image_tokens }, ["soft_prompt"]));
    try {
      for (const { lengths, places, feeds } of textBatches(written, { size: TEXT_BATCH, pad })) {
        const rows = places.map(([place]) => written[place!]!);
        const words = Math.max(...lengths);
        const at = (row: number, word: number): number => rows[row]![word] ?? pad;
        const ofRows = (value: (row: number, word: number) => number): number[] =>
          rows.flatMap((_, row) => Array.from({ length: words }, (_, word) => value(row, word)));
        const given = {
          ...feeds,
          positions: int64Tensor(
            ofRows((_, word) => word),
            [rows.length, words],
          ),
          next: int64Tensor(
            ofRows((row, word) => (row * words + word) * vocabulary + at(row, word + 1)),
            [rows.length * words],
          ),
          mask: loopMask({ sequences: 1, seen: queries, unseen: 0, tokens: words }), // filling stands behind
          ...seen,
        };
        const { log_likelihood } = await clock.time("likelihood", () =>
          this.#likelihood.run(given, ["log_likelihood"]),
        );
        const each = floats(log_likelihood);
        for (const [row, own] of places.entries()) {
          const start = row * words;
          const sum = each.subarray(start, start + lengths[row]! - 1).reduce((all, one) => all + one, 0);
          for (const place of own) logLikelihoods[place] = sum;
        }
      }
    } finally {
      freeOnDevice(seen);
    }
    return { logLikelihoods, tokens };
  }

  async release(): Promise<void> {
    await this.#keys.release();
    await this.#likelihood.release();
  }
}
