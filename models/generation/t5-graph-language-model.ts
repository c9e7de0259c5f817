/**
 * FlanT5 behind a soft prompt, generating in one run of one graph once the encoder has read the questions.
 */
import type { GenerationConfig, T5Config } from "../checkpoint/config.ts";
import type { Weights } from "../checkpoint/weights.ts";
import { t5Loop } from "../networks/t5-loop.ts";
import { float32Tensor, freeOnDevice, int64Tensor, Session } from "../runtime.ts";
import type { RuntimeOptions } from "../runtime.ts";
import { GenerationGraph } from "./graph-generation.ts";
import type { GraphLanguageModel } from "./language-model.ts";
import { loopMask } from "./mask.ts";
import { distanceBuckets } from "./relative-buckets.ts";
import { checkBuckets } from "./t5-language-model.ts";
import { loadSourceReader, softPromptsOf } from "./t5-source.ts";
import type { SoftPrompt } from "./t5-source.ts";

/** `weights` is the whole checkpoint's. */
export async function loadGraphT5(
  weights: Weights,
  config: GenerationConfig,
  text: T5Config,
  runtime: RuntimeOptions,
): Promise<GraphLanguageModel<SoftPrompt>> {
  checkBuckets(weights.name, text);
  const own = weights.at("language_model");
  const table = own.at(own.has("lm_head.weight") ? "lm_head" : "shared"); // tied unless stored
  const buckets = [...distanceBuckets(text.buckets, text.maxDistance)];
  const session = await Session.load(t5Loop(own, table, text, buckets), runtime);
  const { vocabulary, eos } = text;
  const loop = new GenerationGraph({ name: weights.name, vocabulary, endTokens: eos, session });
  const reader = await loadSourceReader(own, config, text, runtime);
  const start = await reader.embed([text.decoderStart]);

  return {
    endTokens: text.eos,
    see: (softPrompts) => Promise.resolve(softPromptsOf(softPrompts)),
    refuse: () => null, // distances have a last bucket, not a last position: no prompt is too long
    answer: async (prompts, options) => {
      const source = await reader.read(prompts);
      const feeds = {
        ...source,
        embeddings: float32Tensor(repeated(start, prompts.length), [prompts.length, 1, text.width]),
        mask: loopMask({ sequences: prompts.length, seen: 0, unseen: 1, tokens: 1 }),
        rows: int64Tensor(new Array<number>(prompts.length).fill(0), [prompts.length, 1]),
      };
      const texts = prompts.map(() => [text.decoderStart]);
      return loop.generate({ feeds, texts }, options).finally(() => {
        freeOnDevice(source);
      });
    },
    release: async () => {
      await reader.release();
      await loop.release();
    },
  };
}

function repeated(numbers: Float32Array, times: number): Float32Array {
  const all = new Float32Array(numbers.length * times);
  for (let index = 0; index < times; index += 1) all.set(numbers, index * numbers.length);
  return all;
}
