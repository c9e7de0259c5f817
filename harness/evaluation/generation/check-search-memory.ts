/**
 * Whether a search fits into memory. The beams of a text keep their tokens in one cache and each sees all of its places, so
 * that the weights of attention grow with the square of the beams: nothing at 5, gigabytes at 600.
 */
import { freemem } from "node:os";
import type { DecodingOptions } from "../../../models/model.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { readableBytes } from "../../catalog/readable-bytes.ts";

/** With 600 beams of 30 tokens and 4 heads a process grew by 1.16 GB: so many times one layer's weights [heads, beams, places]. */
const copies = 7;

export interface SearchSize {
  readonly decoding: Pick<DecodingOptions, "beams" | "newTokens">;
  /** Texts that are searched for at a time. */
  readonly texts: number;
}

/** Bytes that a step takes at the end of the search. */
export function searchBytes(heads: number, { decoding, texts }: SearchSize): number {
  const { beams, newTokens } = decoding;
  const places = beams * newTokens.max;
  return copies * texts * heads * beams * places * Float32Array.BYTES_PER_ELEMENT;
}

/** `attentionHeads`: of the language model; unset: not known, nothing is checked. Throws a UsageError. */
export function checkSearchMemory(
  { name, attentionHeads }: { readonly name: string; readonly attentionHeads?: number },
  size: SearchSize,
  freeBytes = freemem(),
): void {
  if (attentionHeads === undefined) return;
  const bytes = searchBytes(attentionHeads, size);
  if (bytes <= freeBytes) return;
  const { decoding, texts } = size;
  throw new UsageError(
    `--beams: ${decoding.beams} beams of ${decoding.newTokens.max} tokens for ${texts} ${texts === 1 ? "text" : "texts"} at a time ` +
      `take about ${readableBytes(bytes)} in ${name}, and ${readableBytes(freeBytes)} are free. It grows with their square: ` +
      "give fewer, or a smaller --batch-size.",
  );
}
