/** The floor under masked scores: what attention gives with it is what it gives without, bit for bit. */
import assert from "node:assert/strict";
import { createSession } from "../../../models/onnxruntime.ts";
import { MASKED } from "../../../models/generation/mask.ts";
import { GraphBuilder } from "../../../models/graph/builder.ts";
import type { Graph } from "../../../models/graph/graph.ts";
import { attention, attentionOverCache } from "../../../models/graph/layers.ts";
import { float32Tensor, floats } from "../../../models/runtime.ts";
import type { Feeds } from "../../../models/runtime.ts";
import { normalNumbers } from "../../../models/checkpoint/random-numbers.ts";

const [batch, heads, tokens, head, past] = [2, 3, 4, 8, 20];
const smallestNormal = 2 ** -126;

function random(
  shape: readonly number[],
  seed: number,
  deviation = 1,
): [numbers: Float32Array, shape: readonly number[]] {
  return [
    normalNumbers(
      shape.reduce((a, b) => a * b, 1),
      { seed, deviation },
    ),
    shape,
  ];
}

/** Every third key masked; of the first row all keys but one, and of the last row all. */
function mask(keys: number): Float32Array {
  const rows = batch * tokens;
  return Float32Array.from({ length: rows * keys }, (_, at) =>
    at % 3 === 1 || (at > 0 && at < keys) || at >= (rows - 1) * keys ? MASKED : 0,
  );
}

async function outputs(bytes: Uint8Array, feeds: Feeds): Promise<Readonly<Record<string, Float32Array>>> {
  const session = await createSession(bytes, { executionProviders: ["cpu"], intraOpNumThreads: 1 });
  const found = await session.run(feeds);
  await session.release();
  return Object.fromEntries(Object.entries(found).map(([name, tensor]) => [name, floats(tensor)]));
}

async function withAndWithout(graph: Graph, feeds: Feeds) {
  return { floored: await outputs(graph.bytesOnCpu(), feeds), plain: await outputs(graph.bytes, feeds) };
}

describe("the floor under masked scores", () => {
  it("leaves no denormal number behind Softmax, and the other numbers as they were", async () => {
    const g = new GraphBuilder("softmax");
    const shape = [batch, 1, tokens, past];
    const masked = g.add(g.input("scores", shape), g.input("mask", shape));
    g.output("seen", g.maskedSoftmax(masked));
    const { floored, plain } = await withAndWithout(g.finish(), {
      scores: float32Tensor(...random(shape, 1, 40)),
      mask: float32Tensor(mask(past), shape),
    });
    const denormal = (values: Float32Array): number =>
      values.filter((value) => value !== 0 && value < smallestNormal).length;
    assert.ok(denormal(plain["seen"]!) > 0);
    assert.equal(denormal(floored["seen"]!), 0);
    for (const [at, value] of plain["seen"]!.entries()) {
      if (value >= 1e-26) assert.equal(floored["seen"]![at], value);
      else assert.ok(floored["seen"]![at]! < 1e-26);
    }
  });

  it("changes no number of attention, over one group of keys or two", async () => {
    const g = new GraphBuilder("attention");
    const states = (name: string, axis: string) => g.input(name, [batch, heads, axis, head]);
    const [q, keys, values] = [states("q", "tokens"), states("keys", "past"), states("values", "past")];
    const recent = { keys: states("new_keys", "tokens"), values: states("new_values", "tokens"), axis: "tokens" };
    const seen = g.input("mask", [batch, 1, "tokens", "past"]);
    const all = g.input("all", [batch, 1, "tokens", "keys"]);
    g.output("one", attention(g, q, keys, values, seen));
    g.output("two", attentionOverCache(g, q, { keys, values, axis: "past" }, recent, all));
    const state = (length: number, seed: number) => float32Tensor(...random([batch, heads, length, head], seed));
    const { floored, plain } = await withAndWithout(g.finish(), {
      q: state(tokens, 2),
      keys: state(past, 3),
      values: state(past, 4),
      new_keys: state(tokens, 5),
      new_values: state(tokens, 6),
      mask: float32Tensor(mask(past), [batch, 1, tokens, past]),
      all: float32Tensor(mask(past + tokens), [batch, 1, tokens, past + tokens]),
    });
    assert.deepEqual(floored, plain);
  });
});
