/** From a checkpoint to a model that ranks: the counterpart of load-blip2.ts for checkpoints of the first stage. */
import path from "node:path";
import { Blip2Retrieval } from "./blip2-retrieval.ts";
import type { RetrievalSessions } from "./blip2-retrieval.ts";
import type { Checkpoint } from "./checkpoint/checkpoint.ts";
import type { RetrievalConfig } from "./checkpoint/config.ts";
import { prepareWeights } from "./checkpoint/quantized-weights.ts";
import { featureBytes } from "./features/feature-file.ts";
import { featureShape } from "./features/image-tokens.ts";
import { loadImageTokens } from "./features/load-image-tokens.ts";
import { ImageTokenStore } from "./image-token-store.ts";
import { readPixelSettings } from "./image/read-pixel-settings.ts";
import type { LoadOptions } from "./load-blip2.ts";
import { CheckpointError } from "./model.ts";
import type { ImageTextScorer } from "./model.ts";
import { noNumbersReason } from "./no-numbers.ts";
import { imageKeyNames, qFormerImageKeys, qFormerMatching, qFormerText } from "./networks/q-former-text.ts";
import { qFormer } from "./networks/q-former.ts";
import { imageEmbedding, similarity } from "./networks/retrieval-heads.ts";
import { Session } from "./runtime.ts";
import { TextLikelihoods } from "./text-likelihoods.ts";
import { beginOfText, noTextHead } from "./text/begin-of-text.ts";
import type { RuntimeOptions } from "./runtime.ts";
import { rankInSmallerBatches } from "./smaller-batches.ts";
import { loadTokenizer } from "./text/tokenizer.ts";
import { checkAllUsed } from "./checkpoint/unused-tensors.ts";
import type { Weights } from "./checkpoint/weights.ts";

export interface RetrievalLoadOptions extends LoadOptions {
  /** Bytes that image tokens may take on disk between embedding and matching; unset: half of what is free. */
  readonly imageTokenBytes?: number;
  /** That share of what is free, where several processes have tokens on disk. */
  readonly imageTokenShare?: number;
}

export async function loadRetrievalCheckpoint(
  checkpoint: Checkpoint,
  options: RetrievalLoadOptions,
): Promise<ImageTextScorer> {
  const { config, folder, name } = checkpoint;
  if (config.kind !== "retrieval") {
    throw new CheckpointError(
      `${name}: a checkpoint that generates text, which ranks no images. Retrieval needs one such as Salesforce/blip2-itm-vit-g.`,
    );
  }
  const onNote = (message: string): void => options.onPreparation?.({ kind: "note", message });
  checkpoint.notes.forEach(onNote);
  const pixels = await readPixelSettings(checkpoint, onNote);
  const tokenizer = await loadTokenizer(folder, config, onNote);
  const weights = await prepareWeights(checkpoint, options);
  const images = await loadImageTokens(checkpoint, { weights, pixels }, options);
  const sessions = await loadRetrievalSessions(weights, config, options);
  checkAllUsed(weights, config);
  const byteLength = featureBytes(featureShape(config.vision));
  const limitBytes = options.imageTokenBytes ?? null;
  const store = new ImageTokenStore(path.join(options.cacheFolder, "image-tokens"), {
    byteLength,
    limitBytes,
    ...(options.imageTokenShare !== undefined && { freeShare: options.imageTokenShare }),
  });
  const weightsBytes = weights.readBytes;
  const scorer = new Blip2Retrieval({
    name,
    weightsBytes,
    config,
    sessions,
    tokenizer,
    images,
    store,
    noNumbersReason: noNumbersReason(checkpoint, options.precision),
    loadLikelihoods: async () => {
      if (!config.qFormer.textHead) throw noTextHead(name);
      const begin = beginOfText(name, tokenizer);
      return TextLikelihoods.load(weights, { config: config.qFormer, begin }, options);
    },
  });
  return options.device === undefined || options.device.provider === "cpu" ? scorer : rankInSmallerBatches(scorer);
}

/** `weights` is the whole checkpoint's. */
export async function loadRetrievalSessions(
  weights: Weights,
  config: RetrievalConfig,
  options: RuntimeOptions,
): Promise<RetrievalSessions> {
  const keys = imageKeyNames(config.qFormer);
  return {
    qFormer: await Session.load(qFormer(weights, config.qFormer), options, { onDevice: ["query_output"] }),
    imageEmbedding: await Session.load(imageEmbedding(weights.at("vision_projection"), config), options),
    text: await Session.load(qFormerText(weights, config), options),
    similarity: await Session.load(similarity(config), options),
    imageKeys: await Session.load(qFormerImageKeys(weights, config.qFormer), options, { onDevice: keys }),
    matching: await Session.load(qFormerMatching(weights, config.qFormer), options),
  };
}
