/** What the server and the process of a checkpoint tell each other (serialization "advanced": bytes go through). */
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import type { ToldError } from "../processes/told-error.ts";
import type { Answer, Decoding, Matches, Work } from "./wire.ts";

/** Where a checkpoint is loaded from, and how: values only. */
export interface CheckpointPlace {
  /** A folder, or a name in the Hugging Face cache. */
  readonly where: string;
  /** As --precision spells it. */
  readonly precision: string;
  readonly hubCache: string;
  readonly cacheFolder: string;
  readonly threads: number;
  /** As --device and --device-id spell it. */
  readonly device: string;
  readonly deviceId: number;
  /** null: as many as usual. */
  readonly maxPixels: number | null;
}

/** What is asked about an image. */
export interface Question {
  readonly image: Uint8Array;
  readonly work: Work;
  readonly decoding: Decoding;
}

export type CheckpointWork =
  | { readonly kind: "load"; readonly place: CheckpointPlace }
  | { readonly kind: "answer"; readonly question: Question }
  /** Of the answer with this id; it then ends with an error, or is there already. */
  | { readonly kind: "cancel"; readonly call: number };

export interface CheckpointCall {
  readonly id: number;
  readonly work: CheckpointWork;
}

export type Said = { readonly answer: Answer } | { readonly matches: Matches };

/** Any number of events of a call, then its end. */
export type CheckpointReply =
  | { readonly kind: "preparation"; readonly id: number; readonly event: PreparationEvent }
  | { readonly kind: "text"; readonly id: number; readonly text: string }
  | { readonly kind: "loaded"; readonly id: number }
  | { readonly kind: "said"; readonly id: number; readonly said: Said }
  | { readonly kind: "error"; readonly id: number; readonly error: ToldError };

export function isCheckpointCall(message: unknown): message is CheckpointCall {
  return typeof message === "object" && message !== null && "id" in message && "work" in message;
}

const kinds: readonly unknown[] = ["preparation", "text", "loaded", "said", "error"];

export function isCheckpointReply(message: unknown): message is CheckpointReply {
  return typeof message === "object" && message !== null && "kind" in message && kinds.includes(message.kind);
}
