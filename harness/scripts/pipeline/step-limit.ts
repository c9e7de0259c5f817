/**
 * The least that a decode step can take here: every matrix of the decoder and its head is read once, and multiplied with every
 * row. Reading and arithmetic follow each other in ONNX Runtime, product by product, so their times add up. Attention, norms and
 * what lies between are left out: a step that is near the limit spends little on them.
 */
import type { OptConfig, T5Config } from "../../../models/checkpoint/config.ts";
import type { Precision } from "../../../models/checkpoint/precision.ts";
import type { Ceilings } from "./ceilings.ts";

/** What of a language model's config says how many numbers its matrices have. */
type Sizes =
  | Pick<OptConfig, "family" | "hidden" | "wordWidth" | "layers" | "mlp" | "vocabulary">
  | Pick<T5Config, "family" | "width" | "heads" | "keyWidth" | "mlp" | "gated" | "decoderLayers" | "vocabulary">;

export interface LimitedStep {
  /** Tokens that run at once: beams of all sequences. */
  readonly rows: number;
  /** Of the decoder's and the head's weights, as they are stored. */
  readonly weightsBytes: number;
}

/** Milliseconds; null where no ceiling is known of a precision that the language model or its head is in. */
export function stepLimitMs(
  { rows, weightsBytes }: LimitedStep,
  { text, precision }: { readonly text: Sizes; readonly precision: Precision },
  ceilings: Pick<Ceilings, "fp32" | "int8" | "read">,
): number | null {
  const rates: Partial<Record<Precision["language"], number | null>> = { fp32: ceilings.fp32, int8: ceilings.int8 };
  const [layers, head] = [rates[precision.language] ?? null, rates[precision.head] ?? null];
  if (layers === null || head === null) return null;
  const width = text.family === "opt" ? text.wordWidth : text.width;
  const arithmetic = (2 * rows * layerWeights(text)) / layers + (2 * rows * text.vocabulary * width) / head;
  return 1000 * (arithmetic + weightsBytes / ceilings.read);
}

/** Numbers in the matrices that a new token is multiplied with, the vocabulary's apart. */
function layerWeights(text: Sizes): number {
  if (text.family === "opt") return text.layers * (4 * text.hidden ** 2 + 2 * text.hidden * text.mlp);
  const { width, heads, keyWidth, mlp, gated, decoderLayers } = text;
  const attention = 6 * width * heads * keyWidth; // its own four; of the source's the queries' and the last
  return decoderLayers * (attention + (gated ? 3 : 2) * width * mlp);
}
