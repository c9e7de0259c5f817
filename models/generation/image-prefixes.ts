/**
 * What OPT keeps of an image when it generates in one graph: the keys and values of its queries, computed once, by a single
 * round of that same graph over the queries in a prompt's place.
 */
import type { Tensor } from "onnxruntime-node";
import { float32Tensor, floats, int64Tensor } from "../runtime.ts";
import type { Feeds } from "../runtime.ts";
import type { GenerationGraph } from "./graph-generation.ts";
import { loopMask } from "./mask.ts";

/** An image's soft prompt [queries, word]. */
export interface SeenImage {
  readonly embeddings: Float32Array;
}

/** An image's row of tensors [images, heads, 1 + queries, head], by the graph's names for them as inputs. */
interface Prefix {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly row: number;
}

export interface PrefixShape {
  readonly layers: number;
  readonly heads: number;
  readonly head: number;
  readonly queries: number;
}

export class ImagePrefixes {
  readonly #loop: GenerationGraph;
  readonly #shape: PrefixShape;
  readonly #known = new WeakMap<SeenImage, Prefix>();

  constructor(loop: GenerationGraph, shape: PrefixShape) {
    this.#loop = loop;
    this.#shape = shape;
  }

  /** prefix_keys.i and prefix_values.i of a batch, a sequence for each image: [sequences, heads, queries, head] */
  async feeds(images: readonly SeenImage[]): Promise<Feeds> {
    await this.#compute([...new Set(images)].filter((image) => !this.#known.has(image)));
    const prefixes = images.map((image) => this.#known.get(image)!);
    return Object.fromEntries(this.#names().map(({ input }) => [input, this.#joined(prefixes, input)]));
  }

  async #compute(images: readonly SeenImage[]): Promise<void> {
    if (images.length === 0) return;
    const { heads, head, queries } = this.#shape;
    const names = this.#names();
    const none = float32Tensor(new Float32Array(images.length * heads * head), [images.length, heads, 1, head]);
    const embeddings = Float32Array.from(images.flatMap((image) => [...image.embeddings]));
    const places = images.flatMap(() => Array.from({ length: queries }, (_, place) => place));
    const last = images.map(() => queries - 1);
    const feeds = {
      ...Object.fromEntries(names.map(({ input }) => [input, none])),
      embeddings: float32Tensor(embeddings, [images.length, queries, embeddings.length / images.length / queries]),
      mask: loopMask({ sequences: images.length, unseen: 2, seen: 0, tokens: queries }),
      positions: int64Tensor(places, [images.length, queries]),
      rows: int64Tensor(last, [images.length, 1]),
    };
    const texts = images.map(() => [0]);
    const outputs = names.map(({ output }) => output);
    const kept = await this.#loop.remember({ feeds, texts }, outputs);
    const tensors = Object.fromEntries(names.map(({ input, output }) => [input, kept[output]!]));
    for (const [row, image] of images.entries()) this.#known.set(image, { tensors, row });
  }

  /** Rows of prefixes without the place that stood for an empty cache: [sequences, heads, queries, head] */
  #joined(prefixes: readonly Prefix[], name: string): Tensor {
    const { heads, head, queries } = this.#shape;
    const joined = new Float32Array(prefixes.length * heads * queries * head);
    for (const [index, { tensors, row }] of prefixes.entries()) {
      const numbers = floats(tensors[name]!);
      for (let each = 0; each < heads; each += 1) {
        const from = ((row * heads + each) * (1 + queries) + 1) * head;
        joined.set(numbers.subarray(from, from + queries * head), (index * heads + each) * queries * head);
      }
    }
    return float32Tensor(joined, [prefixes.length, heads, queries, head]);
  }

  #names(): readonly { readonly input: string; readonly output: string }[] {
    return Array.from({ length: this.#shape.layers }, (_, layer) =>
      ["keys", "values"].map((part) => ({ input: `prefix_${part}.${layer}`, output: `${part}.${layer}` })),
    ).flat();
  }
}

/** [images, queries, width] → each image's rows, as a view. */
export function rowsOf(softPrompts: Tensor): readonly Float32Array[] {
  const [images = 0, queries = 0, width = 0] = softPrompts.dims;
  const size = queries * width;
  return Array.from({ length: images }, (_, image) => floats(softPrompts).subarray(image * size, (image + 1) * size));
}
