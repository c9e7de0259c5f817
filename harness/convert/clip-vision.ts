/** CLIP's ViT-L/14 as the image encoder of BLIP-2: what config.json says of it, and what its users should know. */
import { clipVisionKeys } from "../../models/checkpoint/config-file.ts";
import { imageSizeOf } from "./config-json.ts";
import type { Json } from "./config-json.ts";
import type { SourceTensor } from "./sources.ts";

/** As LAVIS builds it (clip_vit.py, create_clip_vit_L): 23 of CLIP's 24 blocks; norms have the epsilon of torch. */
const VIT_L: Json = {
  model_type: "blip_2_vision_model",
  num_hidden_layers: 23,
  num_attention_heads: 16,
  qkv_bias: true,
  ...clipVisionKeys,
};

export const CLIP_NOTE =
  "The image encoder is CLIP's ViT-L/14. `patch_bias` and `use_pre_layernorm` in vision_config of config.json, and the tensors " +
  "`vision_model.pre_layernorm.*`, are blip2-bench's own: transformers 5.12.1 has no such image encoder for BLIP-2. It loads the " +
  "rest with a warning and gives WRONG features; so does every tool that uses its Blip2 classes (lmms-eval, VLMEvalKit).";

/** vision_config of an image encoder that files of PyTorch give; null: it is none of CLIP's, and a checkpoint's config fits. */
export function clipVisionConfig(tensors: ReadonlyMap<string, SourceTensor>): Json | null {
  if (!tensors.has("vision_model.pre_layernorm.weight")) return null;
  const [hidden] = tensors.get("vision_model.embeddings.class_embedding")?.shape.slice(-1) ?? [];
  const [mlp] = tensors.get("vision_model.encoder.layers.0.mlp.fc1.weight")?.shape ?? [];
  return { ...VIT_L, hidden_size: hidden, intermediate_size: mlp, ...imageSizeOf(tensors) };
}
