/**
 * OPT behind a soft prompt, generating in one run of one graph. As in opt-language-model.ts the keys and values of an
 * image's queries are computed once, here when the first question about it is answered: by a single round of the same graph.
 */
import type { GenerationConfig, OptConfig } from "../checkpoint/config.ts";
import type { Weights } from "../checkpoint/weights.ts";
import { optEmbedding } from "../networks/opt.ts";
import { optLoop } from "../networks/opt-loop.ts";
import { float32Tensor, floats, int64Tensor, Session } from "../runtime.ts";
import type { RuntimeOptions } from "../runtime.ts";
import { GenerationGraph } from "./graph-generation.ts";
import type { GraphLanguageModel } from "./language-model.ts";
import { ImagePrefixes, rowsOf } from "./image-prefixes.ts";
import type { SeenImage } from "./image-prefixes.ts";
import { loopMask } from "./mask.ts";
import { checkWordWidth, refuseLongPrompt, toWordWidth } from "./opt-language-model.ts";

/** `weights` is the whole checkpoint's. */
export async function loadGraphOpt(
  weights: Weights,
  config: GenerationConfig,
  text: OptConfig,
  runtime: RuntimeOptions,
): Promise<GraphLanguageModel<SeenImage>> {
  checkWordWidth(weights.name, text);
  const decoder = weights.at("language_model.model.decoder");
  const ownHead = weights.at("language_model.lm_head");
  const table = ownHead.has("weight") ? ownHead : decoder.at("embed_tokens"); // tied unless stored
  const session = await Session.load(optLoop(decoder, table, text), runtime);
  const { vocabulary, eos } = text;
  const loop = new GenerationGraph({ name: weights.name, vocabulary, endTokens: eos, session });
  const embedding = await Session.load(optEmbedding(decoder, text), runtime);
  const { queries } = config.qFormer;
  const prefixes = new ImagePrefixes(loop, {
    layers: text.layers,
    heads: text.heads,
    head: text.hidden / text.heads,
    queries,
  });

  return {
    endTokens: text.eos,
    see: (softPrompts) =>
      Promise.resolve(rowsOf(toWordWidth(softPrompts, text.wordWidth)).map((embeddings) => ({ embeddings }))),
    refuse: refuseLongPrompt(queries, text),
    answer: async (prompts, options) => {
      const longest = Math.max(...prompts.map(({ tokens }) => tokens.length));
      const filled = prompts.flatMap(({ tokens }) => filledUp(tokens, longest));
      const { embeddings } = await embedding.run({ tokens: int64Tensor(filled, [filled.length]) }, ["embeddings"]);
      const image = new Array<number>(queries).fill(config.imageToken);
      return loop.generate(
        {
          feeds: {
            ...(await prefixes.feeds(prompts.map(({ seen }) => seen))),
            embeddings: float32Tensor(floats(embeddings), [prompts.length, longest, text.wordWidth]),
            mask: loopMask({ sequences: prompts.length, seen: queries, unseen: 1, tokens: longest }),
            positions: int64Tensor(
              prompts.flatMap(({ tokens }) => filledUp([...tokens.keys()], longest).map((place) => queries + place)),
              [prompts.length, longest],
            ),
            rows: int64Tensor(
              prompts.map(({ tokens }) => tokens.length - 1),
              [prompts.length, 1],
            ),
          },
          texts: prompts.map(({ tokens }) => [...image, ...tokens]),
        },
        options,
      );
    },
    release: async () => {
      await embedding.release();
      await loop.release();
    },
  };
}

/** Filling behind a short prompt repeats its last: never read, but it must be a token and a place. */
function filledUp(values: readonly number[], length: number): readonly number[] {
  return [...values, ...new Array<number>(length - values.length).fill(values.at(-1)!)];
}
