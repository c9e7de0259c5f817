/**
 * What a process and the process of its model tell each other, as plain values (serialization "advanced": typed arrays and
 * bigints go through). Both ends are this code, so a message is known by its kind alone.
 */
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import type { GraphPlacement } from "../../models/device/placement-profile.ts";
import type { LoadOptions } from "../../models/load-blip2.ts";
import type {
  Batching,
  DecodingOptions,
  FailedGeneration,
  Generation,
  GenerationRequest,
  ImageFile,
  LanguageModelFamily,
  VisionLanguageModel,
} from "../../models/model.ts";

/** Where a model is loaded from, and how: values only, for they cross into another process. */
export interface ModelPlace extends Omit<LoadOptions, "onPreparation" | "onPlacement"> {
  /** A folder, or a name in the Hugging Face cache. */
  readonly where: string;
}

export interface LoadedModel {
  readonly name: string;
  readonly family: LanguageModelFamily;
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
  | { readonly kind: "release" };

/** What comes back for each kind of work. */
export interface Results {
  readonly load: LoadedModel;
  readonly readAhead: null;
  readonly generate: readonly (Generation | FailedGeneration)[];
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

/** An error, as it crosses. */
export interface ToldError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
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

/** Loads what a process then serves. */
export type LoadModel = (place: ModelPlace, told: ModelListeners) => Promise<VisionLanguageModel>;

export interface ModelListeners {
  readonly onPreparation: (event: PreparationEvent) => void;
  /** Also after the model was loaded: of graphs that run for the first time. */
  readonly onPlacement: (placement: GraphPlacement) => void;
}
