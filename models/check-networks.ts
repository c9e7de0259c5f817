/**
 * Whether a checkpoint's tensors are those that its networks read, by name and shape: each network is described as it is
 * when the checkpoint is loaded, but none is run, and no weight is read.
 */
import type { Blip2Config } from "./checkpoint/config.ts";
import { checkAllUsed } from "./checkpoint/unused-tensors.ts";
import type { Weights } from "./checkpoint/weights.ts";
import { languageHead } from "./networks/language-head.ts";
import { languageProjection } from "./networks/language-projection.ts";
import { optDecoder, optEmbedding } from "./networks/opt.ts";
import { qFormerMatching, qFormerText } from "./networks/q-former-text.ts";
import { TEXT_HEAD_PATH, writerDecoder } from "./networks/q-former-writer.ts";
import { qFormer } from "./networks/q-former.ts";
import { imageEmbedding } from "./networks/retrieval-heads.ts";
import { t5CrossAttention, t5Decoder, t5Embedding, t5Encoder } from "./networks/t5.ts";
import { visionTransformer } from "./networks/vision-transformer.ts";

/**
 * `weights` is the whole checkpoint's. Throws a CheckpointError for a tensor that is missing, has another shape than the
 * config says, or that no network reads and that is not known to be unneeded.
 */
export function checkNetworks(weights: Weights, config: Blip2Config): void {
  visionTransformer(weights.at("vision_model"), config.vision);
  qFormer(weights, config.qFormer);
  if (config.kind === "retrieval") {
    imageEmbedding(weights.at("vision_projection"), config);
    qFormerText(weights, config);
    qFormerMatching(weights, config.qFormer);
    if (config.qFormer.textHead) {
      const { vocabulary, hidden } = config.qFormer;
      writerDecoder(weights, config.qFormer);
      weights.tensor(`${TEXT_HEAD_PATH}.decoder.bias`, [vocabulary]);
      weights.tensor("embeddings.word_embeddings.weight", [vocabulary, hidden]);
    }
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
