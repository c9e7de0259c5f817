/** What the process of a checkpoint serves, and the values that cross. */
import type { PreparationEvent } from "../../models/checkpoint/weight-cache.ts";
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

export type Said = { readonly answer: Answer } | { readonly matches: Matches };

export interface CheckpointService {
  load(place: CheckpointPlace): Promise<void>;
  answer(question: Question): Promise<Said>;
}

/** What happens while a checkpoint is loaded, or answers: `text` is all that is there so far. */
export type CheckpointEvent =
  { readonly kind: "preparation"; readonly event: PreparationEvent } | { readonly kind: "text"; readonly text: string };
