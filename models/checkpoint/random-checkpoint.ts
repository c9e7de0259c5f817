/**
 * Checkpoints with random weights, of true shape: what speed and memory are measured on where no real ones can be had.
 * Names, shapes and sharding are those of the Hugging Face files (transformers 5.12.1, modeling_blip_2.py), so that the
 * loader cannot tell; the numbers are normal with deviation 0.02, and the tokenizer is borrowed from a small checkpoint.
 */
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { writeSafetensors } from "./safetensors-writer.ts";

/** Sizes of the three parts, in the words of config.ts. */
export interface RandomShape {
  readonly imageSize: number;
  readonly patch: number;
  readonly vision: { readonly hidden: number; readonly mlp: number; readonly layers: number; readonly heads: number };
  readonly queries: number;
  readonly qFormer: { readonly hidden: number; readonly mlp: number; readonly layers: number; readonly heads: number };
  readonly opt: { readonly hidden: number; readonly mlp: number; readonly layers: number; readonly heads: number };
  readonly vocabulary: number;
  readonly positions: number;
}

const qFormerBase = { hidden: 768, mlp: 3072, layers: 12, heads: 12 };
const official = { imageSize: 224, patch: 14, queries: 32, qFormer: qFormerBase, vocabulary: 50304, positions: 2048 };

export const randomShapes = {
  /** ViT-B/14, Q-Former base, OPT-125M: 0.3 billion weights, 1.2 GB. */
  base: {
    ...official,
    vision: { hidden: 768, mlp: 3072, layers: 12, heads: 12 },
    opt: { hidden: 768, mlp: 3072, layers: 12, heads: 12 },
  },
  /** Salesforce/blip2-opt-2.7b: 3.7 billion weights, 15 GB. */
  "opt-2.7b": {
    ...official,
    vision: { hidden: 1408, mlp: 6144, layers: 39, heads: 16 },
    opt: { hidden: 2560, mlp: 10240, layers: 32, heads: 32 },
  },
} satisfies Record<string, RandomShape>;

export interface RandomCheckpointOptions {
  readonly seed: number;
  /** A checkpoint folder whose tokenizer and image token are taken over; its vocabulary must not be larger. */
  readonly tokenizerFrom: string;
  /** Files hold at most this much, as `save_pretrained(max_shard_size=…)` has it. */
  readonly shardBytes: number;
}

export async function writeRandomCheckpoint(
  folder: string,
  shape: RandomShape,
  options: RandomCheckpointOptions,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const file of ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"]) {
    await copyFile(path.join(options.tokenizerFrom, file), path.join(folder, file));
  }
  const donor = JSON.parse(await readFile(path.join(options.tokenizerFrom, "config.json"), "utf8")) as DonorConfig;
  const processor = JSON.parse(
    await readFile(path.join(options.tokenizerFrom, "preprocessor_config.json"), "utf8"),
  ) as object;
  const size = { height: shape.imageSize, width: shape.imageSize };
  await writeJson(path.join(folder, "config.json"), configJson(shape, donor));
  await writeJson(path.join(folder, "preprocessor_config.json"), { ...processor, size });

  const shards = intoShards(tensorShapes(shape), options.shardBytes);
  const numbers = normalNumbers(options.seed);
  const index = new Map<string, string>();
  for (const [shard, tensors] of shards.entries()) {
    const file = shards.length === 1 ? "model.safetensors" : shardName(shard + 1, shards.length);
    const sources = tensors.map(([name, dimensions]) => ({
      name,
      dtype: "F32" as const,
      shape: dimensions,
      read: () => Promise.resolve(fill(new Float32Array(elements(dimensions)), name, numbers)),
    }));
    await writeSafetensors(path.join(folder, file), sources);
    for (const [name] of tensors) index.set(name, file);
  }
  const total = tensorShapes(shape).reduce((sum, [, dimensions]) => sum + 4 * elements(dimensions), 0);
  const weightMap = { metadata: { total_size: total }, weight_map: Object.fromEntries(index) };
  if (shards.length > 1) await writeJson(path.join(folder, "model.safetensors.index.json"), weightMap);
}

