/**
 * What T5's decoder reads: the encoder's side of `[q0 … q31] prompt </s>`, once a question.
 */
import type { Tensor } from "onnxruntime-node";
import type { GenerationConfig, T5Config } from "../checkpoint/config.ts";
import type { Weights } from "../checkpoint/weights.ts";
import { t5CrossAttention, t5Embedding, t5Encoder } from "../networks/t5.ts";
import { float32Tensor, floats, freeOnDevice, int32Tensor, int64Tensor, Session } from "../runtime.ts";
import type { Feeds, RuntimeOptions } from "../runtime.ts";
import type { Prompt } from "./language-model.ts";
import { paddingMask } from "./mask.ts";
import { encoderBuckets } from "./relative-buckets.ts";

/** An image's soft prompt [queries, width]: T5 reads it together with each prompt, so nothing can be computed ahead. */
export type SoftPrompt = Float32Array;

export interface SourceReader {
  /** Token ids to embeddings [tokens, width]. */
  readonly embed: (tokens: readonly number[]) => Promise<Float32Array>;
  /** source_mask [prompts, 1, 1, source]; source_keys.i and source_values.i [prompts, heads, source, keyWidth] */
  readonly read: (prompts: readonly Prompt<SoftPrompt>[]) => Promise<Feeds>;
  readonly release: () => Promise<void>;
}

/** `weights` begins at language_model. */
export async function loadSourceReader(
  weights: Weights,
  config: GenerationConfig,
  text: T5Config,
  runtime: RuntimeOptions,
): Promise<SourceReader> {
  const embedding = await Session.load(t5Embedding(weights, text), runtime);
  const layers = Array.from({ length: text.decoderLayers }, (_, layer) => layer);
  const names = layers.flatMap((layer) => [`keys.${layer}`, `values.${layer}`]);
  const encoder = await Session.load(t5Encoder(weights, text), runtime, { onDevice: ["hidden"] });
  const crossAttention = await Session.load(t5CrossAttention(weights, text), runtime, { onDevice: names });
  const embed = async (tokens: readonly number[]): Promise<Float32Array> =>
    floats((await embedding.run({ tokens: int64Tensor(tokens, [tokens.length]) }, ["embeddings"])).embeddings);

  return {
    embed,
    read: async (prompts) => {
      const lengths = prompts.map(({ tokens }) => config.qFormer.queries + tokens.length);
      const longest = Math.max(...lengths);
      const words = await embed(prompts.flatMap(({ tokens }) => tokens));
      const mask = float32Tensor(paddingMask(lengths), [prompts.length, 1, 1, longest]);
      const feeds = {
        embeddings: float32Tensor(embeddingsOf(prompts, words, longest * text.width), [
          prompts.length,
          longest,
          text.width,
        ]),
        mask,
        buckets: int32Tensor(encoderBuckets(text, longest), [longest, longest]),
      };
      const { hidden } = await encoder.run(feeds, ["hidden"]);
      const kept = await crossAttention.run({ hidden }, names).finally(() => {
        freeOnDevice([hidden]);
      });
      const source = names.map((name): [string, Tensor] => [`source_${name}`, kept[name]!]);
      return { source_mask: mask, ...Object.fromEntries(source) };
    },
    release: async () => {
      for (const graph of [embedding, encoder, crossAttention]) await graph.release();
    },
  };
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

/** [images, queries, width] → each image's rows, as a view. */
export function softPromptsOf(softPrompts: Tensor): readonly SoftPrompt[] {
  const [images = 0, queries = 0, width = 0] = softPrompts.dims;
  const size = queries * width;
  return Array.from({ length: images }, (_, image) => floats(softPrompts).subarray(image * size, (image + 1) * size));
}
