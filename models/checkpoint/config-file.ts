/**
 * config.json → Blip2Config. A file on the hub lists only what differs from transformers' class defaults, so the defaults
 * here are those of transformers 5.12.1: configuration_blip_2.py:49-59, 86-102 and 155-159,
 * configuration_opt.py:54-74, configuration_t5.py:44-62. A value that no network here implements is refused, never approximated.
 */
import * as z from "zod";
import type { Blip2Config, OptConfig, QFormerConfig, T5Config, TextConfig, VisionConfig } from "./config.ts";
import { check, jsonFile, refuse, subsection } from "./json-section.ts";
import type { JsonSection } from "./json-section.ts";

const count = z.int().positive();
const tokenId = z.int().nonnegative();
const endIds = z.union(
  [tokenId.transform((id) => [id]), z.array(tokenId).nonempty()],
  "expected a token id or a list of them",
);
/** A side of a square, or [height, width]. */
const side = z.union([count, z.tuple([count, count])], "expected a positive whole number");

const visionSchema = z.object({
  hidden_size: count.default(1408),
  intermediate_size: count.default(6144),
  num_hidden_layers: count.default(39),
  num_attention_heads: count.default(16),
  num_channels: z.literal(3).default(3), // the patch embedding is built with 3 channels whatever the file says
  image_size: side.default(224),
  patch_size: side.default(14),
  hidden_act: z.literal("gelu").default("gelu"),
  layer_norm_eps: z.number().positive().default(1e-6),
  qkv_bias: z.boolean().default(true),
});

const qFormerSchema = z.object({
  vocab_size: count.default(30522),
  hidden_size: count.default(768),
  num_hidden_layers: count.default(12),
  num_attention_heads: count.default(12),
  intermediate_size: count.default(3072),
  hidden_act: z.literal("gelu").default("gelu"),
  max_position_embeddings: count.default(512),
  layer_norm_eps: z.number().positive().default(1e-12),
  cross_attention_frequency: count.default(2),
  use_qformer_text_input: z.boolean().default(false),
  pad_token_id: tokenId.default(0),
  position_embedding_type: z.literal("absolute").default("absolute"), // files of transformers 4 have it
});

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
  pad_token_id: tokenId.default(1),
  bos_token_id: tokenId.default(2),
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
  pad_token_id: tokenId.default(0),
  eos_token_id: endIds.default([1]),
  bos_token_id: tokenId.nullish(),
  decoder_start_token_id: tokenId, // without it `generate` would begin with another token than T5 was trained to
  // T5 1.0 ties them, and scales the decoder's output by width^-0.5; 1.1 and Flan-T5 do neither
  tie_word_embeddings: z.boolean().default(false),
  scale_decoder_outputs: z.boolean().nullish(), // files of transformers 5 say it apart from the tying
});

const topSchema = z.object({
  model_type: z.literal("blip-2"),
  architectures: z.tuple([z.enum(["Blip2ForConditionalGeneration", "Blip2ForImageTextRetrieval"])]),
  num_query_tokens: count.default(32),
  image_text_hidden_size: count.default(256),
  image_token_index: tokenId.nullish(),
  image_token_id: tokenId.nullish(),
});

/** `content`: the text of config.json; `file` names it in errors. */
export function readBlip2Config(content: string, file: string): Blip2Config {
  const root = jsonFile(content, file);
  const top = check(topSchema, root);
  const vision = readVision(subsection(root, "vision_config"));
  const qFormerSection = subsection(root, "qformer_config");
  const qFormer = readQFormer(qFormerSection, { vision: vision.hidden, queries: top.num_query_tokens });
  const imageToken = top.image_token_index ?? top.image_token_id ?? null;

  if (top.architectures[0] === "Blip2ForImageTextRetrieval") {
    if (!qFormer.textInput) refuse(qFormerSection, "use_qformer_text_input", "true in a retrieval checkpoint");
    const imageTextHidden = top.image_text_hidden_size;
    return freeze({ kind: "retrieval", vision, qFormer, text: null, imageToken, imageTextHidden });
  }
  if (qFormer.textInput) refuse(qFormerSection, "use_qformer_text_input", "false in a generation checkpoint");
  if (imageToken === null)
    refuse(root, "image_token_index", "the id of <image>; take a newer revision of the checkpoint");
  return freeze({ kind: "generation", vision, qFormer, text: readText(subsection(root, "text_config")), imageToken });
}

function readVision(section: JsonSection): VisionConfig {
  const file = check(visionSchema, section);
  const vision: VisionConfig = {
    hidden: file.hidden_size,
    layers: file.num_hidden_layers,
    heads: file.num_attention_heads,
    mlp: file.intermediate_size,
    imageSize: square(section, "image_size", file.image_size),
    patch: square(section, "patch_size", file.patch_size),
    channels: file.num_channels,
    // Files of early 2023 carry the 1e-5 that was then the class default; the weights were trained with 1e-6.
    epsilon: file.layer_norm_eps === 1e-5 ? 1e-6 : file.layer_norm_eps,
    qkvBias: file.qkv_bias,
    activation: file.hidden_act,
  };
  checkDivides(section, "num_attention_heads", vision.hidden, vision.heads);
  if (vision.imageSize % vision.patch !== 0) refuse(section, "image_size", `a multiple of patch_size ${vision.patch}`);
  return vision;
}

function readQFormer(section: JsonSection, { vision, queries }: { vision: number; queries: number }): QFormerConfig {
  const file = check(qFormerSchema, section);
  checkDivides(section, "num_attention_heads", file.hidden_size, file.num_attention_heads);
  return {
    queries,
    hidden: file.hidden_size,
    layers: file.num_hidden_layers,
    heads: file.num_attention_heads,
    mlp: file.intermediate_size,
    vision, // encoder_hidden_size is set from it (configuration_blip_2.py:181)
    crossAttentionEvery: file.cross_attention_frequency,
    epsilon: file.layer_norm_eps,
    maxPositions: file.max_position_embeddings,
    vocabulary: file.vocab_size,
    pad: file.pad_token_id,
    textInput: file.use_qformer_text_input,
  };
}

function readText(section: JsonSection): TextConfig {
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
    bos: file.bos_token_id ?? file.eos_token_id[0] ?? 1, // the lone token of no text; T5 has no other that could begin one
    pad: file.pad_token_id,
    eos: file.eos_token_id,
    decoderStart: file.decoder_start_token_id,
  };
}

function square(section: JsonSection, key: string, value: number | readonly [number, number]): number {
  if (typeof value === "number") return value;
  if (value[0] !== value[1]) refuse(section, key, "a square");
  return value[0];
}

function checkDivides(section: JsonSection, key: string, hidden: number, heads: number): void {
  if (hidden % heads !== 0) refuse(section, key, `a divisor of the width ${hidden}`);
}

function freeze(config: Blip2Config): Blip2Config {
  for (const part of [config.vision, config.qFormer, config.text, config.text?.eos]) Object.freeze(part);
  return Object.freeze(config);
}
