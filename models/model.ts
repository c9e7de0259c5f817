/**
 * What answers: the words for models and for what they are asked. A model takes image files and prompts and gives text;
 * it knows neither the task behind the prompt nor what the answer is worth.
 */

/** Decoder only (OPT), or encoder and decoder (FlanT5): the two frozen language models of BLIP-2, section 3.2. */
export type LanguageModelFamily = "opt" | "t5";

/** What writes: one of those, or the Q-Former itself after its first stage (image-grounded text generation, section 3.1). */
export type WriterFamily = LanguageModelFamily | "itg";

/** What a checkpoint can do: with a language model it generates text, after the first stage of training it ranks. */
export type CheckpointKind = "generation" | "retrieval";

/** How text is generated: the names and the exact rules of transformers' `generate` (generation/beam-search.ts). */
export interface DecodingOptions {
  /** 1 is greedy search. */
  readonly beams: number;
  /** Generated tokens, the end-of-sequence token counted, the prompt not. */
  readonly newTokens: { readonly min: number; readonly max: number };
  /** A finished beam scores (sum of log-probabilities) / length ^ lengthPenalty: above 0 favours long text, below short. */
  readonly lengthPenalty: number;
  /** 1 is none. */
  readonly repetitionPenalty: number;
  /** false: stop when no open beam can win; true: as soon as `beams` are finished; "never": see transformers. */
  readonly earlyStopping: boolean | "never";
}

/** How the next token is drawn: the names and the order of transformers' `generate` (generation/sampling.ts). */
export interface Sampling {
  /** Above 0: 1 leaves the model's probabilities, less sharpens them. */
  readonly temperature: number;
  /** Only so many of the most likely tokens; null: all. */
  readonly topK: number | null;
  /** Only the most likely tokens that reach this share together; 1 is all. */
  readonly topP: number;
  /** 0 to 2 ** 32 - 1. Each request draws the numbers of the seed from its own start. */
  readonly seed: number;
}

export interface GenerationOptions extends DecodingOptions {
  /** Unset: nothing is drawn. Takes one beam, and a loop outside the graph. */
  readonly sampling?: Sampling;
  /** Called whenever all sequences of a batch that are not finished have their next token. */
  readonly onStep?: () => void;
  /** Told of a request's text as soon as it will not change any more: joined, the pieces are its text. */
  readonly onText?: (request: number, piece: string) => void;
  /** Ends generation between two steps: `generate` then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** Whether how likely each token was is kept; unset: no. Takes a loop outside the graph. */
  readonly tokenProbabilities?: boolean;
}

export interface GenerationRequest {
  /** Requests with one image id are about one image: it is encoded once for all of them. */
  readonly image: ImageFile;
  /** null: no text at all, which the reference feeds as the lone beginning-of-sequence token. */
  readonly prompt: string | null;
  /** Longer prompts lose their end; special tokens count. Unset: none is cut. */
  readonly maxPromptTokens?: number;
  /**
   * Requests with one object are one conversation: what its last prompt and this one have in common is not computed again, nor
   * is its image. T5 reads prompts whole, so that only the image is saved. What is kept goes when the object does.
   */
  readonly conversation?: object;
}

/** Milliseconds by stage: the time of each step divided by the number of requests (or of images) that shared it. */
export type StageLatency = Readonly<Record<string, number>>;

export interface Generation {
  readonly status: "predicted";
  /** New tokens decoded, special tokens left out, nothing trimmed. */
  readonly text: string;
  /** New tokens, the end-of-sequence token included when it was reached. */
  readonly tokens: readonly number[];
  /** The finished beam's score; null for greedy search. */
  readonly score: number | null;
  readonly latencyMs: StageLatency;
  /** One for each token, where it was asked for. */
  readonly shownTokens?: readonly GeneratedToken[];
}

export interface GeneratedToken {
  readonly id: number;
  /** What it adds to the text: nothing where it is special, or part of a character. Joined, these are the text. */
  readonly text: string;
  /** The model's at this place, 0 to 1: before a penalty, a temperature or a search. */
  readonly probability: number;
}

