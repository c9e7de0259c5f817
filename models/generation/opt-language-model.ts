/**
 * OPT behind a soft prompt: `[q0 … q31] </s> prompt`, BLIP-2 figure 3 (top). A token sees only what is before it, so the
 * keys and values of the queries, and of words that all prompts begin with, are computed once an image; those of the rest
 * of a prompt once a question; beams share both.
 */
import type { Tensor } from "onnxruntime-node";
import type { GenerationConfig, OptConfig } from "../checkpoint/config.ts";
import { DecodingBatch, prefixes } from "./decoding-batch.ts";
import type { Decoder } from "./decoder.ts";
import { loadDecoder } from "./load-decoder.ts";
import type { Prefix } from "./sequence-cache.ts";
import { roomFor } from "./language-model.ts";
import type { LanguageModel, Prompt } from "./language-model.ts";
import type { Begun } from "./generate.ts";
import { CheckpointError } from "../model.ts";
import { languageHead } from "../networks/language-head.ts";
import { optDecoder, optEmbedding } from "../networks/opt.ts";
import { float32Tensor, floats, int64Tensor, Session } from "../runtime.ts";
import type { RuntimeOptions } from "../runtime.ts";
import type { Weights } from "../checkpoint/weights.ts";

/** `weights` is the whole checkpoint's. */
export async function loadOpt(
  weights: Weights,
  config: GenerationConfig,
  text: OptConfig,
  runtime: RuntimeOptions,
): Promise<LanguageModel<Prefix>> {
  checkWordWidth(weights.name, text);
  const decoderWeights = weights.at("language_model.model.decoder");
  const ownHead = weights.at("language_model.lm_head");
  const table = ownHead.has("weight") ? ownHead : decoderWeights.at("embed_tokens"); // tied unless stored
  const size = { vocabulary: text.vocabulary, width: text.wordWidth };
  const head = { session: await Session.load(languageHead(table, size), runtime), ...size };
  const embedding = await Session.load(optEmbedding(decoderWeights, text), runtime);
  const type = weights.activations("language");
  const shape = { type, layers: text.layers, heads: text.heads, head: text.hidden / text.heads };
  const loaded = await loadDecoder((cache) => optDecoder(decoderWeights, text, cache), shape, runtime);
  const decoder: Decoder = {
    ...loaded,
    width: text.wordWidth,
    embed: async (tokens) =>
      floats((await embedding.run({ tokens: int64Tensor(tokens, [tokens.length]) }, ["embeddings"])).embeddings),
    positions: ({ tokens, places }) => ({
      positions: int64Tensor(tokens, [places.length, tokens.length / places.length]),
    }),
  };
  const { queries } = config.qFormer;
  return {
    head,
    endTokens: text.eos,
    isRefilled: loaded.isRefilled,
    forget: (prefix) => prefix.forget?.(),
    see: async (softPrompts, common = []) => {
      const queryEmbeddings = toWordWidth(softPrompts, text.wordWidth);
      if (common.length === 0) return prefixes(decoder, queryEmbeddings);
      return prefixes(decoder, followedBy(queryEmbeddings, await decoder.embed(common)));
    },
    shorten: (prefix, tokens) => ({ ...prefix, length: queries + tokens }),
    refuse: refuseLongPrompt(queries, text),
    start: async (prompts, room) => {
      const { sequences, promptTokens } = roomFor(prompts, room);
      const capacity = queries + promptTokens + room.beams * (room.newTokens - 1);
      const batch = new DecodingBatch(decoder, { batch: sequences, capacity });
      const image = new Array<number>(queries).fill(config.imageToken);
      const join = async (joining: readonly Prompt<Prefix>[]): Promise<Begun> => {
        const own = joining.map(({ seen, tokens }) => ({ prefix: seen, tokens: tokens.slice(seen.length - queries) }));
        const first = batch.sequences;
        const hidden = await batch.begin(own);
        for (const [index, { onSeen }] of joining.entries()) {
          const prompt = onSeen === undefined ? null : batch.promptOf(first + index);
          if (prompt !== null) onSeen?.(prompt);
        }
        return { hidden, texts: joining.map(({ tokens }) => [...image, ...tokens]) };
      };
      return { batch, join, ...(await join(prompts)) };
    },
    release: async () => {
      for (const part of [embedding, loaded, head.session]) await part.release();
    },
  };
}

export function checkWordWidth(checkpoint: string, { wordWidth, hidden }: OptConfig): void {
  if (wordWidth <= hidden) return;
  const found = `text_config.word_embed_proj_dim ${wordWidth} above hidden_size ${hidden}`;
  throw new CheckpointError(`${checkpoint}: ${found}: the projection fills too few numbers of a query's embedding.`);
}

/** LanguageModel.refuse: positions end with the table of them. */
export function refuseLongPrompt(
  queries: number,
  { maxPositions }: OptConfig,
): (tokens: readonly number[], newTokens: number) => string | null {
  return (tokens, newTokens) => {
    const needed = queries + tokens.length + newTokens;
    if (needed <= maxPositions) return null;
    const parts = `${queries} queries + ${tokens.length} prompt tokens + ${newTokens} new`;
    return `the prompt is too long: ${parts} = ${needed} positions, the language model has ${maxPositions}`;
  };
}

/**
 * The projection is as wide as the layers, the embeddings it replaces may be narrower (word_embed_proj_dim). The reference
 * then fills them with the first numbers of the projection, row after row (`masked_scatter`, modeling_blip_2.py:1851).
 */
export function toWordWidth(softPrompts: Tensor, width: number): Tensor {
  const [images = 0, queries = 0, hidden = 0] = softPrompts.dims;
  if (width === hidden) return softPrompts;
  const filled = new Float32Array(images * queries * width);
  for (let image = 0; image < images; image += 1) {
    const from = image * queries * hidden;
    filled.set(floats(softPrompts).subarray(from, from + queries * width), image * queries * width);
  }
  return float32Tensor(filled, [images, queries, width]);
}

/** Each image's queries and then the same words: [images, queries, width], [words, width] → [images, queries + words, width] */
export function followedBy(queryEmbeddings: Tensor, words: Float32Array): Tensor {
  const [images = 0, queries = 0, width = 0] = queryEmbeddings.dims;
  const own = queries * width;
  const size = own + words.length;
  const all = new Float32Array(images * size);
  for (let image = 0; image < images; image += 1) {
    all.set(floats(queryEmbeddings).subarray(image * own, (image + 1) * own), image * size);
    all.set(words, image * size + own);
  }
  return float32Tensor(all, [images, queries + words.length / width, width]);
}
