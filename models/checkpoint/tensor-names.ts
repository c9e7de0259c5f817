/**
 * What older checkpoints call their tensors → the names of transformers 5.12.1, which networks here use. The older ones are
 * those of LAVIS (506965b) and of drafts of its conversion; they also keep the two trained thirds of the vision
 * transformer's qkv bias apart (convert_blip_2_original_to_pytorch.py, read_in_q_v_bias). CLIP's image encoder, which
 * transformers' BLIP-2 lacks, has the names of EVA's, and pre_layernorm (LAVIS, clip_vit.py:114-184).
 */
import { CheckpointError } from "../model.ts";
import type { TensorEntry } from "./safetensors.ts";

/** First match wins; `.` in a pattern's text is literal through the escapes. */
const renamings: readonly (readonly [RegExp, string])[] = [
  [/^visual_encoder\.cls_token$/, "vision_model.embeddings.class_embedding"],
  [/^visual_encoder\.pos_embed$/, "vision_model.embeddings.position_embedding"],
  [/^visual_encoder\.patch_embed\.proj\./, "vision_model.embeddings.patch_embedding."],
  [/^visual_encoder\.blocks\.(\d+)\.norm([12])\./, "vision_model.encoder.layers.$1.layer_norm$2."],
  [/^visual_encoder\.blocks\.(\d+)\.attn\.proj\./, "vision_model.encoder.layers.$1.self_attn.projection."],
  [/^visual_encoder\.blocks\.(\d+)\.attn\./, "vision_model.encoder.layers.$1.self_attn."],
  [/^visual_encoder\.blocks\.(\d+)\.mlp\./, "vision_model.encoder.layers.$1.mlp."],
  [/^visual_encoder\.class_embedding$/, "vision_model.embeddings.class_embedding"],
  [/^visual_encoder\.positional_embedding$/, "vision_model.embeddings.position_embedding"],
  [/^visual_encoder\.conv1\./, "vision_model.embeddings.patch_embedding."],
  [/^visual_encoder\.ln_pre\./, "vision_model.pre_layernorm."],
  [/^visual_encoder\.transformer\.resblocks\.(\d+)\.ln_([12])\./, "vision_model.encoder.layers.$1.layer_norm$2."],
  [/^visual_encoder\.transformer\.resblocks\.(\d+)\.attn\.in_proj_/, "vision_model.encoder.layers.$1.self_attn.qkv."],
  [
    /^visual_encoder\.transformer\.resblocks\.(\d+)\.attn\.out_proj\./,
    "vision_model.encoder.layers.$1.self_attn.projection.",
  ],
  [/^visual_encoder\.transformer\.resblocks\.(\d+)\.mlp\.c_fc\./, "vision_model.encoder.layers.$1.mlp.fc1."],
  [/^visual_encoder\.transformer\.resblocks\.(\d+)\.mlp\.c_proj\./, "vision_model.encoder.layers.$1.mlp.fc2."],
  [/^ln_vision\./, "vision_model.post_layernorm."],
  [/^Qformer\.bert\.embeddings\.LayerNorm\./, "qformer.layernorm."],
  [/^Qformer\.bert\.embeddings\./, "embeddings."],
  [/^Qformer\.bert\.(encoder\.layer\.\d+\.(?:cross)?attention)\.self\./, "qformer.$1.attention."],
  [/^Qformer\.(?:bert\.)?/, "qformer."],
  [/^vision_proj\./, "vision_projection."],
  [/^text_proj\./, "text_projection."],
  [/^(?:opt|t5)_proj\./, "language_projection."],
  [/^(?:opt|t5)_model\./, "language_model."],
];

export function canonicalName(name: string): string {
  for (const [pattern, replacement] of renamings) {
    if (pattern.test(name)) return name.replace(pattern, replacement);
  }
  return name;
}

/** What names are read from: a tensor of a safetensors file, or of a file of PyTorch. */
interface Named {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A tensor made of others laid end to end along their first axis; null is zeros, as many as the part before it has. */
export interface JoinedTensor<Entry = TensorEntry> extends Named {
  readonly parts: readonly (Entry | null)[];
}

export interface NamedTensors<Entry = TensorEntry> {
  /** By canonical name, which is also the entry's. */
  readonly tensors: ReadonlyMap<string, Entry>;
  readonly joined: readonly JoinedTensor<Entry>[];
}

/** `checkpoint` names it in errors. */
export function canonicalTensors<Entry extends Named>(
  checkpoint: string,
  stored: Iterable<Entry>,
): NamedTensors<Entry> {
  const tensors = new Map<string, Entry>();
  const original = new Map<string, string>();
  for (const entry of stored) {
    const name = canonicalName(entry.name);
    const other = original.get(name);
    if (other !== undefined) {
      throw new CheckpointError(
        `${checkpoint}: tensors "${other}" and "${entry.name}" are both "${name}". Remove one.`,
      );
    }
    original.set(name, entry.name);
    tensors.set(name, { ...entry, name });
  }

  const joined: JoinedTensor<Entry>[] = [];
  for (const name of [...tensors.keys()].filter((key) => key.endsWith(".self_attn.q_bias"))) {
    joined.push(joinBias(checkpoint, name.slice(0, -".q_bias".length), tensors));
  }
  return { tensors, joined };
}

/** qkv.bias = [q_bias, zeros, v_bias]: keys have no bias, because it would change no attention weight. */
function joinBias<Entry extends Named>(
  checkpoint: string,
  path: string,
  tensors: Map<string, Entry>,
): JoinedTensor<Entry> {
  const [query, value] = [tensors.get(`${path}.q_bias`), tensors.get(`${path}.v_bias`)];
  if (query === undefined || value === undefined || tensors.has(`${path}.qkv.bias`)) {
    const found = ["q_bias", "v_bias", "qkv.bias"].filter((name) => tensors.has(`${path}.${name}`)).join(" and ");
    throw new CheckpointError(`${checkpoint}: "${path}" has ${found}, expected q_bias and v_bias or qkv.bias alone.`);
  }
  const [length = 0] = query.shape;
  if (query.shape.length !== 1 || value.shape.length !== 1 || value.shape[0] !== length) {
    throw new CheckpointError(
      `${checkpoint}: "${path}" has q_bias of shape [${query.shape.join(", ")}] and v_bias of shape ` +
        `[${value.shape.join(", ")}], expected two vectors of one length.`,
    );
  }
  tensors.delete(query.name);
  tensors.delete(value.name);
  return { name: `${path}.qkv.bias`, shape: [3 * length], parts: [query, null, value] };
}