/** What a prompt takes of the positions a language model has. */
export interface PromptSize {
  readonly queries: number;
  /** Special tokens count. */
  readonly tokens: number;
  /** null: there is no last one. */
  readonly positions: number | null;
}

/** What became of a request whose image could not be read, or whose prompt does not fit. The others are unaffected. */
export interface FailedGeneration {
  readonly status: "failed";
  readonly error: string;
}

/** How a window of requests is computed. No choice here changes tokens or text; scores differ by rounding. */
export interface Batching {
  /** Requests decoded at a time, and images encoded at a time; at least 1. */
  readonly size: number;
  /** Requests that wait take the rows of finished ones; otherwise a batch ends with its longest answer. */
  readonly refill: boolean;
  /** The words that all prompts of the window begin with run once an image. T5 cannot, see t5-language-model.ts. */
  readonly sharePrompt: boolean;
  /** An image is encoded once for all its requests, as it is unless told otherwise. */
  readonly shareImages?: boolean;
  /** Called with each request's index and answer as soon as it is there; short answers come first. */
  readonly onAnswer?: (request: number, answer: Generation | FailedGeneration) => void;
}

/** A request that is answered by one of given texts. */
export interface CandidatesRequest extends Omit<GenerationRequest, "conversation"> {
  /** At least one, each with a token. */
  readonly candidates: readonly string[];
}

/** How likely a request's candidates are behind its image and prompt. */
export interface WeighedCandidates {
  readonly status: "weighed";
  /** Natural logarithms, each the sum over a candidate's tokens: [candidates] */
  readonly logProbabilities: Float64Array;
  /** Token ids of each candidate, as text/candidate-tokens.ts has them. */
  readonly tokens: readonly (readonly number[])[];
  readonly latencyMs: StageLatency;
}

/** How a window of requests with candidates is computed. */
export type WeighingBatching = Pick<Batching, "size" | "sharePrompt" | "shareImages">;

/** How likely each token is to come first, behind a prompt. */
export interface FirstStep {
  readonly status: "ranked";
  /** Natural logarithms: [vocabulary] */
  readonly logProbabilities: Float32Array;
}

export interface VisionLanguageModel {
  readonly kind: "generation";
  readonly name: string;
  readonly family: WriterFamily;
  /** Calls of `generate` it can make use of at a time; unset: one. */
  readonly batchesAtOnce?: number;
  /** On disk, of the tensors its graphs read; unset: not known. */
  readonly weightsBytes?: number;
  /** Of the processes it is in, as their last answers told; unset: it is in this one. */
  readonly residentBytes?: number;
  /** Reads, decodes and resizes an image before it is asked about, while the model computes. Never fails: `generate` will. */
  readonly readAhead: (image: GenerationRequest["image"]) => Promise<void>;
  /**
   * One window: an answer for every request, in their order. Without `batching` it is one batch.
   *
   * @throws RangeError for a batch size below 1.
   */
  readonly generate: (
    requests: readonly GenerationRequest[],
    options: GenerationOptions,
    batching?: Batching,
  ) => Promise<readonly (Generation | FailedGeneration)[]>;
  /** One batch: what it would begin each answer with, before a search or a penalty. Unset: it cannot tell. */
  readonly firstStep?: (requests: readonly GenerationRequest[]) => Promise<readonly (FirstStep | FailedGeneration)[]>;
  /**
   * One window: how likely the candidates of each request are, in their order. Nothing is generated. Without `batching` it is one
   * batch. Unset: it cannot tell, as where the loop that generates is one graph.
   *
   * @throws RangeError for a batch size below 1.
   */
  readonly weigh?: (
    requests: readonly CandidatesRequest[],
    batching?: WeighingBatching,
  ) => Promise<readonly (WeighedCandidates | FailedGeneration)[]>;
  /** Unset: it cannot tell. */
  readonly measurePrompt?: (prompt: string | null) => PromptSize;
  readonly release: () => Promise<void>;
}

