/**
 * OPT behind a soft prompt, generating in one run of one graph. As in opt-language-model.ts the keys and values of an
 * image's queries are computed once, here by a single round of the same graph.
 */
import type { GenerationConfig, OptConfig } from "../checkpoint/config.ts";
import type { Weights } from "../checkpoint/weights.ts";
import { optEmbedding } from "../networks/opt.ts";
import { optLoop } from "../networks/opt-loop.ts";
import { float32Tensor, floats, int64Tensor, Session } from "../runtime.ts";
import type { RuntimeOptions } from "../runtime.ts";
import { GenerationGraph } from "./graph-generation.ts";
import type { GraphLanguageModel } from "./language-model.ts";
import { filledUp, imagePrefixes, prefixFeeds } from "./image-prefixes.ts";
import type { ImagePrefix } from "./image-prefixes.ts";
import { loopMask } from "./mask.ts";
import { checkWordWidth, followedBy, refuseLongPrompt, toWordWidth } from "./opt-language-model.ts";

/** `weights` is the whole checkpoint's. */
export async function loadGraphOpt(
  weights: Weights,
  config: GenerationConfig,
  text: OptConfig,
  runtime: RuntimeOptions,
): Promise<GraphLanguageModel<ImagePrefix>> {
  checkWordWidth(weights.name, text);
  const decoder = weights.at("language_model.model.decoder");
  const ownHead = weights.at("language_model.lm_head");
  const table = ownHead.has("weight") ? ownHead : decoder.at("embed_tokens"); // tied unless stored
  const session = await Session.load(optLoop(decoder, table, text), runtime);
  const { vocabulary, eos } = text;
  const loop = new GenerationGraph({ name: weights.name, vocabulary, endTokens: eos, session });
  const embedding = await Session.load(optEmbedding(decoder, text), runtime);
  const { queries } = config.qFormer;
  const type = weights.activations("language");
  const shape = { type, layers: text.layers, heads: text.heads, head: text.hidden / text.heads };
  const embed = async (tokens: readonly number[]): Promise<Float32Array> =>
    floats((await embedding.run({ tokens: int64Tensor(tokens, [tokens.length]) }, ["embeddings"])).embeddings);

  return {
    endTokens: eos,
    see: async (softPrompts, common = []) => {
      const queryEmbeddings = toWordWidth(softPrompts, text.wordWidth);
      const words = common.length === 0 ? new Float32Array(0) : await embed(common);
      return imagePrefixes(loop, shape, followedBy(queryEmbeddings, words));
    },
    refuse: refuseLongPrompt(queries, text),
    answer: async (prompts, options) => {
      const prefix = prompts[0]!.seen.length; // the same for all: queries and what all prompts begin with
      const own = prompts.map(({ tokens }) => tokens.slice(prefix - queries));
      const longest = Math.max(...own.map(({ length }) => length));
      const words = await embed(own.flatMap((tokens) => filledUp(tokens, longest)));
      const places = own.map((tokens) => filledUp([...tokens.keys()], longest).map((place) => prefix + place));
      const lasts = own.map((tokens) => tokens.length - 1);
      const feeds = {
        ...prefixFeeds(
          prompts.map(({ seen }) => seen),
          shape,
        ),
        embeddings: float32Tensor(words, [prompts.length, longest, text.wordWidth]),
        mask: loopMask({ sequences: prompts.length, seen: prefix, unseen: 1, tokens: longest }),
        positions: int64Tensor(places.flat(), [prompts.length, longest]),
        rows: int64Tensor(lasts, [prompts.length, 1]),
      };
      const image = new Array<number>(queries).fill(config.imageToken);
      return loop.generate({ feeds, texts: prompts.map(({ tokens }) => [...image, ...tokens]) }, options);
    },
    release: async () => {
      await embedding.release();
      await loop.release();
    },
  };
}
