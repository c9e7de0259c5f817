/**
 * The shortest time that a decode step can take on this machine: every matrix of the decoder and its head is read once
 * and multiplied with every row. ONNX Runtime does not overlap reading and arithmetic, so the two times add up.
 * Attention and norms are left out; the limit is therefore a little too low.
 */
import type { OptConfig, T5Config } from "../../../models/checkpoint/config.ts";
import type { Precision } from "../../../models/checkpoint/precision.ts";
import type { Ceilings } from "./ceilings.ts";

/** The fields of a language model's config that determine the size of its matrices. */
type Sizes =
  | Pick<OptConfig, "family" | "hidden" | "wordWidth" | "layers" | "mlp" | "vocabulary">
  | Pick<T5Config, "family" | "width" | "heads" | "keyWidth" | "mlp" | "gated" | "decoderLayers" | "vocabulary">;

export interface LimitedStep {
  /** Tokens that are computed at once: one for each beam of each sequence. */
  readonly rows: number;
  /** Bytes of the decoder's and the head's weights as they are stored. */
  readonly weightsBytes: number;
}

/** Milliseconds; null where the peak rate is not known for the precision of the language model or of its head. */
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

/** Number of weights that a new token is multiplied with in all layers, without the head. */
function layerWeights(text: Sizes): number {
  if (text.family === "opt") return text.layers * (4 * text.hidden ** 2 + 2 * text.hidden * text.mlp);
  const { width, heads, keyWidth, mlp, gated, decoderLayers } = text;
  // four matrices of self-attention; query and output matrix of cross-attention
  const attention = 6 * width * heads * keyWidth;
  return decoderLayers * (attention + (gated ? 3 : 2) * width * mlp);
}