/** An image by its id, which a model tells images apart by, and where its bytes are. */
export interface ImageFile {
  readonly id: string;
  /** Where there are bytes, what messages call it. */
  readonly path: string;
  /** The file's, where they were read already; unset: the model reads them. */
  readonly bytes?: Uint8Array;
  /** Gives the bytes of an image that is no file of its own, such as a row of a parquet file; unset: the file at `path` has them. */
  readonly read?: () => Promise<Uint8Array>;
  /** Why it cannot be read, where that is known already. */
  readonly unreadable?: string;
}

export interface ImageEmbedding {
  readonly status: "embedded";
  /** One vector of length 1 for each query: [queries, width] */
  readonly vectors: Float32Array;
  readonly latencyMs: StageLatency;
}

/** Whether texts match an image. */
export interface Matching {
  readonly status: "matched";
  /** The logit of "matches" for each text; higher is better. No probability: the reference ranks by the logit. */
  readonly logits: Float32Array;
  /** Of "matches" against "does not", 0 to 1: for people. */
  readonly probabilities: Float32Array;
  /** All texts together. */
  readonly latencyMs: StageLatency;
}

/** How likely texts are after an image. */
export interface Likelihoods {
  readonly status: "weighed";
  /** Natural logarithms, each the sum over a text's tokens and its end, [SEP]: [texts] */
  readonly logLikelihoods: Float32Array;
  /** How many tokens each sum is of: [texts] */
  readonly tokens: Int32Array;
  /** All texts together. */
  readonly latencyMs: StageLatency;
}

/** An image that could not be read. The others are unaffected. */
export interface FailedImage {
  readonly status: "failed";
  readonly error: string;
}

/**
 * How well images and texts go together: BLIP-2 after its first stage of training (section 3.1). Similarity (ITC) compares
 * vectors made of each alone, so all pairs are affordable; matching (ITM) reads both together and is for the best few.
 */
export interface ImageTextScorer {
  readonly kind: "retrieval";
  readonly name: string;
  /** On disk, of the tensors its graphs read; unset: not known. */
  readonly weightsBytes?: number;
  /** One batch, in its order. */
  readonly embedImages: (images: readonly ImageFile[]) => Promise<readonly (ImageEmbedding | FailedImage)[]>;
  /** Token ids of each text, cut to `maxTokens`, [CLS] and [SEP] included. */
  readonly readTexts: (
    texts: readonly string[],
    options: { readonly maxTokens: number },
  ) => Promise<readonly (readonly number[])[]>;
  /** Vectors of length 1 of texts that were read: [texts, width] */
  readonly embedTexts: (texts: readonly (readonly number[])[]) => Promise<Float32Array>;
  /** The largest product over an image's queries: [images, texts] */
  readonly compare: (images: readonly Float32Array[], texts: Float32Array) => Promise<Float32Array>;
  /** Texts that were read with one image. What was computed of an image when it was embedded is used again. */
  readonly match: (image: ImageFile, texts: readonly (readonly number[])[]) => Promise<Matching | FailedImage>;
  /**
   * How likely texts that were read are after one image, as the Q-Former would write them (ITG); else as `match`.
   * Rejects with a CheckpointError where the checkpoint has no head to write with.
   */
  readonly weighTexts: (image: ImageFile, texts: readonly (readonly number[])[]) => Promise<Likelihoods | FailedImage>;
  /** Drops what was computed of images, which will not be matched again; unset: nothing is kept that takes room. */
  readonly forget?: (images: readonly ImageFile[]) => void;
  /** Calls of `embedImages` it can make use of at a time; unset: one. */
  readonly embedsAtOnce?: number;
  /** Calls of `match`. */
  readonly matchesAtOnce?: number;
  readonly release: () => Promise<void>;
}

/** What a user can mend: a checkpoint that is missing, broken or contradicts itself. Says what, where and what to do. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
}

/** An image file that cannot be used: missing, empty, truncated, not an image, or of a size that is a mistake. */
export class ImageError extends Error {
  override readonly name = "ImageError";
}
