/**
 * Which tensors of a checkpoint are stored otherwise than in fp32, and how: in int8 and int4 the matrices of linear layers, in
 * fp16 every tensor, each by the precision of its part. What stays fp32 whatever is asked for is listed here, with the reason,
 * and nowhere else.
 */
import { BLOCK_SIZE } from "./quantize.ts";
import type { ModelPart, Precision, PrecisionName } from "./precision.ts";

/** To be raised when the same tensor would be stored otherwise: what is in caches is then made anew. */
export const RECIPE_VERSION = 2;

export interface StoredTensor {
  readonly precision: PrecisionName;
  /** Why another precision than that of its part; null where it is that one. */
  readonly reason: string | null;
}

interface Staying {
  readonly names: RegExp;
  readonly reason: string;
}

const staying: readonly Staying[] = [
  { names: /\.bias$/, reason: "a bias is added after the product, in fp32" },
  { names: /norm\d?\.weight$/i, reason: "a norm's scale: few numbers, and everything behind it is multiplied by them" },
  {
    names: /^query_tokens$/,
    reason: "the learned queries are what the Q-Former starts from, not a matrix it multiplies with",
  },
  {
    names: /\.patch_embedding\.weight$/,
    reason: "the first layer reads pixels: under 1 % of the weights, and every later layer sees its errors",
  },
  {
    names: /(?:\.(?:class|position)_embedding|\.embed_(?:tokens|positions)\.weight|\.shared\.weight)$/,
    reason: "embeddings are looked up, not multiplied with",
  },
  { names: /^embeddings\./, reason: "embeddings are looked up, not multiplied with" },
  { names: /\.relative_attention_bias\.weight$/, reason: "a table of biases by distance is looked up" },
];

/** T5's last matrix of a feed-forward: neither int8 nor fp16 holds what goes through it. */
const WIDE_RANGE = /^language_model\..*\.DenseReluDense\.wo\.weight$/;

/**
 * In fp16 a part's biases, norms and embeddings are fp16, too, because all that it computes is; norms and softmax add up in fp32
 * inside ONNX Runtime. T5 is the exception: its hidden states outgrow fp16, so what is added to them is fp32.
 */
const stayingOutOfHalf: readonly Staying[] = [
  {
    names: WIDE_RANGE,
    reason:
      "T5's wo makes numbers beyond fp16's; the reference keeps it in fp32 (_keep_in_fp32_modules, modeling_t5.py)",
  },
  {
    names: /^language_model\.(?:encoder|decoder)\.(?:.*\.)?(?:final_)?layer_norm\.weight$/,
    reason: "T5's norms read hidden states, which are fp32: they grow beyond fp16's numbers",
  },
  {
    names: /\.relative_attention_bias\.weight$/,
    reason: "a table of biases is added to attention scores, which are fp32 where a mask is",
  },
];

/** In int8 these have a scale for 32 neighbours instead of one a row, and so has what they multiply. */
const blockedInInt8: readonly Staying[] = [
  {
    names: WIDE_RANGE,
    reason: "what it multiplies has a few numbers far above the others, which one scale for all would round away",
  },
  {
    names: /^language_model\.lm_head\.weight$/,
    reason: "T5's own vocabulary's matrix: a scale a row and one for all hidden states changed more captions",
  },
];

/** The last matrix of each output, where the name says so; a tied vocabulary's is an embedding table. */
const HEADS = /^(?:language_model\.lm_head|itm_head|vision_projection|text_projection)\.weight$/;
const HEAD_REASON = "the best answer may be a hair ahead of the next: the head is fp32 here";
const TIED_HEADS = /^language_model\.(?:model\.decoder\.embed_tokens|shared)\.weight$/;

const partNames: readonly (readonly [RegExp, ModelPart])[] = [
  [/^vision_model\./, "vision"],
  [/^(?:qformer|embeddings)\.|^query_tokens$/, "q-former"],
  [/^language_projection\./, "projection"],
  [/^language_model\./, "language"],
];

/** How a tensor is stored; a table of embeddings as one, whatever else it is (storedTiedHead). */
export function storedTensor(
  { name, shape }: { readonly name: string; readonly shape: readonly number[] },
  precision: Precision,
): StoredTensor {
  const part = HEADS.test(name) ? "head" : partNames.find(([names]) => names.test(name))?.[1];
  if (part === undefined) return { precision: "fp32", reason: "it is no part of the model" };
  const asked = precision[part];
  if (part === "head" && asked === "fp32") return { precision: asked, reason: HEAD_REASON };
  if (asked === "fp16") {
    const keeps = stayingOutOfHalf.find(({ names }) => names.test(name));
    return keeps === undefined ? { precision: "fp16", reason: null } : { precision: "fp32", reason: keeps.reason };
  }
  const stays = staying.find(({ names }) => names.test(name));
  if (stays !== undefined) return { precision: "fp32", reason: stays.reason };
  const blocked = asked === "int8" ? blockedInInt8.find(({ names }) => names.test(name)) : undefined;
  if (blocked !== undefined) {
    const how = matrixPrecision(shape, "int8-block");
    return how.precision === "int8" ? how : { precision: how.precision, reason: blocked.reason };
  }
  return matrixPrecision(shape, asked);
}

/** How the vocabulary's matrix is stored where the embeddings are that, too; null where the head has its own. */
export function storedTiedHead(
  { name, shape }: { readonly name: string; readonly shape: readonly number[] },
  { precision, names }: { readonly precision: Precision; readonly names: { has: (name: string) => boolean } },
): StoredTensor | null {
  if (!TIED_HEADS.test(name) || names.has("language_model.lm_head.weight")) return null;
  return matrixPrecision(shape, precision.head);
}

/** How a table of embeddings is stored which is also the head's matrix: once, if the head is in fp32. */
export function storedTable(own: StoredTensor, head: StoredTensor | null): StoredTensor {
  if (own.precision !== "fp16" || head?.precision !== "fp32") return own;
  return { precision: "fp32", reason: `the embeddings are the head's matrix: ${HEAD_REASON}` };
}

/** Parts of a matrix that are used apart from each other: the queries', keys' and values' thirds in the vision transformer. */
export function partsOf(name: string): number {
  return name.endsWith(".self_attn.qkv.weight") ? 3 : 1;
}

function matrixPrecision(shape: readonly number[], asked: PrecisionName): StoredTensor {
  const [, from = 0, ...more] = shape;
  if (shape.length < 2 || more.length > 0) return { precision: "fp32", reason: "it is no matrix" };
  const isBlocked = asked === "int4" || asked === "int8-block";
  if (isBlocked && from % BLOCK_SIZE !== 0) {
    return { precision: "int8", reason: `its rows of ${from} numbers are no whole blocks of ${BLOCK_SIZE}` };
  }
  return { precision: asked, reason: null };
}
