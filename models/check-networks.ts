/**
 * Whether a checkpoint's tensors are those that its networks read, by name and shape: each network is described as it is
 * when the checkpoint is loaded, but none is run, and no weight is read.
 */
import type { Blip2Config } from "./checkpoint/config.ts";
import type { TensorEntry } from "./checkpoint/safetensors.ts";
import { checkAllUsed } from "./checkpoint/unused-tensors.ts";
import { Weights } from "./checkpoint/weights.ts";
import { languageHead } from "./networks/language-head.ts";
import { languageProjection } from "./networks/language-projection.ts";
import { optDecoder, optEmbedding } from "./networks/opt.ts";
import { qFormerMatching, qFormerText } from "./networks/q-former-text.ts";
import { qFormer } from "./networks/q-former.ts";
import { imageEmbedding } from "./networks/retrieval-heads.ts";
import { t5CrossAttention, t5Decoder, t5Embedding, t5Encoder } from "./networks/t5.ts";
import { visionTransformer } from "./networks/vision-transformer.ts";

/**
 * `tensors`: by canonical name, all as if they were F32. Throws a CheckpointError for one that is missing, has another
 * shape than the config says, or that no network reads and that is not known to be unneeded.
 */
export function checkNetworks(
  checkpoint: string,
  tensors: ReadonlyMap<string, TensorEntry>,
  config: Blip2Config,
): void {
  const weights = Weights.of(checkpoint, tensors);
  visionTransformer(weights.at("vision_model"), config.vision);
  qFormer(weights, config.qFormer);
  if (config.kind === "retrieval") {
    imageEmbedding(weights.at("vision_projection"), config);
    qFormerText(weights, config);
    qFormerMatching(weights, config.qFormer);
  } else {
    const { text } = config;
    const width = text.family === "opt" ? text.hidden : text.width;
    languageProjection(weights.at("language_projection"), config.qFormer, width);
    const language = weights.at("language_model");
    const ownHead = language.at("lm_head");
    if (text.family === "opt") {
      const decoder = language.at("model.decoder");
      optEmbedding(decoder, text);
      optDecoder(decoder, text);
      const size = { vocabulary: text.vocabulary, width: text.wordWidth };
      languageHead(ownHead.has("weight") ? ownHead : decoder.at("embed_tokens"), size);
    } else {
      for (const network of [t5Embedding, t5Encoder, t5CrossAttention, t5Decoder]) network(language, text);
      const size = { vocabulary: text.vocabulary, width: text.width };
      languageHead(ownHead.has("weight") ? ownHead : language.at("shared"), size);
    }
  }
  checkAllUsed(weights, config);
}
