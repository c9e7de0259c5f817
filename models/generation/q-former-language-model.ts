/**
 * The Q-Former in a language model's place: `[q0 … q31] [DEC] text`, BLIP-2 figure 2 (image-grounded text generation). A
 * soft prompt here is what words see of the queries, their keys and values in every layer, so that nothing is computed when
 * an image is shown; words' positions count words alone (Qformer.py:861).
 */
import type { Tensor } from "onnxruntime-node";
import type { QFormerConfig } from "../checkpoint/config.ts";
import type { Weights } from "../checkpoint/weights.ts";
import { languageHead } from "../networks/language-head.ts";
import { keyWidth, TEXT_HEAD_PATH, writerDecoder, writerEmbedding } from "../networks/q-former-writer.ts";
import { float32Tensor, floats, int64Tensor, Session } from "../runtime.ts";
import type { RuntimeOptions } from "../runtime.ts";
import { DecodingBatch } from "./decoding-batch.ts";
import type { Decoder } from "./decoder.ts";
import type { Begun } from "./generate.ts";
import { roomFor } from "./language-model.ts";
import type { LanguageModel, Prompt } from "./language-model.ts";
import { loadDecoder } from "./load-decoder.ts";
import type { Prefix } from "./sequence-cache.ts";

/** `weights` is the whole checkpoint's; `endTokens`: the tokenizer's [SEP]. */
export async function loadQFormerWriter(
  weights: Weights,
  config: QFormerConfig,
  endTokens: readonly number[],
  runtime: RuntimeOptions,
): Promise<LanguageModel<Prefix>> {
  const { queries, hidden, heads, layers, vocabulary } = config;
  const size = { vocabulary, width: hidden };
  const bias = weights.tensor(`${TEXT_HEAD_PATH}.decoder.bias`, [vocabulary]);
  const headGraph = languageHead(weights.at("embeddings.word_embeddings"), size, bias);
  const head = { session: await Session.load(headGraph, runtime), ...size };
  const embedding = await Session.load(writerEmbedding(weights, config), runtime);
  const shape = { type: weights.activations("q-former"), layers, heads, head: hidden / heads };
  const loaded = await loadDecoder((cache) => writerDecoder(weights, config, cache), shape, runtime);
  const decoder: Decoder = {
    ...loaded,
    width: hidden,
    embed: async (tokens) =>
      floats((await embedding.run({ tokens: int64Tensor(tokens, [tokens.length]) }, ["embeddings"])).embeddings),
    positions: ({ tokens, places }) => ({
      positions: int64Tensor(
        tokens.map((place) => place - queries),
        [places.length, tokens.length / places.length],
      ),
    }),
  };
  return {
    head,
    endTokens,
    isRefilled: loaded.isRefilled,
    see: (softPrompts) => Promise.resolve(prefixesOf(softPrompts, config, loaded.isRefilled ? "places" : "joined")),
    refuse: refuseLongText(config),
    start: async (prompts, room) => {
      const { sequences, promptTokens } = roomFor(prompts, room);
      const capacity = queries + promptTokens + room.beams * (room.newTokens - 1);
      const batch = new DecodingBatch(decoder, { batch: sequences, capacity });
      const join = async (joining: readonly Prompt<Prefix>[]): Promise<Begun> => ({
        hidden: await batch.begin(joining.map(({ seen, tokens }) => ({ prefix: seen, tokens }))),
        texts: joining.map(({ tokens }) => tokens),
      });
      return { batch, join, ...(await join(prompts)) };
    },
    release: async () => {
      for (const part of [embedding, loaded, head.session]) await part.release();
    },
  };
}

/** LanguageModel.refuse: positions end with the table of them. */
export function refuseLongText({
  maxPositions,
}: QFormerConfig): (tokens: readonly number[], newTokens: number) => string | null {
  return (tokens, newTokens) => {
    const needed = tokens.length + newTokens;
    if (needed <= maxPositions) return null;
    return `the text is too long: ${tokens.length} tokens + ${newTokens} new = ${needed} positions, the Q-Former has ${maxPositions}`;
  };
}

/**
 * Soft prompts [images, queries, 2 · layers · hidden] → keys and values of each layer as a decoder would have given them:
 * [queries, images, heads, head] in memory, "joined" [images, heads, 1 + queries, head] with a first place that nothing sees.
 */
export function keysAndValuesOf(
  softPrompts: Tensor,
  config: QFormerConfig,
  layout: "places" | "joined",
): { readonly keys: readonly Tensor[]; readonly values: readonly Tensor[] } {
  const { layers } = config;
  const [images = 0] = softPrompts.dims;
  const given = floats(softPrompts);
  const part = (index: number): Tensor => (layout === "places" ? placed : joined)(given, config, { index, images });
  return {
    keys: Array.from({ length: layers }, (_, layer) => part(2 * layer)),
    values: Array.from({ length: layers }, (_, layer) => part(2 * layer + 1)),
  };
}

interface PackedPart {
  /** Of the 2 · layers parts of a query. */
  readonly index: number;
  readonly images: number;
}

function placed(given: Float32Array, config: QFormerConfig, { index, images }: PackedPart): Tensor {
  const { queries, hidden, heads } = config;
  const numbers = new Float32Array(queries * images * hidden);
  for (let image = 0; image < images; image += 1) {
    for (let query = 0; query < queries; query += 1) {
      const from = (image * queries + query) * keyWidth(config) + index * hidden;
      numbers.set(given.subarray(from, from + hidden), (query * images + image) * hidden);
    }
  }
  return float32Tensor(numbers, [queries, images, heads, hidden / heads]);
}

function joined(given: Float32Array, config: QFormerConfig, { index, images }: PackedPart): Tensor {
  const { queries, hidden, heads } = config;
  const head = hidden / heads;
  const numbers = new Float32Array(images * heads * (1 + queries) * head);
  for (let image = 0; image < images; image += 1) {
    for (let query = 0; query < queries; query += 1) {
      const from = (image * queries + query) * keyWidth(config) + index * hidden;
      for (let each = 0; each < heads; each += 1) {
        const own = given.subarray(from + each * head, from + (each + 1) * head);
        numbers.set(own, ((image * heads + each) * (1 + queries) + 1 + query) * head);
      }
    }
  }
  return float32Tensor(numbers, [images, heads, 1 + queries, head]);
}

function prefixesOf(softPrompts: Tensor, config: QFormerConfig, layout: "places" | "joined"): readonly Prefix[] {
  const cached = keysAndValuesOf(softPrompts, config, layout);
  return Array.from({ length: softPrompts.dims[0] ?? 0 }, (_, row) => ({ cached, row, length: config.queries }));
}
