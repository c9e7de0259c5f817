/**
 * FlanT5 behind a soft prompt: the encoder reads `[q0 … q31] prompt </s>` once a question, the decoder writes, BLIP-2
 * figure 3 (bottom). Keys and values of the source are computed once a question, too; beams share them. Questions share no
 * more of an image than its soft prompt: the encoder looks both ways, so what it makes of the queries and of the first
 * words depends on the last word.
 */
import type { GenerationConfig, T5Config } from "../checkpoint/config.ts";
import { DecodingBatch } from "./decoding-batch.ts";
import type { Decoder } from "./decoder.ts";
import { DeviceSources } from "./device-source-cache.ts";
import type { Begun } from "./generate.ts";
import { loadDecoder } from "./load-decoder.ts";
import { SourceCache } from "./source-cache.ts";
import { roomFor } from "./language-model.ts";
import type { LanguageModel, Prompt } from "./language-model.ts";
import { CheckpointError } from "../model.ts";
import { languageHead } from "../networks/language-head.ts";
import { t5Decoder } from "../networks/t5.ts";
import { decoderBuckets } from "./relative-buckets.ts";
import { keepsOnDevice } from "../device/device.ts";
import { int32Tensor, Session } from "../runtime.ts";
import type { RuntimeOptions } from "../runtime.ts";
import { loadSourceReader, softPromptsOf } from "./t5-source.ts";
import type { SoftPrompt } from "./t5-source.ts";
import type { Weights } from "../checkpoint/weights.ts";

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
  const reader = await loadSourceReader(own, config, text, runtime);
  const buckets = decoderBuckets(text);
  const type = weights.activations("language");
  const shape = { type, layers: text.decoderLayers, heads: text.heads, head: text.keyWidth };
  const loaded = await loadDecoder((cache) => t5Decoder(own, text, cache), shape, runtime);
  const sources = keepsOnDevice(runtime.device) ? await DeviceSources.load(shape, runtime) : null;
  const decoder: Decoder = {
    ...loaded,
    width: text.width,
    embed: reader.embed,
    positions: ({ tokens, places, past }) => {
      const each = tokens.length / places.length;
      return { buckets: int32Tensor(buckets({ tokens, places, past }), [places.length, each, past + each]) };
    },
  };

  const { queries } = config.qFormer;
  return {
    head,
    endTokens: text.eos,
    isRefilled: loaded.isRefilled,
    see: (softPrompts) => Promise.resolve(softPromptsOf(softPrompts)),
    refuse: () => null, // distances have a last bucket, not a last position: no prompt is too long
    start: async (prompts, room) => {
      const { sequences, promptTokens } = roomFor(prompts, room);
      const tensors = await reader.read(prompts);
      const source =
        sources === null ? new SourceCache(tensors, prompts.length) : sources.open(tensors, prompts.length);
      if (source instanceof SourceCache && room.sequences !== undefined) {
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
        source.add(await reader.read(joining), joining.length);
        return begin(joining);
      };
      return { batch, join, ...(await begin(prompts)) };
    },
    release: async () => {
      for (const part of [reader, loaded, sources, head.session]) await part?.release();
    },
  };
}

/** The logarithm in a bucket's formula needs at least one exact distance, and distances beyond the exact ones. */
export function checkBuckets(checkpoint: string, { buckets, maxDistance }: T5Config): void {
  const exact = Math.floor(buckets / 2);
  if (buckets >= 4 && maxDistance > exact) return;
  throw new CheckpointError(
    `${checkpoint}: text_config.relative_attention_num_buckets ${buckets} with relative_attention_max_distance ` +
      `${maxDistance}, expected at least 4 buckets and a distance above ${exact}.`,
  );
}
