/**
 * What a process and the process of its model tell each other, as plain values (serialization "advanced": typed arrays and
 * bigints go through). Both ends are this code, so a message is known by its kind alone.
 */
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import type { GraphPlacement } from "../../models/device/placement-profile.ts";
import type { LoadOptions } from "../../models/load-blip2.ts";
import type { RetrievalLoadOptions } from "../../models/load-blip2-retrieval.ts";
import type {
  Batching,
  DecodingOptions,
  FailedGeneration,
  FailedImage,
  Generation,
  GenerationRequest,
  ImageEmbedding,
  ImageFile,
  ImageTextScorer,
  LanguageModelFamily,
  Matching,
  VisionLanguageModel,
} from "../../models/model.ts";
import type { TextTokens } from "../../models/text/text-batches.ts";
import type { RankedTexts, Ranking } from "../evaluation/retrieval/rank-texts.ts";
import type { ToldError } from "./told-error.ts";

/** Where a model is loaded from, and how: values only, for they cross into another process. */
export interface ModelPlace
  extends Omit<LoadOptions, "onPreparation" | "onPlacement">, Pick<RetrievalLoadOptions, "imageTokenShare"> {
  /** A folder, or a name in the Hugging Face cache. */
  readonly where: string;
}

export interface LoadedModel {
  readonly name: string;
  /** `itm`: it scores images with texts, and generates nothing. */
  readonly family: LanguageModelFamily | "itm";
  readonly weightsBytes: number | null;
}

/** What a model is asked to do: each with its arguments. */
export type Work =
  | { readonly kind: "load"; readonly place: ModelPlace }
  | { readonly kind: "readAhead"; readonly image: ImageFile }
  | {
      readonly kind: "generate";
      readonly requests: readonly GenerationRequest[];
      readonly options: DecodingOptions;
      readonly batching?: Batching;
    }
  | ScorerWork
  | { readonly kind: "release" };

/** What an ImageTextScorer is asked: its methods, and a whole search in one. */
export type ScorerWork =
  | { readonly kind: "embedImages"; readonly images: readonly ImageFile[] }
  | { readonly kind: "readTexts"; readonly texts: readonly string[]; readonly maxTokens: number }
  | { readonly kind: "embedTexts"; readonly texts: readonly TextTokens[] }
  | { readonly kind: "compare"; readonly images: readonly Float32Array[]; readonly texts: Float32Array }
  | { readonly kind: "match"; readonly image: ImageFile; readonly texts: readonly TextTokens[] }
  | { readonly kind: "forget"; readonly images: readonly ImageFile[] }
  /** Reads the gallery that images are ranked against from now on. */
  | { readonly kind: "readGallery"; readonly texts: readonly string[]; readonly maxTokens: number }
  | { readonly kind: "rankTexts"; readonly images: readonly ImageFile[]; readonly ranking: Ranking };

/** What comes back for each kind of work. */
export interface Results {
  readonly load: LoadedModel;
  readonly readAhead: null;
  readonly generate: readonly (Generation | FailedGeneration)[];
  readonly embedImages: readonly (ImageEmbedding | FailedImage)[];
  readonly readTexts: readonly TextTokens[];
  readonly embedTexts: Float32Array;
  readonly compare: Float32Array;
  readonly match: Matching | FailedImage;
  readonly forget: null;
  readonly readGallery: null;
  readonly rankTexts: readonly (RankedTexts | FailedImage)[];
  readonly release: null;
}

export type AnyResult = Results[keyof Results];

/** To the model. */
export interface Call {
  readonly id: number;
  readonly work: Work;
}

/** When a call was worked on, by process.hrtime.bigint(): one clock for all processes of a machine. */
export interface Stamps {
  readonly receivedNs: bigint;
  readonly startedNs: bigint;
  readonly finishedNs: bigint;
  /** Nanoseconds from the start to each step of generation, see GenerationOptions.onStep. */
  readonly stepsNs: readonly number[];
}

export interface Memory {
  /** Resident now. */
  readonly residentBytes: number;
  /** The most that was ever resident. */
  readonly peakBytes: number;
}

/** From the model: any number of events of a call, then its answer or its error. */
export type Reply =
  | { readonly kind: "event"; readonly id: number; readonly atNs: bigint; readonly event: ModelEvent }
  | {
      readonly kind: "answer";
      readonly id: number;
      readonly value: AnyResult;
      readonly stamps: Stamps;
      readonly memory: Memory;
    }
  | { readonly kind: "error"; readonly id: number; readonly error: ToldError };

/** What happens while a call is worked on. */
export type ModelEvent =
  | { readonly kind: "preparation"; readonly event: PreparationEvent }
  | { readonly kind: "placement"; readonly placement: GraphPlacement };

export function isCall(message: unknown): message is Call {
  return typeof message === "object" && message !== null && "id" in message && "work" in message;
}

const replyKinds: readonly unknown[] = ["event", "answer", "error"];

export function isReply(message: unknown): message is Reply {
  return typeof message === "object" && message !== null && "kind" in message && replyKinds.includes(message.kind);
}

/** Loads what a process then serves: a model that generates, or one that scores. */
export type LoadModel = (place: ModelPlace, told: ModelListeners) => Promise<VisionLanguageModel | ImageTextScorer>;

export interface ModelListeners {
  readonly onPreparation: (event: PreparationEvent) => void;
  /** Also after the model was loaded: of graphs that run for the first time. */
  readonly onPlacement: (placement: GraphPlacement) => void;
}
