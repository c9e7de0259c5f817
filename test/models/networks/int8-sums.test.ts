/** Products of 8-bit integers: exact on this processor, by itself or by ONNX Runtime's remedy. */
import assert from "node:assert/strict";
import path from "node:path";
import { readSafetensorsHeader } from "../../../models/checkpoint/safetensors.ts";
import { writeSafetensors } from "../../../models/checkpoint/safetensors-writer.ts";
import { GraphBuilder } from "../../../models/graph/builder.ts";
import { areInt8SumsExact } from "../../../models/int8-sums.ts";
import { float32Tensor, floats, Session } from "../../../models/runtime.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const width = 96;

describe("int8 sums", () => {
  it("are asked of the processor once", () => {
    assert.equal(areInt8SumsExact(), areInt8SumsExact());
  });

  // The largest weights in pairs overflow 16 bits, where they are added up in so many.
  it("are exact in a loaded graph, from one row to many", async () => {
    const file = path.join(temporaryFolder(), "weights.safetensors");
    const weights = Int8Array.from({ length: width * width }, (_, at) => (at % 5 === 4 ? -127 : 127));
    await writeSafetensors(file, [
      { name: "weight", dtype: "I8", shape: [width, width], read: () => Promise.resolve(weights) },
      { name: "scales", dtype: "F32", shape: [width], read: () => Promise.resolve(new Float32Array(width).fill(1)) },
    ]);
    const entries = await readSafetensorsHeader(file);
    const g = new GraphBuilder("largest");
    const x = g.input("x", ["rows", width]);
    const w = { weight: g.weight(entries.get("weight")!), scales: g.weight(entries.get("scales")!) };
    g.output("y", g.dynamicQuantizedMatmul(x, w, null));
    const graph = g.finish();
    assert.equal(graph.hasInt8Weights, true);
    const session = await Session.load(graph, { threads: 1 });
    for (const rows of [1, 7, 16, 70]) {
      const full = float32Tensor(new Float32Array(rows * width).fill(255), [rows, width]);
      const { y } = await session.run({ x: full }, ["y"]);
      const expected = Array.from({ length: width }, (_, column) => {
        let sum = 0;
        for (let row = 0; row < width; row += 1) sum += 255 * weights[row * width + column]!;
        return sum;
      });
      for (let row = 0; row < rows; row += 1) {
        assert.deepEqual([...floats(y).subarray(row * width, (row + 1) * width)], expected, `row ${row} of ${rows}`);
      }
    }
    await session.release();
  });
});
