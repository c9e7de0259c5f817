/** Configs as the hub has them, and changes to them. */
import { readBlip2Config } from "../../models/checkpoint/config-file.ts";
import type { Blip2Config } from "../../models/checkpoint/config.ts";

export type Json = Readonly<Record<string, unknown>>;

/** As blip2-opt-2.7b's: only what differs from the class defaults. */
export const optFile = {
  architectures: ["Blip2ForConditionalGeneration"],
  image_token_index: 50265,
  model_type: "blip-2",
  qformer_config: { model_type: "blip_2_qformer" },
  text_config: {
    model_type: "opt",
    eos_token_id: 50118,
    ffn_dim: 10240,
    hidden_size: 2560,
    num_attention_heads: 32,
    num_hidden_layers: 32,
    prefix: "</s>",
    vocab_size: 50304,
    word_embed_proj_dim: 2560,
  },
  vision_config: { dropout: 0.0, model_type: "blip_2_vision_model", num_channels: 3, projection_dim: 512 },
};

/** As blip2-flan-t5-xl's. */
export const t5File = {
  ...optFile,
  image_token_index: 32100,
  text_config: {
    model_type: "t5",
    bos_token_id: 1,
    d_ff: 5120,
    d_model: 2048,
    decoder_start_token_id: 0,
    dense_act_fn: "gelu",
    feed_forward_proj: "gated-gelu",
    num_heads: 32,
    num_layers: 24,
    tie_word_embeddings: false,
  },
};

export const itmFile = {
  architectures: ["Blip2ForImageTextRetrieval"],
  model_type: "blip-2",
  qformer_config: { use_qformer_text_input: true, vocab_size: 30523 },
};

/** The file with changes at any depth; undefined takes a key out. */
export function changed(file: Json, changes: Json): Json {
  const result: Record<string, unknown> = { ...file };
  for (const [key, change] of Object.entries(changes)) {
    const isObject = typeof change === "object" && change !== null && !Array.isArray(change);
    result[key] = isObject ? changed((result[key] ?? {}) as Json, change as Json) : change;
  }
  return result;
}

export const read = (file: Json): Blip2Config => readBlip2Config(JSON.stringify(file), "config.json");