interface DonorConfig {
  readonly image_token_index: number;
  readonly text_config: { readonly eos_token_id: number };
}

function configJson(shape: RandomShape, donor: DonorConfig): object {
  const { vision, qFormer, opt, vocabulary } = shape;
  return {
    architectures: ["Blip2ForConditionalGeneration"],
    model_type: "blip-2",
    image_token_index: donor.image_token_index,
    num_query_tokens: shape.queries,
    use_decoder_only_language_model: true,
    vision_config: {
      model_type: "blip_2_vision_model",
      hidden_size: vision.hidden,
      intermediate_size: vision.mlp,
      num_hidden_layers: vision.layers,
      num_attention_heads: vision.heads,
      image_size: shape.imageSize,
      patch_size: shape.patch,
      qkv_bias: true,
    },
    qformer_config: {
      model_type: "blip_2_qformer",
      hidden_size: qFormer.hidden,
      intermediate_size: qFormer.mlp,
      num_hidden_layers: qFormer.layers,
      num_attention_heads: qFormer.heads,
      encoder_hidden_size: vision.hidden,
    },
    text_config: {
      model_type: "opt",
      hidden_size: opt.hidden,
      word_embed_proj_dim: opt.hidden,
      ffn_dim: opt.mlp,
      num_hidden_layers: opt.layers,
      num_attention_heads: opt.heads,
      vocab_size: vocabulary,
      max_position_embeddings: shape.positions,
      bos_token_id: 2,
      pad_token_id: 1,
      eos_token_id: donor.text_config.eos_token_id,
    },
  };
}

type NamedShape = readonly [name: string, shape: readonly number[]];

/** Every tensor of the checkpoint, in the order of the reference's state dict. */
function tensorShapes(shape: RandomShape): readonly NamedShape[] {
  const { vision, qFormer, opt, queries, vocabulary, positions } = shape;
  const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
  const linear = (name: string, to: number, from: number): NamedShape[] => [
    [`${name}.weight`, [to, from]],
    [`${name}.bias`, [to]],
  ];
  const norm = (name: string, width: number): NamedShape[] => [
    [`${name}.weight`, [width]],
    [`${name}.bias`, [width]],
  ];
  const tokens = (shape.imageSize / shape.patch) ** 2 + 1;

  const visionLayer = (name: string): NamedShape[] => [
    ...linear(`${name}.self_attn.qkv`, 3 * vision.hidden, vision.hidden),
    ...linear(`${name}.self_attn.projection`, vision.hidden, vision.hidden),
    ...norm(`${name}.layer_norm1`, vision.hidden),
    ...linear(`${name}.mlp.fc1`, vision.mlp, vision.hidden),
    ...linear(`${name}.mlp.fc2`, vision.hidden, vision.mlp),
    ...norm(`${name}.layer_norm2`, vision.hidden),
  ];
  const qFormerAttention = (name: string, from: number): NamedShape[] => [
    ...linear(`${name}.attention.query`, qFormer.hidden, qFormer.hidden),
    ...linear(`${name}.attention.key`, qFormer.hidden, from),
    ...linear(`${name}.attention.value`, qFormer.hidden, from),
    ...linear(`${name}.output.dense`, qFormer.hidden, qFormer.hidden),
    ...norm(`${name}.output.LayerNorm`, qFormer.hidden),
  ];
  const qFormerLayer = (name: string, layer: number): NamedShape[] => [
    ...qFormerAttention(`${name}.attention`, qFormer.hidden),
    ...(layer % 2 === 0 ? qFormerAttention(`${name}.crossattention`, vision.hidden) : []),
    ...linear(`${name}.intermediate_query.dense`, qFormer.mlp, qFormer.hidden),
    ...linear(`${name}.output_query.dense`, qFormer.hidden, qFormer.mlp),
    ...norm(`${name}.output_query.LayerNorm`, qFormer.hidden),
  ];
  const optLayer = (name: string): NamedShape[] => [
    ...["k_proj", "v_proj", "q_proj", "out_proj"].flatMap((part) =>
      linear(`${name}.self_attn.${part}`, opt.hidden, opt.hidden),
    ),
    ...norm(`${name}.self_attn_layer_norm`, opt.hidden),
    ...linear(`${name}.fc1`, opt.mlp, opt.hidden),
    ...linear(`${name}.fc2`, opt.hidden, opt.mlp),
    ...norm(`${name}.final_layer_norm`, opt.hidden),
  ];

  const decoder = "language_model.model.decoder";
  return [
    ["query_tokens", [1, queries, qFormer.hidden]],
    ["vision_model.embeddings.class_embedding", [1, 1, vision.hidden]],
    ["vision_model.embeddings.position_embedding", [1, tokens, vision.hidden]],
    ["vision_model.embeddings.patch_embedding.weight", [vision.hidden, 3, shape.patch, shape.patch]],
    ["vision_model.embeddings.patch_embedding.bias", [vision.hidden]],
    ...range(vision.layers).flatMap((layer) => visionLayer(`vision_model.encoder.layers.${layer}`)),
    ...norm("vision_model.post_layernorm", vision.hidden),
    ...norm("qformer.layernorm", qFormer.hidden),
    ...range(qFormer.layers).flatMap((layer) => qFormerLayer(`qformer.encoder.layer.${layer}`, layer)),
    ...linear("language_projection", opt.hidden, qFormer.hidden),
    [`${decoder}.embed_tokens.weight`, [vocabulary, opt.hidden]],
    [`${decoder}.embed_positions.weight`, [positions + 2, opt.hidden]],
    ...norm(`${decoder}.final_layer_norm`, opt.hidden),
    ...range(opt.layers).flatMap((layer) => optLayer(`${decoder}.layers.${layer}`)),
  ];
}

