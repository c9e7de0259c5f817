/**
 * config.json → Blip2Config. A file on the hub lists only what differs from transformers' class defaults, so the defaults
 * here are those of transformers 5.12.1: configuration_blip_2.py:49-59, 86-102 and 155-159. A value that no network here implements is refused, never approximated.
 */
import * as z from "zod";
import type { Blip2Config, QFormerConfig, TextConfig, VisionConfig } from "./config.ts";
import { checkDivides, count, fillerId, tokenId } from "./config-values.ts";
import { check, jsonFile, refuse, subsection } from "./json-section.ts";
import type { JsonSection } from "./json-section.ts";
import { readText } from "./text-config-file.ts";

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
  hidden_act: z.enum(["gelu", "quick_gelu"]).default("gelu"),
  layer_norm_eps: z.number().positive().default(1e-6),
  qkv_bias: z.boolean().default(true),
  // Of our own, for CLIP's image encoder, of which transformers' BLIP-2 has no network.
  patch_bias: z.boolean().default(true),
  use_pre_layernorm: z.boolean().default(false),
});

/** What vision_config says of CLIP's image encoder, and not of EVA's. */
export const clipVisionKeys = {
  hidden_act: "quick_gelu",
  layer_norm_eps: 1e-5,
  patch_bias: false,
  use_pre_layernorm: true,
} as const;

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
  use_text_generation_head: z.boolean().default(false), // of our own: transformers has no such head
  pad_token_id: fillerId(0),
  position_embedding_type: z.literal("absolute").default("absolute"), // files of transformers 4 have it
});

const topSchema = z.object({
  model_type: z.literal("blip-2"),
  architectures: z
    .tuple(
      [z.enum(["Blip2ForConditionalGeneration", "Blip2ForImageTextRetrieval"])],
      'expected a list of one class, such as ["Blip2ForConditionalGeneration"]',
    )
    .nullish(),
  num_query_tokens: count.default(32),
  image_text_hidden_size: count.default(256),
  image_token_index: tokenId.nullish(),
  image_token_id: tokenId.nullish(),
  use_decoder_only_language_model: z.boolean().nullish(),
});

/** `content`: the text of config.json; `file` names it in errors. */
export function readBlip2Config(content: string, file: string): Blip2Config {
  const root = jsonFile(content, file);
  const top = check(topSchema, root);
  const vision = readVision(subsection(root, "vision_config"));
  const qFormerSection = subsection(root, "qformer_config");
  const qFormer = readQFormer(qFormerSection, { vision: vision.hidden, queries: top.num_query_tokens });
  const imageToken = top.image_token_id ?? top.image_token_index ?? null; // where they differ, image_token_id wins

  // A file without a class is told by its Q-Former, which reads text in a retrieval checkpoint only.
  const isRetrieval = top.architectures?.[0] === "Blip2ForImageTextRetrieval";
  if (isRetrieval || ((top.architectures ?? null) === null && qFormer.textInput)) {
    if (!qFormer.textInput) refuse(qFormerSection, "use_qformer_text_input", "true in a retrieval checkpoint");
    const imageTextHidden = top.image_text_hidden_size;
    return freeze({ kind: "retrieval", vision, qFormer, text: null, imageToken, imageTextHidden });
  }
  if (qFormer.textInput) refuse(qFormerSection, "use_qformer_text_input", "false in a generation checkpoint");
  if (imageToken === null)
    refuse(root, "image_token_index", "the id of <image>; take a newer revision of the checkpoint");
  const text = readText(subsection(root, "text_config"));
  checkFamily(root, { text, isDecoderOnly: top.use_decoder_only_language_model });
  return freeze({ kind: "generation", vision, qFormer, text, imageToken });
}

/** Files say twice whether the language model has an encoder; transformers refuses one that says both. */
function checkFamily(
  root: JsonSection,
  { text, isDecoderOnly }: { readonly text: TextConfig; readonly isDecoderOnly: boolean | null | undefined },
): void {
  const expected = text.family === "opt";
  if ((isDecoderOnly ?? expected) === expected) return;
  refuse(root, "use_decoder_only_language_model", `${expected}, for text_config is that of ${text.family}`);
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
    // Files of early 2023 carry the 1e-5 that was then the class default; EVA's weights were trained with 1e-6, CLIP's with 1e-5.
    epsilon: file.layer_norm_eps === 1e-5 && !file.use_pre_layernorm ? 1e-6 : file.layer_norm_eps,
    qkvBias: file.qkv_bias,
    patchBias: file.patch_bias,
    preLayerNorm: file.use_pre_layernorm,
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
    textHead: file.use_text_generation_head,
  };
}

function square(section: JsonSection, key: string, value: number | readonly [number, number]): number {
  if (typeof value === "number") return value;
  if (value[0] !== value[1]) refuse(section, key, "a square");
  return value[0];
}

function freeze(config: Blip2Config): Blip2Config {
  for (const part of [config.vision, config.qFormer, config.text, config.text?.eos]) Object.freeze(part);
  return Object.freeze(config);
}
