/**
 * What decoders read of past tokens: as it lies in memory, place by place, or on a device, sequence by sequence. And rows of
 * tensors that stay on a device: those of the sequences that go on are picked, rows of two tensors are joined. What a
 * KV cache in memory does by copying numbers.
 *
 *   rows  sequences, or images      heads × head  width of the model      places  of each, filled or not
 */
import { GraphBuilder } from "../graph/builder.ts";
import type { Graph } from "../graph/graph.ts";
import type { KeysAndValues } from "../graph/layers.ts";

export interface RowSize {
  readonly type: "float32" | "float16";
  readonly heads: number;
  readonly head: number;
}

/** places: [past, batch, heads, head]; joined: [batch, heads, past, head] */
export type CacheLayout = "places" | "joined";

/** past_keys.i and past_values.i of each layer. */
export function pastInputs(
  g: GraphBuilder,
  layout: CacheLayout,
  { layers, type, heads, head }: RowSize & { readonly layers: number },
): readonly KeysAndValues[] {
  const shape = layout === "places" ? ["past", "batch", heads, head] : ["batch", heads, "past", head];
  return Array.from({ length: layers }, (_, layer) => ({
    keys: g.input(`past_keys.${layer}`, shape, type),
    values: g.input(`past_values.${layer}`, shape, type),
    axis: "past",
  }));
}

/** Of each tensor `name` [rows, heads, places, head] → `picked.name` [picked, heads, places, head] */
export function pickRows(names: readonly string[], { type, heads, head }: RowSize): Graph {
  const g = new GraphBuilder("pick-rows");
  const rows = g.input("rows", ["picked"], "int64");
  for (const name of names) {
    g.output(`picked.${name}`, g.gather(g.input(name, ["rows", heads, "places", head], type), rows));
  }
  return g.finish();
}

/** Of each pair `name` and `more.name` → `joined.name` [rows + more rows, heads, places, head] */
export function joinRows(names: readonly string[], { type, heads, head }: RowSize): Graph {
  const g = new GraphBuilder("join-rows");
  for (const name of names) {
    const first = g.input(name, ["rows", heads, "places", head], type);
    const second = g.input(`more.${name}`, ["more", heads, "places", head], type);
    g.output(`joined.${name}`, g.concat([first, second], 0, "joined"));
  }
  return g.finish();
}