function intoShards(tensors: readonly NamedShape[], shardBytes: number): readonly (readonly NamedShape[])[] {
  const shards: NamedShape[][] = [[]];
  let bytes = 0;
  for (const tensor of tensors) {
    const own = 4 * elements(tensor[1]);
    if (bytes > 0 && bytes + own > shardBytes) {
      shards.push([]);
      bytes = 0;
    }
    shards.at(-1)!.push(tensor);
    bytes += own;
  }
  return shards;
}

function shardName(number: number, count: number): string {
  const five = (integer: number): string => String(integer).padStart(5, "0");
  return `model-${five(number)}-of-${five(count)}.safetensors`;
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** Norms scale by 1, everything else is a run of the random numbers from where the last tensor ended. */
function fill(
  values: Float32Array,
  name: string,
  numbers: { readonly next: (count: number) => Float32Array },
): Float32Array {
  if (/norm[^.]*\.weight$/i.test(name)) return values.fill(1);
  for (let done = 0; done < values.length;) {
    const part = numbers.next(values.length - done);
    values.set(part, done);
    done += part.length;
  }
  return values;
}

/** A block of numbers, normal with deviation 0.02, gone through again and again: its length is prime, so rows differ. */
function normalNumbers(seed: number): { readonly next: (count: number) => Float32Array } {
  const block = new Float32Array(4_194_301);
  let state = seed >>> 0 || 1;
  const uniform = (): number => {
    state ^= state << 13; // xorshift32, Marsaglia 2003
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) + 1) / 4294967297;
  };
  for (let i = 0; i < block.length; i += 1) {
    block[i] = 0.02 * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()); // Box-Muller
  }
  let at = 0;
  return {
    next: (count) => {
      const part = block.subarray(at, Math.min(at + count, block.length));
      at = (at + part.length) % block.length;
      return part;
    },
  };
}

async function writeJson(file: string, value: object): Promise<void> {
  await writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}
