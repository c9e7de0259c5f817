/** The interface between the server and a checkpoint's process, and the values that are sent between them. */
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
import type { Answer, Decoding, Matches, Work } from "./wire.ts";

/** Where a checkpoint is loaded from, and how: values only. */
export interface CheckpointPlace {
  /** A folder, or a name in the Hugging Face cache. */
  readonly where: string;
  /** In the spelling of --precision. */
  readonly precision: string;
  readonly hubCache: string;
  readonly cacheFolder: string;
  readonly threads: number;
  /** In the spelling of --device; the device id is a number. */
  readonly device: string;
  readonly deviceId: number;
  /** Largest width × height of an image; null: the default limit. */
  readonly maxPixels: number | null;
}

/** One question about an image, with the settings of the answer. */
export interface Question {
  readonly image: Uint8Array;
  readonly work: Work;
  readonly decoding: Decoding;
}

export type Said = { readonly answer: Answer } | { readonly matches: Matches };

export interface CheckpointService {
  load(place: CheckpointPlace): Promise<void>;
  answer(question: Question): Promise<Said>;
}

/** An event while a checkpoint is loaded or answers. `text` is the whole text so far. */
export type CheckpointEvent =
  { readonly kind: "preparation"; readonly event: PreparationEvent } | { readonly kind: "text"; readonly text: string };
