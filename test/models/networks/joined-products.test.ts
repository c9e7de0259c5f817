/** Products of several matrices with one input: joined in int8, and bit for bit those of each matrix alone. */
import assert from "node:assert/strict";
import path from "node:path";
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { parsePrecision } from "../../../models/checkpoint/precision.ts";
import type { PrecisionName } from "../../../models/checkpoint/precision.ts";
import { prepareWeights } from "../../../models/checkpoint/quantized-weights.ts";
import type { Weights } from "../../../models/checkpoint/weights.ts";
import { GraphBuilder } from "../../../models/graph/builder.ts";
import { linears } from "../../../models/graph/joined-products.ts";
import { linear } from "../../../models/graph/layers.ts";
import { float32Tensor, floats, Session } from "../../../models/runtime.ts";
import { projectRoot } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const size = { from: 64, to: 64 }; // of shapes-opt-small's queries, keys and values
const names = ["q_proj", "k_proj", "v_proj"];

async function attentionWeights(precision: PrecisionName): Promise<Weights> {
  const cacheFolder = temporaryFolder();
  const folder = path.join(projectRoot, "models", "bundled", "shapes-opt-small");
  const checkpoint = await openCheckpoint(folder, { hubCache: "/nowhere", cacheFolder });
  const weights = await prepareWeights(checkpoint, { cacheFolder, precision: parsePrecision(precision) });
  return weights.at("language_model.model.decoder.layers.0.self_attn");
}

describe("products with one input", () => {
  for (const { precision, rows } of [
    { precision: "int8", rows: 1 },
    { precision: "int8", rows: 40 },
    { precision: "fp32", rows: 40 },
    { precision: "int4", rows: 1 },
  ] as const) {
    it(`are, joined or not, those of each matrix alone: ${precision}, ${rows} ${rows === 1 ? "row" : "rows"}`, async () => {
      const weights = await attentionWeights(precision);
      const parts = names.map((name) => weights.at(name));
      const g = new GraphBuilder("products");
      const x = g.input("x", ["rows", size.from]);
      for (const [index, part] of parts.entries()) g.output(`alone.${index}`, linear(g, x, part, size));
      for (const [index, y] of linears(g, x, parts, size).entries()) g.output(`joined.${index}`, y);
      const session = await Session.load(g.finish(), { threads: 2 });
      const input = Float32Array.from({ length: rows * size.from }, (_, i) => Math.sin(i * 0.7) * (1 + (i % 3)));
      const outputs = names.flatMap((_, index) => [`alone.${index}`, `joined.${index}`]);
      const found = await session.run({ x: float32Tensor(input, [rows, size.from]) }, outputs);
      for (const index of names.keys()) {
        assert.deepEqual(floats(found[`joined.${index}`]!), floats(found[`alone.${index}`]!));
        assert.deepEqual(found[`joined.${index}`]!.dims, [rows, size.to]);
      }
      assert.notDeepEqual(floats(found["joined.0"]!), floats(found["joined.1"]!));
      await session.release();
    });
  }

  it("are one product in int8", async () => {
    const weights = await attentionWeights("int8");
    const g = new GraphBuilder("products");
    const x = g.input("x", ["rows", size.from]);
    const ys = linears(
      g,
      x,
      names.map((name) => weights.at(name)),
      size,
    );
    for (const [index, y] of ys.entries()) g.output(`y.${index}`, y);
    const products = Buffer.from(g.finish().bytes)
      .toString("latin1")
      .matchAll(/DynamicQuantizeMatMul_\d+/g);
    assert.equal(new Set([...products].map(String)).size, 1);
  });
});
