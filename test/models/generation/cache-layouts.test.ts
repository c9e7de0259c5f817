/** A decoder over a cache that lies place by place gives what it gives over one that lies sequence by sequence. */
import assert from "node:assert/strict";
import { normalNumbers } from "../../../models/checkpoint/random-numbers.ts";
import { MASKED } from "../../../models/generation/mask.ts";
import { optDecoder } from "../../../models/networks/opt.ts";
import { t5Decoder } from "../../../models/networks/t5.ts";
import type { CacheLayout } from "../../../models/networks/cache-rows.ts";
import type { Graph } from "../../../models/graph/graph.ts";
import { float32Tensor, floats, int32Tensor, int64Tensor, Session } from "../../../models/runtime.ts";
import type { Feeds } from "../../../models/runtime.ts";
import { assertClose, bundled } from "../../support/goldens.ts";

const [batch, tokens, past, source] = [3, 2, 7, 5];
const rows = batch * tokens;

const random = (shape: readonly number[], seed: number) =>
  float32Tensor(
    normalNumbers(
      shape.reduce((a, b) => a * b, 1),
      { seed, deviation: 1 },
    ),
    shape,
  );

/** [a, b, c, head] → with its axes in this order */
function reordered(tensor: Feeds[string], order: readonly [number, number, number]): Feeds[string] {
  const [a = 0, b = 0, c = 0, head = 0] = tensor.dims;
  const shape = order.map((axis) => tensor.dims[axis] ?? 0);
  const values = new Float32Array(a * b * c * head);
  for (let at = 0; at < a * b * c; at += 1) {
    const place = [Math.floor(at / (b * c)), Math.floor(at / c) % b, at % c];
    const [first = 0, second = 0, third = 0] = order.map((axis) => place[axis] ?? 0);
    const to = (first * (shape[1] ?? 0) + second) * (shape[2] ?? 0) + third;
    values.set(floats(tensor).subarray(at * head, (at + 1) * head), to * head);
  }
  return float32Tensor(values, [...shape, head]);
}

interface Sizes {
  readonly layers: number;
  readonly heads: number;
  readonly head: number;
}

/** Hidden states and the new keys and values, [batch, heads, tokens, head], of both layouts. */
async function both(build: (layout: CacheLayout) => Graph, own: Feeds, { layers, heads, head }: Sizes) {
  const names = Array.from({ length: layers }, (_, layer) => [`keys.${layer}`, `values.${layer}`]).flat();
  const cached = names.map((name, index) => [name, random([batch, heads, past, head], 10 + index)] as const);
  const found: Float32Array[][] = [];
  for (const layout of ["places", "joined"] as const) {
    const session = await Session.load(build(layout), { threads: 1 });
    const feeds = cached.map(([name, tensor]): [string, Feeds[string]] => [
      `past_${name}`,
      layout === "places" ? reordered(tensor, [2, 0, 1]) : tensor,
    ]);
    const outputs = await session.run({ ...own, ...Object.fromEntries(feeds) }, ["hidden", ...names]);
    const recent = names.map((name) => {
      const tensor = outputs[name]!;
      if (layout === "places") return floats(reordered(tensor, [1, 2, 0]));
      // Behind what was given.
      const each = floats(tensor);
      const keys = past + tokens;
      return Float32Array.from({ length: rows * heads * head }, (_, at) => {
        const [row, rest] = [Math.floor(at / (tokens * head)), at % (tokens * head)];
        return each[row * keys * head + past * head + rest]!;
      });
    });
    found.push([floats(outputs["hidden"]!), ...recent]);
    await session.release();
  }
  return found;
}

describe("a cache that lies place by place", () => {
  const keys = past + tokens;
  const mask = Float32Array.from({ length: rows * keys }, (_, at) => (at % 4 === 1 ? MASKED : 0));
  const given = (width: number): Feeds => ({
    embeddings: random([batch, tokens, width], 1),
    mask: float32Tensor(mask, [batch, 1, tokens, keys]),
  });

  for (const name of ["shapes-opt-small", "shapes-opt-base", "shapes-t5-small", "shapes-t5-base"]) {
    it(`gives the decoder of ${name} what one that lies sequence by sequence gives it`, async () => {
      const { checkpoint, weights } = await bundled(name);
      const { config } = checkpoint;
      assert.ok(config.kind === "generation");
      const { text } = config;
      const [places, joined] =
        text.family === "opt"
          ? await both(
              (layout) => optDecoder(weights.at("language_model.model.decoder"), text, layout),
              { ...given(text.wordWidth), positions: int64Tensor([9, 9, 4, 5, 0, 1], [batch, tokens]) },
              { layers: text.layers, heads: text.heads, head: text.hidden / text.heads },
            )
          : await both(
              (layout) => t5Decoder(weights.at("language_model"), text, layout),
              {
                ...given(text.width),
                buckets: int32Tensor(
                  Int32Array.from({ length: rows * keys }, (_, at) => at % 7),
                  [batch, tokens, keys],
                ),
                source_mask: float32Tensor(new Float32Array(batch * source), [batch, 1, 1, source]),
                ...Object.fromEntries(
                  Array.from({ length: 2 * text.decoderLayers }, (_, index) => [
                    `source_${index % 2 === 0 ? "keys" : "values"}.${Math.floor(index / 2)}`,
                    random([batch, text.heads, source, text.keyWidth], 100 + index),
                  ]),
                ),
              },
              { layers: text.decoderLayers, heads: text.heads, head: text.keyWidth },
            );
      for (const [index, values] of places!.entries()) assertClose(values, joined![index]!, `output ${index}`);
    });
  }
});
