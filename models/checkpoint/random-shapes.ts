/**
 * Sizes of the checkpoints that random-checkpoint.ts writes, in the words of config.ts, and the config.json that says them.
 */
import { clipVisionKeys } from "./config-file.ts";

interface Layers {
  readonly hidden: number;
  readonly mlp: number;
  readonly layers: number;
  readonly heads: number;
}

export interface OptShape extends Layers {
  readonly kind: "opt";
  readonly vocabulary: number;
  readonly positions: number;
}

/** Gated, as Flan-T5; encoder and decoder have the same number of layers. */
export interface T5Shape {
  readonly kind: "t5";
  readonly width: number;
  readonly keyWidth: number;
  readonly mlp: number;
  readonly layers: number;
  readonly heads: number;
  readonly buckets: number;
  readonly vocabulary: number;
}

/** No language model: the Q-Former reads texts itself. */
export interface RetrievalShape {
  readonly kind: "retrieval";
  /** Of the space in which images and texts are compared. */
  readonly width: number;
  readonly vocabulary: number;
  readonly positions: number;
}

/** CLIP's, with a norm before the layers and no bias of patches; unset: EVA's. */
interface VisionShape extends Layers {
  readonly isClip?: true;
}

export interface RandomShape<Text extends OptShape | T5Shape | RetrievalShape = OptShape | T5Shape | RetrievalShape> {
  readonly imageSize: number;
  readonly patch: number;
  readonly vision: VisionShape;
  readonly queries: number;
  readonly qFormer: Layers;
  readonly text: Text;
}

const vitBase = { hidden: 768, mlp: 3072, layers: 12, heads: 12 };
const vitG = { hidden: 1408, mlp: 6144, layers: 39, heads: 16 };
const vitL = { hidden: 1024, mlp: 4096, layers: 23, heads: 16, isClip: true } as const;
const qFormerBase = { hidden: 768, mlp: 3072, layers: 12, heads: 12 };
const official = { imageSize: 224, patch: 14, queries: 32, qFormer: qFormerBase };
const opt = { kind: "opt", vocabulary: 50304, positions: 2048 } as const;
const flanT5 = { kind: "t5", keyWidth: 64, buckets: 32, vocabulary: 32128 } as const;
const itm = { kind: "retrieval", width: 256, vocabulary: 30523, positions: 512 } as const; // BERT's words and [DEC]

export const generationShapes = {
  /** Nothing of it is of true shape: to try out what measures. 0.2 million weights. */
  tiny: {
    imageSize: 56,
    patch: 14,
    queries: 8,
    vision: { hidden: 64, mlp: 128, layers: 2, heads: 2 },
    qFormer: { hidden: 64, mlp: 128, layers: 2, heads: 2 },
    text: { kind: "opt", vocabulary: 512, positions: 256, hidden: 64, mlp: 128, layers: 2, heads: 2 },
  },
  /** ViT-B/14, Q-Former base, OPT-125M: 0.3 billion weights, 1.2 GB. */
  base: { ...official, vision: vitBase, text: { ...opt, hidden: 768, mlp: 3072, layers: 12, heads: 12 } },
  /** Salesforce/blip2-opt-2.7b: 3.7 billion weights, 15 GB. */
  "opt-2.7b": { ...official, vision: vitG, text: { ...opt, hidden: 2560, mlp: 10240, layers: 32, heads: 32 } },
  /** ViT-B/14, Q-Former base, Flan-T5 base: 0.4 billion weights, 1.8 GB. */
  "flan-t5-base": { ...official, vision: vitBase, text: { ...flanT5, width: 768, mlp: 2048, layers: 12, heads: 12 } },
  /** Salesforce/blip2-flan-t5-xl: 3.9 billion weights, 16 GB. */
  "flan-t5-xl": { ...official, vision: vitG, text: { ...flanT5, width: 2048, mlp: 5120, layers: 24, heads: 32 } },
  /** The authors' blip2_pretrained_flant5xl_vitL.pth, converted: 3.3 billion weights, 13 GB. */
  "flan-t5-xl-vit-l": { ...official, vision: vitL, text: { ...flanT5, width: 2048, mlp: 5120, layers: 24, heads: 32 } },
} satisfies Record<string, RandomShape<OptShape | T5Shape>>;

export const retrievalShapes = {
  /** Salesforce/blip2-itm-vit-g behind its image encoder, which is cut to one layer: 0.2 billion weights, 0.9 GB. */
  "q-former-base": { ...official, vision: { ...vitG, layers: 1 }, text: itm },
  /** Nothing of it is of true shape but the vectors that are compared: 32 of 256 numbers an image, one a text. */
  comparison: {
    ...official,
    vision: { hidden: 16, mlp: 16, layers: 1, heads: 1 },
    qFormer: { hidden: 16, mlp: 16, layers: 1, heads: 1 },
    text: { ...itm, vocabulary: 256 },
  },
} satisfies Record<string, RandomShape<RetrievalShape>>;

/** What the tokenizer's checkpoint decides. */
export interface TokenIds {
  readonly image: number;
  /** Ends a text of the language model. */
  readonly eos: number;
}

/** config.json of a checkpoint of this shape. What is not in it is transformers' default. */
export function configJson(shape: RandomShape, tokens: TokenIds): object {
  const { vision, qFormer, text } = shape;
  const isRetrieval = text.kind === "retrieval";
  return {
    architectures: [isRetrieval ? "Blip2ForImageTextRetrieval" : "Blip2ForConditionalGeneration"],
    model_type: "blip-2",
    image_token_index: tokens.image,
    num_query_tokens: shape.queries,
    use_decoder_only_language_model: text.kind === "opt",
    vision_config: {
      model_type: "blip_2_vision_model",
      ...layersJson(vision),
      image_size: shape.imageSize,
      patch_size: shape.patch,
      qkv_bias: true,
      ...(vision.isClip && clipVisionKeys),
    },
    qformer_config: {
      model_type: "blip_2_qformer",
      ...layersJson(qFormer),
      encoder_hidden_size: vision.hidden,
      ...(isRetrieval && {
        use_qformer_text_input: true,
        vocab_size: text.vocabulary,
        max_position_embeddings: text.positions,
      }),
    },
    ...(isRetrieval ? { image_text_hidden_size: text.width } : { text_config: textJson(text, tokens) }),
  };
}

function layersJson({ hidden, mlp, layers, heads }: Layers): object {
  return { hidden_size: hidden, intermediate_size: mlp, num_hidden_layers: layers, num_attention_heads: heads };
}

function textJson(text: OptShape | T5Shape, { eos }: TokenIds): object {
  if (text.kind === "opt") {
    return {
      model_type: "opt",
      hidden_size: text.hidden,
      word_embed_proj_dim: text.hidden,
      ffn_dim: text.mlp,
      num_hidden_layers: text.layers,
      num_attention_heads: text.heads,
      vocab_size: text.vocabulary,
      max_position_embeddings: text.positions,
      bos_token_id: 2,
      pad_token_id: 1,
      eos_token_id: eos,
    };
  }
  return {
    model_type: "t5",
    d_model: text.width,
    d_kv: text.keyWidth,
    d_ff: text.mlp,
    num_layers: text.layers,
    num_decoder_layers: text.layers,
    num_heads: text.heads,
    relative_attention_num_buckets: text.buckets,
    feed_forward_proj: "gated-gelu",
    dense_act_fn: "gelu",
    tie_word_embeddings: false,
    vocab_size: text.vocabulary,
    decoder_start_token_id: 0,
    bos_token_id: 1,
    pad_token_id: 0,
    eos_token_id: eos,
  };
}
