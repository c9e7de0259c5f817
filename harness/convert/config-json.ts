/** config.json of a conversion: that of a checkpoint with the same language model or tokenizer, with what the file decides. */
import path from "node:path";
import { readJsonFile } from "../../models/checkpoint/json-section.ts";
import { CheckpointError } from "../../models/model.ts";
import type { SourceTensor } from "./sources.ts";

/** An object of config.json, or of a file beside it. */
export type Json = Readonly<Record<string, unknown>>;

/** What a file of LAVIS is: the first stage with ITC, ITM and ITG, or the second with a language model. */
export const lavisKinds = ["itm", "opt", "t5"] as const;
export type LavisKind = (typeof lavisKinds)[number];

/** Where no checkpoint says otherwise, transformers' class defaults are those of the published one: ViT-g, BERT base. */
const STAGE_ONE: Json = {
  model_type: "blip-2",
  image_text_hidden_size: 256,
  num_query_tokens: 32,
  qformer_config: { model_type: "blip_2_qformer", vocab_size: 30523 },
  vision_config: { model_type: "blip_2_vision_model" },
};

export async function readConfigJson(folder: string): Promise<Json> {
  const file = path.join(folder, "config.json");
  const section = await readJsonFile(file);
  if (section !== null) return section.value;
  throw new CheckpointError(`${file}: no such file. Is ${folder} a checkpoint, and complete?`);
}

interface ConfigParts {
  readonly kind: LavisKind;
  /** Of the checkpoint that the rest is from; null: none. */
  readonly base: Json | null;
  /** vision_config of what gives the image encoder; null: that of `base`. */
  readonly vision: Json | null;
  /** Of the file of LAVIS. */
  readonly tensors: ReadonlyMap<string, SourceTensor>;
}

export function configOf({ kind, base, vision, tensors }: ConfigParts): Json {
  const usual = base ?? STAGE_ONE;
  const visionConfig = { ...(vision ?? object(usual["vision_config"])), ...imageSizeOf(tensors) };
  const hasHead = tensors.has("qformer.cls.predictions.decoder.bias");
  return {
    ...usual,
    architectures: [kind === "itm" ? "Blip2ForImageTextRetrieval" : "Blip2ForConditionalGeneration"],
    vision_config: visionConfig,
    qformer_config: {
      ...object(usual["qformer_config"]),
      ...widthOf("encoder_hidden_size", tensors.get("qformer.encoder.layer.0.crossattention.attention.key.weight")),
      use_qformer_text_input: kind === "itm",
      ...(kind === "itm" && { use_text_generation_head: hasHead }),
    },
  };
}

/** An image encoder in the file itself was finetuned at a size of its own: 364 for COCO. */
export function imageSizeOf(tensors: ReadonlyMap<string, SourceTensor>): Json {
  const positions = tensors.get("vision_model.embeddings.position_embedding")?.shape[1];
  const patch = tensors.get("vision_model.embeddings.patch_embedding.weight")?.shape[2];
  if (positions === undefined || patch === undefined) return {};
  return { image_size: Math.round(Math.sqrt(positions - 1)) * patch, patch_size: patch };
}

function widthOf(key: string, tensor: SourceTensor | undefined): Json {
  const width = tensor?.shape[1];
  return width === undefined ? {} : { [key]: width };
}

export function object(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
