/**
 * Texts for the Q-Former in batches of like length, so that little is filling. A text that occurs twice is computed once, and
 * both places get the very same numbers: whether two texts tie does not depend on the batches they would have fallen into.
 */
import { paddingMask } from "../generation/mask.ts";
import { float32Tensor, int64Tensor } from "../runtime.ts";
import type { Feeds } from "../runtime.ts";

/** The ids of a text, special tokens included. */
export type TextTokens = readonly number[];

export interface TextBatch {
  /** Of each row, filling not counted. */
  readonly lengths: readonly number[];
  /** Of each row, where its text stands in the list that was given. */
  readonly places: readonly (readonly number[])[];
  /** tokens [texts, words] and positions [words] */
  readonly feeds: Feeds;
}

/** Shortest first, `size` texts at most in a batch; filling is `pad`. */
export function textBatches(
  texts: readonly TextTokens[],
  { size, pad }: { readonly size: number; readonly pad: number },
): readonly TextBatch[] {
  const distinct = new Map<string, { readonly text: TextTokens; readonly places: number[] }>();
  for (const [place, text] of texts.entries()) {
    const key = text.join();
    const known = distinct.get(key);
    if (known === undefined) distinct.set(key, { text, places: [place] });
    else known.places.push(place);
  }
  const inOrder = [...distinct.values()].sort((a, b) => a.text.length - b.text.length);
  const batches: TextBatch[] = [];
  for (let start = 0; start < inOrder.length; start += size) {
    const rows = inOrder.slice(start, start + size);
    const words = rows.at(-1)!.text.length;
    const filled = rows.flatMap(({ text }) => [...text, ...new Array<number>(words - text.length).fill(pad)]);
    batches.push({
      lengths: rows.map(({ text }) => text.length),
      places: rows.map(({ places }) => places),
      feeds: {
        tokens: int64Tensor(filled, [rows.length, words]),
        positions: int64Tensor(
          Array.from({ length: words }, (_, position) => position),
          [words],
        ),
      },
    });
  }
  return batches;
}

/** The mask of a batch, `before` tokens in front of every text that are always seen: [texts, 1, 1, before + words] */
export function textMask({ lengths }: TextBatch, before = 0): Feeds {
  const all = lengths.map((length) => before + length);
  return { mask: float32Tensor(paddingMask(all), [all.length, 1, 1, Math.max(...all)]) };
}
