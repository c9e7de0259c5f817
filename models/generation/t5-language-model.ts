/**
 * FlanT5 behind a soft prompt: the encoder reads `[q0 … q31] prompt </s>` once a question, the decoder writes, BLIP-2
 * figure 3 (bottom). Keys and values of the source are computed once a question, too; beams share them. Questions share no
 * more of an image than its soft prompt: the encoder looks both ways, so what it makes of the queries and of the first
 * words depends on the last word.
 */
import type { Tensor } from "onnxruntime-node";
import type { GenerationConfig, T5Config } from "../checkpoint/config.ts";
import { DecodingBatch } from "./decoding-batch.ts";
import { outputNames } from "./decoder.ts";
import type { Decoder } from "./decoder.ts";
import type { Begun } from "./generate.ts";
import { KvMemory } from "./kv-cache.ts";
import { paddingMask } from "./mask.ts";
import { SourceCache } from "./source-cache.ts";
import { roomFor } from "./language-model.ts";
import type { LanguageModel, Prompt } from "./language-model.ts";
import { CheckpointError } from "../model.ts";
import { languageHead } from "../networks/language-head.ts";
import { t5CrossAttention, t5Decoder, t5Embedding, t5Encoder } from "../networks/t5.ts";
import { decoderBuckets, encoderBuckets } from "./relative-buckets.ts";
import { float32Tensor, floats, int32Tensor, int64Tensor, Session } from "../runtime.ts";
import type { Feeds, RuntimeOptions } from "../runtime.ts";
import type { Weights } from "../checkpoint/weights.ts";

/** An image's soft prompt [queries, width]: T5 reads it together with each prompt, so nothing can be computed ahead. */
export type SoftPrompt = Float32Array;

/** `weights` is the whole checkpoint's. */
export async function loadT5(
  weights: Weights,
  config: GenerationConfig,
  text: T5Config,
  runtime: RuntimeOptions,
): Promise<LanguageModel<SoftPrompt>> {
  checkBuckets(weights.name, text);
  const own = weights.at("language_model");
  // Without a matrix of its own the output is tied to the embeddings. T5 1.0, which then also scales, is no BLIP-2.
  const table = own.at(own.has("lm_head.weight") ? "lm_head" : "shared");
  const size = { vocabulary: text.vocabulary, width: text.width };
  const head = { session: await Session.load(languageHead(table, size), runtime), ...size };
  const embedding = await Session.load(t5Embedding(own, text), runtime);
  const encoder = await Session.load(t5Encoder(own, text), runtime);
  const crossAttention = await Session.load(t5CrossAttention(own, text), runtime);
  const session = await Session.load(t5Decoder(own, text), runtime);

  const embed = async (tokens: readonly number[]): Promise<Float32Array> =>
    floats((await embedding.run({ tokens: int64Tensor(tokens, [tokens.length]) }, ["embeddings"])).embeddings);
  const buckets = decoderBuckets(text);
  const shape = { layers: text.decoderLayers, heads: text.heads, head: text.keyWidth };
  const decoder: Decoder = {
    shape,
    outputs: outputNames(shape),
    memory: new KvMemory(),
    width: text.width,
    session,
    embed,
    positions: ({ tokens, places, capacity }) => {
      const each = tokens.length / places.length;
      return { buckets: int32Tensor(buckets({ tokens, places, capacity }), [places.length, each, capacity + each]) };
    },
  };

  /** Soft prompts and prompts through the encoder, and what the decoder's layers look at of them. */
  const { queries } = config.qFormer;
  const read = async (prompts: readonly Prompt<SoftPrompt>[]): Promise<Feeds> => {
    const lengths = prompts.map(({ tokens }) => queries + tokens.length);
    const longest = Math.max(...lengths);
    const words = await embed(prompts.flatMap(({ tokens }) => tokens));
    const shape = [prompts.length, longest, text.width];
    const mask = float32Tensor(paddingMask(lengths), [prompts.length, 1, 1, longest]);
    const feeds = {
      embeddings: float32Tensor(embeddingsOf(prompts, words, longest * text.width), shape),
      mask,
      buckets: int32Tensor(encoderBuckets(text, longest), [longest, longest]),
    };
    const { hidden } = await encoder.run(feeds, ["hidden"]);
    const layers = Array.from({ length: text.decoderLayers }, (_, layer) => layer);
    const names = layers.flatMap((layer) => [`keys.${layer}`, `values.${layer}`]);
    const kept = await crossAttention.run({ hidden }, names);
    const source = names.map((name): [string, Tensor] => [`source_${name}`, kept[name]!]);
    return { source_mask: mask, ...Object.fromEntries(source) };
  };

  return {
    head,
    endTokens: text.eos,
    see: (softPrompts) => Promise.resolve(rowsOf(softPrompts)),
    refuse: () => null, // distances have a last bucket, not a last position: no prompt is too long
    start: async (prompts, room) => {
      const { sequences, promptTokens } = roomFor(prompts, room);
      const source = new SourceCache(await read(prompts), prompts.length);
      if (room.sequences !== undefined) {
        source.makeRoom({ sequences, source: queries + promptTokens, memory: decoder.memory });
      }
      // The start token, then what each beam is fed: never 0 places, see `prefixes` in decoding-batch.ts.
      const capacity = 1 + room.beams * (room.newTokens - 1);
      const batch = new DecodingBatch(decoder, { batch: sequences, capacity }, source);
      const begin = async ({ length }: readonly Prompt<SoftPrompt>[]): Promise<Begun> => {
        const texts = Array.from({ length }, () => [text.decoderStart]);
        return { hidden: await batch.begin(texts.map((tokens) => ({ prefix: null, tokens }))), texts };
      };
      const join = async (joining: readonly Prompt<SoftPrompt>[]): Promise<Begun> => {
        source.add(await read(joining), joining.length);
        return begin(joining);
      };
      return { batch, join, ...(await begin(prompts)) };
    },
    release: async () => {
      for (const graph of [embedding, encoder, crossAttention, session, head.session]) await graph.release();
    },
  };
}

/** The logarithm in a bucket's formula needs at least one exact distance, and distances beyond the exact ones. */
function checkBuckets(checkpoint: string, { buckets, maxDistance }: T5Config): void {
  const exact = Math.floor(buckets / 2);
  if (buckets >= 4 && maxDistance > exact) return;
  throw new CheckpointError(
    `${checkpoint}: text_config.relative_attention_num_buckets ${buckets} with relative_attention_max_distance ` +
      `${maxDistance}, expected at least 4 buckets and a distance above ${exact}.`,
  );
}

/** [images, queries, width] → each image's rows, as a view. */
function rowsOf(softPrompts: Tensor): readonly SoftPrompt[] {
  const [images = 0, queries = 0, width = 0] = softPrompts.dims;
  const size = queries * width;
  return Array.from({ length: images }, (_, image) => floats(softPrompts).subarray(image * size, (image + 1) * size));
}

/** Each prompt's queries and words, and zeros up to `size` numbers, which are masked. `words`: all prompts', end to end. */
function embeddingsOf(prompts: readonly Prompt<SoftPrompt>[], words: Float32Array, size: number): Float32Array {
  const embeddings = new Float32Array(prompts.length * size);
  const width = words.length / prompts.reduce((sum, { tokens }) => sum + tokens.length, 0);
  let from = 0;
  for (const [index, { seen, tokens }] of prompts.entries()) {
    const to = from + tokens.length * width;
    embeddings.set(seen, index * size);
    embeddings.set(words.subarray(from, to), index * size + seen.length);
    from = to;
  }
  return embeddings;
}
