/** The image encoder of a checkpoint, with what is kept of its features where that is asked for. */
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { fp32Precision } from "../checkpoint/precision.ts";
import type { WeightOptions } from "../checkpoint/quantized-weights.ts";
import type { Weights } from "../checkpoint/weights.ts";
import { cpuDevice } from "../device/device.ts";
import { limitsWith } from "../image/image-processor.ts";
import { PixelThreads } from "../image/pixel-threads.ts";
import type { PixelOptions } from "../image/pixel-threads.ts";
import type { PixelSettings } from "../image/preprocessor-config.ts";
import { visionTransformer } from "../networks/vision-transformer.ts";
import { Session } from "../runtime.ts";
import type { RuntimeOptions } from "../runtime.ts";
import { encoderKey, FEATURES_FORMAT, isBatchInvariant } from "./encoder-key.ts";
import { FeatureCache } from "./feature-cache.ts";
import { featureShape, ImageTokens } from "./image-tokens.ts";

export interface ImageTokensOptions extends RuntimeOptions, WeightOptions, PixelOptions {
  /** Whether image tokens are kept in the cache folder, and read from there; unset: no. */
  readonly keepFeatures?: boolean;
}

interface LoadedParts {
  /** The whole checkpoint's. */
  readonly weights: Weights;
  readonly pixels: PixelSettings;
  /** Image tokens are for a graph on the same device alone, and may stay there; unset: they are not. */
  readonly isFedOn?: boolean;
}

export async function loadImageTokens(
  { name, config }: Pick<Checkpoint, "name" | "config">,
  { weights, pixels, isFedOn = false }: LoadedParts,
  options: ImageTokensOptions,
): Promise<ImageTokens> {
  const {
    cacheFolder,
    device = cpuDevice,
    keepFeatures = false,
    imageThreads = 0,
    maxPixels,
    onPreparation,
    precision = fp32Precision,
  } = options;
  const { vision } = config;
  const graph = visionTransformer(weights.at("vision_model"), vision);
  const session = await Session.load(graph, options, { onDevice: isFedOn && !keepFeatures ? ["image_tokens"] : [] });
  const limits = limitsWith(maxPixels ?? null);
  const threads = imageThreads > 0 ? new PixelThreads(imageThreads, limits) : null;
  if (!keepFeatures) return new ImageTokens({ session, vision, pixels, threads, features: null, limits });

  const used = weights.at("vision_model").used();
  const cache = new FeatureCache({
    cacheFolder,
    key: await encoderKey({ weights: used, graph, pixels, device }, cacheFolder),
    format: FEATURES_FORMAT,
    checkpoint: name,
    precision: precision.vision,
    shape: featureShape(vision),
    onEvent: (event) => onPreparation?.(event),
  });
  const features = { cache, isBatchInvariant: isBatchInvariant(used) };
  return new ImageTokens({ session, vision, pixels, threads, features, limits });
}
