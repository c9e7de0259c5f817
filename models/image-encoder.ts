/**
 * Everything BLIP-2 does before its language model: pixels → image tokens → query tokens → soft prompt, figure 3.
 *
 *   pixels [images, 3, 224, 224] → image tokens [images, 257, 1408] → query tokens [images, 32, 768] → [images, 32, width]
 */
import type { Tensor } from "onnxruntime-node";
import type { Blip2Config } from "./checkpoint/config.ts";
import { languageProjection } from "./networks/language-projection.ts";
import { qFormer } from "./networks/q-former.ts";
import { visionTransformer } from "./networks/vision-transformer.ts";
import { float32Tensor, Session } from "./runtime.ts";
import type { RuntimeOptions } from "./runtime.ts";
import type { StageClock } from "./stage-clock.ts";
import type { Weights } from "./checkpoint/weights.ts";

export interface ImageEncoder {
  /** One Float32Array [3, height, width] an image → soft prompts [images, queries, width] */
  readonly encode: (pixels: readonly Float32Array[], clock: StageClock) => Promise<Tensor>;
  readonly release: () => Promise<void>;
}

/** `width`: of the language model's layers. */
export async function loadImageEncoder(
  weights: Weights,
  config: Blip2Config,
  width: number,
  runtime: RuntimeOptions,
): Promise<ImageEncoder> {
  const vision = await Session.load(visionTransformer(weights.at("vision_model"), config.vision), runtime);
  const queries = await Session.load(qFormer(weights, config.qFormer), runtime);
  const projectionGraph = languageProjection(weights.at("language_projection"), config.qFormer, width);
  const projection = await Session.load(projectionGraph, runtime);
  const { channels, imageSize } = config.vision;

  return {
    encode: async (images, clock) => {
      const pixels = float32Tensor(joined(images), [images.length, channels, imageSize, imageSize]);
      const { image_tokens } = await clock.time("vision", () => vision.run({ pixels }, ["image_tokens"]));
      const { query_output } = await clock.time("qFormer", () => queries.run({ image_tokens }, ["query_output"]));
      const { soft_prompt } = await clock.time("projection", () => projection.run({ query_output }, ["soft_prompt"]));
      return soft_prompt;
    },
    release: async () => {
      for (const graph of [vision, queries, projection]) await graph.release();
    },
  };
}

function joined(images: readonly Float32Array[]): Float32Array {
  const [first = new Float32Array(0)] = images;
  if (images.length === 1) return first;
  const all = new Float32Array(first.length * images.length);
  for (const [index, image] of images.entries()) all.set(image, index * first.length);
  return all;
}
