/**
 * The sizes and choices of a BLIP-2 checkpoint, in our words and complete. config-file.ts reads them from config.json.
 */

/** The image encoder (networks/vision-transformer.ts). */
export interface VisionConfig {
  /** Width of an image token. */
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly mlp: number;
  /** Pixels a side of the square the image processor makes. */
  readonly imageSize: number;
  /** Pixels a side of a patch. */
  readonly patch: number;
  readonly channels: number;
  readonly epsilon: number;
  /** Whether queries, keys and values have a bias. */
  readonly qkvBias: boolean;
  /** Whether patches have a bias; CLIP's have none. */
  readonly patchBias: boolean;
  /** A norm before the layers, too: CLIP has one, EVA has none. */
  readonly preLayerNorm: boolean;
  /** Exact GELU, as every BLIP-2 on the hub has it, or CLIP's approximation by the logistic function. */
  readonly activation: "gelu" | "quick_gelu";
}

/** The Q-Former (networks/q-former.ts). */
export interface QFormerConfig {
  readonly queries: number;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly mlp: number;
  /** Width of the image tokens it reads. */
  readonly vision: number;
  /** Layers 0, n, 2n, … look at the image. */
  readonly crossAttentionEvery: number;
  readonly epsilon: number;
  /** Text positions, where it reads text. */
  readonly maxPositions: number;
  readonly vocabulary: number;
  /** What fills up a short text. */
  readonly pad: number;
  /** Whether it reads text: a retrieval checkpoint's does. */
  readonly textInput: boolean;
  /** Whether it writes text: the checkpoint has its head for image-grounded text generation (ITG). */
  readonly textHead: boolean;
}

/** OPT (networks/opt.ts). */
export interface OptConfig {
  readonly family: "opt";
  /** Width of the layers. */
  readonly hidden: number;
  /** Width of the embeddings (word_embed_proj_dim). */
  readonly wordWidth: number;
  readonly layers: number;
  readonly heads: number;
  readonly mlp: number;
  readonly vocabulary: number;
  /** Tokens of the longest text; the table has two rows more. */
  readonly maxPositions: number;
  readonly activation: "relu" | "gelu";
  /** Normalise before each box (every OPT but 350m) or after. */
  readonly normBefore: boolean;
  /** A last norm, after the layers. */
  readonly finalNorm: boolean;
  /** Whether norms have a scale and a bias. */
  readonly normAffine: boolean;
  /** Whether linear layers have a bias. */
  readonly bias: boolean;
  /** Whether the embeddings are the output matrix, too, as the file says; see tied-tensors.ts. */
  readonly tieEmbeddings: boolean;
  /** The lone token of no text; null: that which the tokenizer puts around an empty one. */
  readonly bos: number | null;
  readonly pad: number;
  /** Any of them ends a text; where there is none, only its length does. */
  readonly eos: readonly number[];
}

/** T5 (networks/t5.ts). */
export interface T5Config {
  readonly family: "t5";
  readonly width: number;
  /** Width of one head; heads × keyWidth need not be width. */
  readonly keyWidth: number;
  readonly mlp: number;
  readonly encoderLayers: number;
  readonly decoderLayers: number;
  readonly heads: number;
  readonly vocabulary: number;
  readonly buckets: number;
  readonly maxDistance: number;
  readonly epsilon: number;
  /** gelu is exact, gelu_new the tanh approximation. */
  readonly activation: "relu" | "gelu" | "gelu_new";
  readonly gated: boolean;
  /** The lone token of no text; null: that which the tokenizer puts around an empty one. */
  readonly bos: number | null;
  readonly pad: number;
  /** Any of them ends a text; where there is none, only its length does. */
  readonly eos: readonly number[];
  readonly decoderStart: number;
}

export type TextConfig = OptConfig | T5Config;

interface SharedConfig {
  readonly vision: VisionConfig;
  readonly qFormer: QFormerConfig;
}

export interface GenerationConfig extends SharedConfig {
  readonly kind: "generation";
  readonly text: TextConfig;
  /** The id of <image>, whose places the query tokens take. */
  readonly imageToken: number;
}

export interface RetrievalConfig extends SharedConfig {
  readonly kind: "retrieval";
  readonly text: null;
  /** null where the file names none. The image's places are cut off before the text is embedded. */
  readonly imageToken: number | null;
  /** Width of the space in which images and texts are compared. */
  readonly imageTextHidden: number;
}

export type Blip2Config = GenerationConfig | RetrievalConfig;
