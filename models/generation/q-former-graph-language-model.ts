/** The Q-Former in a language model's place, generating in one run of one graph; as q-former-language-model.ts otherwise. */
import type { QFormerConfig } from "../checkpoint/config.ts";
import type { Weights } from "../checkpoint/weights.ts";
import { writerEmbedding } from "../networks/q-former-writer.ts";
import { writerLoop } from "../networks/q-former-writer-loop.ts";
import { float32Tensor, floats, int64Tensor, Session } from "../runtime.ts";
import type { RuntimeOptions } from "../runtime.ts";
import { GenerationGraph } from "./graph-generation.ts";
import { filledUp, prefixFeeds } from "./image-prefixes.ts";
import type { ImagePrefix } from "./image-prefixes.ts";
import type { GraphLanguageModel } from "./language-model.ts";
import { loopMask } from "./mask.ts";
import { keysAndValuesOf, refuseLongText } from "./q-former-language-model.ts";

/** `weights` is the whole checkpoint's; `endTokens`: the tokenizer's [SEP]. */
export async function loadGraphQFormerWriter(
  weights: Weights,
  config: QFormerConfig,
  endTokens: readonly number[],
  runtime: RuntimeOptions,
): Promise<GraphLanguageModel<ImagePrefix>> {
  const { queries, hidden, heads, layers, vocabulary } = config;
  const session = await Session.load(writerLoop(weights, config, endTokens), runtime);
  const loop = new GenerationGraph({ name: weights.name, vocabulary, endTokens, session });
  const embedding = await Session.load(writerEmbedding(weights, config), runtime);
  const shape = { type: weights.activations("q-former"), layers, heads, head: hidden / heads };

  return {
    endTokens,
    see: (softPrompts) => {
      const { keys, values } = keysAndValuesOf(softPrompts, config, "joined");
      const tensors = Object.fromEntries([
        ...keys.map((tensor, layer) => [`prefix_keys.${layer}`, tensor] as const),
        ...values.map((tensor, layer) => [`prefix_values.${layer}`, tensor] as const),
      ]);
      const images = softPrompts.dims[0] ?? 0;
      return Promise.resolve(Array.from({ length: images }, (_, row) => ({ tensors, row, length: queries })));
    },
    refuse: refuseLongText(config),
    answer: async (prompts, options) => {
      const longest = Math.max(...prompts.map(({ tokens }) => tokens.length));
      const ids = prompts.flatMap(({ tokens }) => filledUp(tokens, longest));
      const { embeddings } = await embedding.run({ tokens: int64Tensor(ids, [ids.length]) }, ["embeddings"]);
      const places = prompts.flatMap(({ tokens }) => filledUp([...tokens.keys()], longest));
      const lasts = prompts.map(({ tokens }) => tokens.length - 1);
      const feeds = {
        ...prefixFeeds(
          prompts.map(({ seen }) => seen),
          shape,
        ),
        embeddings: float32Tensor(floats(embeddings), [prompts.length, longest, hidden]),
        mask: loopMask({ sequences: prompts.length, seen: queries, unseen: 1, tokens: longest }),
        positions: int64Tensor(places, [prompts.length, longest]),
        rows: int64Tensor(lasts, [prompts.length, 1]),
      };
      return loop.generate({ feeds, texts: prompts.map(({ tokens }) => tokens) }, options);
    },
    release: async () => {
      await embedding.release();
      await loop.release();
    },
  };
}
