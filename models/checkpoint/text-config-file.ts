/**
 * text_config in config.json → the language model's sizes and choices, with the defaults of transformers 5.12.1:
 * configuration_opt.py:54-74, configuration_t5.py:44-62.
 */
import * as z from "zod";
import type { OptConfig, T5Config, TextConfig } from "./config.ts";
import { checkDivides, count, endIds, fillerId, tokenId } from "./config-values.ts";
import { check, refuse } from "./json-section.ts";
import type { JsonSection } from "./json-section.ts";

const optSchema = z.object({
  vocab_size: count.default(50272),
  hidden_size: count.default(768),
  num_hidden_layers: count.default(12),
  ffn_dim: count.default(3072),
  max_position_embeddings: count.default(2048),
  do_layer_norm_before: z.boolean().default(true),
  _remove_final_layer_norm: z.boolean().default(false),
  word_embed_proj_dim: count.nullish(),
  num_attention_heads: count.default(12),
  activation_function: z.enum(["relu", "gelu"]).default("relu"),
  pad_token_id: fillerId(1),
  bos_token_id: tokenId.nullable().default(2),
  eos_token_id: endIds.default([2]),
  enable_bias: z.boolean().default(true),
  layer_norm_elementwise_affine: z.boolean().default(true),
  tie_word_embeddings: z.boolean().default(true),
});

const t5Schema = z.object({
  vocab_size: count.default(32128),
  d_model: count.default(512),
  d_kv: count.default(64),
  d_ff: count.default(2048),
  num_layers: count.default(6),
  num_decoder_layers: count.nullish(),
  num_heads: count.default(8),
  relative_attention_num_buckets: count.default(32),
  relative_attention_max_distance: count.default(128),
  layer_norm_epsilon: z.number().positive().default(1e-6),
  feed_forward_proj: z.string().default("relu"),
  dense_act_fn: z.string().nullish(),
  is_gated_act: z.boolean().nullish(),
  pad_token_id: fillerId(0),
  eos_token_id: endIds.default([1]),
  bos_token_id: tokenId.nullish(),
  decoder_start_token_id: tokenId.nullish(),
  // T5 1.0 ties them, and scales the decoder's output by width^-0.5; 1.1 and Flan-T5 do neither
  tie_word_embeddings: z.boolean().default(false),
  scale_decoder_outputs: z.boolean().nullish(), // files of transformers 5 say it apart from the tying
});

export function readText(section: JsonSection): TextConfig {
  const { model_type: family } = check(z.object({ model_type: z.enum(["opt", "t5"]).default("opt") }), section);
  return family === "opt" ? readOpt(section) : readT5(section);
}

function readOpt(section: JsonSection): OptConfig {
  const file = check(optSchema, section);
  checkDivides(section, "num_attention_heads", file.hidden_size, file.num_attention_heads);
  return {
    family: "opt",
    hidden: file.hidden_size,
    wordWidth: file.word_embed_proj_dim ?? file.hidden_size,
    layers: file.num_hidden_layers,
    heads: file.num_attention_heads,
    mlp: file.ffn_dim,
    vocabulary: file.vocab_size,
    maxPositions: file.max_position_embeddings,
    activation: file.activation_function,
    normBefore: file.do_layer_norm_before,
    finalNorm: file.do_layer_norm_before && !file._remove_final_layer_norm, // modeling_opt.py:305
    normAffine: file.layer_norm_elementwise_affine,
    bias: file.enable_bias,
    tieEmbeddings: file.tie_word_embeddings,
    bos: file.bos_token_id,
    pad: file.pad_token_id,
    eos: file.eos_token_id,
  };
}

function readT5(section: JsonSection): T5Config {
  const file = check(t5Schema, section);
  const { tie_word_embeddings: areTied, scale_decoder_outputs: isScaled } = file;
  if (isScaled === true) refuse(section, "scale_decoder_outputs", "false");
  if (areTied && isScaled !== false) {
    refuse(section, "tie_word_embeddings", 'false, or "scale_decoder_outputs": false beside it');
  }
  // "gated-gelu" → gated, gelu; a dense_act_fn in the file wins, and gated-gelu alone means the tanh form.
  const parts = file.feed_forward_proj.split("-");
  const derived = file.feed_forward_proj === "gated-gelu" ? "gelu_new" : parts.at(-1);
  const activation = z.enum(["relu", "gelu", "gelu_new"]).safeParse(file.dense_act_fn ?? derived);
  if (!activation.success) {
    refuse(
      section,
      typeof file.dense_act_fn !== "string" ? "feed_forward_proj" : "dense_act_fn",
      "relu, gelu or gelu_new, gated or not",
    );
  }
  // as generation/utils.py:2013 has it
  const decoderStart = file.decoder_start_token_id ?? file.bos_token_id ?? null;
  if (decoderStart === null) refuse(section, "decoder_start_token_id", "a token id, or a bos_token_id in its place");
  return {
    family: "t5",
    width: file.d_model,
    keyWidth: file.d_kv,
    mlp: file.d_ff,
    encoderLayers: file.num_layers,
    decoderLayers: file.num_decoder_layers ?? file.num_layers,
    heads: file.num_heads,
    vocabulary: file.vocab_size,
    buckets: file.relative_attention_num_buckets,
    maxDistance: file.relative_attention_max_distance,
    epsilon: file.layer_norm_epsilon,
    activation: activation.data,
    gated: file.is_gated_act ?? parts[0] === "gated",
    bos: file.bos_token_id ?? file.eos_token_id[0] ?? null, // the lone token of no text; T5 has no other that could begin one
    pad: file.pad_token_id,
    eos: file.eos_token_id,
    decoderStart,
  };
}
