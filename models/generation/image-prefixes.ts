/**
 * What is kept of an image where a text is generated in one graph: keys and values of the queries, and of words that all
 * prompts begin with. OPT's come from a single round of that graph, with them in a prompt's place.
 */
import type { Tensor } from "onnxruntime-node";
import { emptyNumbers, int64Tensor, numbersOf, numbersTensor } from "../runtime.ts";
import type { Feeds } from "../runtime.ts";
import type { GenerationGraph } from "./graph-generation.ts";
import type { CacheShape } from "./sequence-cache.ts";
import { loopMask } from "./mask.ts";

/** An image's row of tensors [images, heads, 1 + length, head], by the graph's names for them as inputs. */
export interface ImagePrefix {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly row: number;
  readonly length: number;
}

/** `embeddings` [images, tokens, word]: of each image's queries and what follows them. */
export async function imagePrefixes(
  loop: GenerationGraph,
  shape: CacheShape,
  embeddings: Tensor,
): Promise<readonly ImagePrefix[]> {
  const [images = 0, length = 0] = embeddings.dims;
  const { heads, head, type } = shape;
  const names = namesOf(shape);
  const none = numbersTensor(emptyNumbers(type, images * heads * head), [images, heads, 1, head]);
  const rows = Array.from({ length: images }, (_, row) => row);
  const places = Array.from({ length }, (_, place) => place);
  const feeds = {
    ...Object.fromEntries(names.map(({ input }) => [input, none])),
    embeddings,
    mask: loopMask({ sequences: images, seen: 0, unseen: 2, tokens: length }),
    positions: int64Tensor(
      rows.flatMap(() => places),
      [images, length],
    ),
    rows: int64Tensor(
      rows.map(() => length - 1),
      [images, 1],
    ),
  };
  const outputs = names.map(({ output }) => output);
  const kept = await loop.remember({ feeds, texts: rows.map(() => [0]) }, outputs);
  const tensors = Object.fromEntries(names.map(({ input, output }) => [input, kept[output]!]));
  return rows.map((row) => ({ tensors, row, length }));
}

/** prefix_keys.i and prefix_values.i of a batch, all of one length: [sequences, heads, length, head] */
export function prefixFeeds(prefixes: readonly ImagePrefix[], shape: CacheShape): Feeds {
  return Object.fromEntries(namesOf(shape).map(({ input }) => [input, joined(prefixes, shape, input)]));
}

/** Rows of prefixes without the place that stood for an empty cache. */
function joined(prefixes: readonly ImagePrefix[], { heads, head, type }: CacheShape, name: string): Tensor {
  const { length } = prefixes[0]!;
  const size = length * head;
  const numbers = emptyNumbers(type, prefixes.length * heads * size);
  for (const [index, { tensors, row }] of prefixes.entries()) {
    const own = numbersOf(tensors[name]!);
    for (let each = 0; each < heads; each += 1) {
      const from = (row * heads + each) * (size + head) + head;
      numbers.set(own.subarray(from, from + size), (index * heads + each) * size);
    }
  }
  return numbersTensor(numbers, [prefixes.length, heads, length, head]);
}

function namesOf({ layers }: CacheShape): readonly { readonly input: string; readonly output: string }[] {
  return Array.from({ length: layers }, (_, layer) =>
    ["keys", "values"].map((part) => ({ input: `prefix_${part}.${layer}`, output: `${part}.${layer}` })),
  ).flat();
}

/** Filling behind a short prompt repeats its last: never read, but it must be a token and a place. */
export function filledUp(values: readonly number[], length: number): readonly number[] {
  return [...values, ...new Array<number>(length - values.length).fill(values.at(-1)!)];
}
