/** Weights that are not mapped where they lie: converted once, into our cache, whole or not at all. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, truncateSync, utimesSync, mkdirSync } from "node:fs";
import path from "node:path";
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import type { Checkpoint } from "../../../models/checkpoint/checkpoint.ts";
import { fp32Weights } from "../../../models/checkpoint/float-weights.ts";
import { readTensor } from "../../../models/checkpoint/safetensors.ts";
import type { TensorEntry } from "../../../models/checkpoint/safetensors.ts";
import { projectRoot } from "../../support/project.ts";
import { config } from "../../support/tiny-checkpoint.ts";
import { assertRefused, safetensorsBytes, temporaryFolder } from "../../support/temporary-files.ts";

/** [1, 2, 3] in half precision, an aligned and a badly aligned fp32 tensor, a table of integers, a bias in two parts. */
function mixedCheckpoint(): string {
  const attention = "vision_model.encoder.layers.0.self_attn";
  const header = {
    aligned: { dtype: "F32", shape: [1, 2], data_offsets: [0, 8] },
    half: { dtype: "F16", shape: [3, 1], data_offsets: [8, 14] },
    brain: { dtype: "BF16", shape: [3], data_offsets: [14, 20] },
    crooked: { dtype: "F32", shape: [2], data_offsets: [20, 28] },
    [`${attention}.q_bias`]: { dtype: "F16", shape: [2], data_offsets: [28, 32] },
    [`${attention}.v_bias`]: { dtype: "F16", shape: [2], data_offsets: [32, 36] },
    integers: { dtype: "I32", shape: [1], data_offsets: [36, 40] },
  };
  const half = [0x3c00, 0x4000, 0x4200];
  const data = Buffer.concat([
    new Uint8Array(Float32Array.of(7, 8).buffer),
    new Uint8Array(Uint16Array.from([...half, 0x3f80, 0x4000, 0x4040]).buffer),
    new Uint8Array(Float32Array.of(1e-40, -9).buffer),
    new Uint8Array(Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400).buffer),
    new Uint8Array(Int32Array.of(3).buffer),
  ]);
  const text = JSON.stringify(header);
  const aligned = text.padEnd(Math.ceil(text.length / 8) * 8);
  return temporaryFolder({ "config.json": config, "model.safetensors": safetensorsBytes(aligned, data) });
}

async function open(folder: string, cacheFolder: string): Promise<Checkpoint> {
  return openCheckpoint(folder, { hubCache: "/nowhere", cacheFolder });
}

async function numbers(weights: ReadonlyMap<string, TensorEntry>, name: string): Promise<readonly number[]> {
  const entry = weights.get(name);
  assert.ok(entry);
  return [...(await readTensor(entry))];
}

/** The folders in the cache of converted weights. */
const converted = (cacheFolder: string): readonly string[] => readdirSync(path.join(cacheFolder, "fp32"));

describe("fp32 weights", () => {
  it("are all the float tensors of a checkpoint, F32 and aligned, with the same numbers", async () => {
    const cacheFolder = temporaryFolder();
    const checkpoint = await open(mixedCheckpoint(), cacheFolder);
    const weights = await fp32Weights(checkpoint, { cacheFolder });
    const bias = "vision_model.encoder.layers.0.self_attn.qkv.bias";
    assert.deepEqual([...weights.keys()].toSorted(), ["aligned", "brain", "crooked", "half", "integers", bias]);
    for (const { name, dtype, offset, byteLength, shape } of weights.values()) {
      if (name === "integers") continue;
      assert.equal(dtype, "F32");
      assert.equal(offset % 8, 0, name);
      assert.equal(byteLength, 4 * shape.reduce((product, length) => product * length, 1));
    }
    assert.deepEqual(await numbers(weights, "aligned"), [7, 8]);
    assert.deepEqual(await numbers(weights, "half"), [1, 2, 3]);
    assert.deepEqual(await numbers(weights, "brain"), [1, 2, 3]);
    assert.deepEqual(await numbers(weights, "crooked"), [Math.fround(1e-40), -9]);
    assert.deepEqual(await numbers(weights, bias), [1, 2, 0, 0, 3, 4]);
    assert.deepEqual(weights.get("half")?.shape, [3, 1]);
  });

  it("stay in the checkpoint where they can be mapped, and leave it untouched", async () => {
    const cacheFolder = temporaryFolder();
    const folder = mixedCheckpoint();
    const checkpoint = await open(folder, cacheFolder);
    const weights = await fp32Weights(checkpoint, { cacheFolder });
    assert.equal(weights.get("aligned"), checkpoint.tensors.get("aligned"));
    assert.ok(weights.get("half")?.file.startsWith(cacheFolder));
    assert.deepEqual(readdirSync(folder).toSorted(), ["config.json", "model.safetensors"]);
  });

  it("need no cache where all of them can be mapped", async () => {
    const cacheFolder = temporaryFolder();
    const checkpoint = await open(path.join(projectRoot, "models", "bundled", "shapes-opt-small"), cacheFolder);
    assert.equal(await fp32Weights(checkpoint, { cacheFolder }), checkpoint.tensors);
    assert.deepEqual(readdirSync(cacheFolder), []);
  });

  it("are written once, with their hash beside them", async () => {
    const cacheFolder = temporaryFolder();
    const checkpoint = await open(mixedCheckpoint(), cacheFolder);
    await fp32Weights(checkpoint, { cacheFolder });
    const [key = "", ...others] = converted(cacheFolder);
    assert.deepEqual(others, []);
    const file = path.join(cacheFolder, "fp32", key, "weights.safetensors");
    const sha256 = createHash("sha256").update(readFileSync(file)).digest("hex");
    assert.equal(readFileSync(`${file}.sha256`, "utf8"), `${sha256}  weights.safetensors\n`);

    const written = statSync(file).ino;
    await fp32Weights(await open(mixedCheckpoint(), cacheFolder), { cacheFolder }); // the same bytes elsewhere
    assert.deepEqual(converted(cacheFolder), [key]);
    assert.equal(statSync(file).ino, written);
  });

  it("are written again where the cache was damaged", async () => {
    const cacheFolder = temporaryFolder();
    const checkpoint = await open(mixedCheckpoint(), cacheFolder);
    await fp32Weights(checkpoint, { cacheFolder });
    const [key = ""] = converted(cacheFolder);
    truncateSync(path.join(cacheFolder, "fp32", key, "weights.safetensors"), 100);
    assert.deepEqual(await numbers(await fp32Weights(checkpoint, { cacheFolder }), "half"), [1, 2, 3]);
    assert.deepEqual(converted(cacheFolder), [key]);
  });

  it("may be written by several at once: one stays, the others take it", async () => {
    const cacheFolder = temporaryFolder();
    const checkpoint = await open(mixedCheckpoint(), cacheFolder);
    const all = await Promise.all(Array.from({ length: 5 }, () => fp32Weights(checkpoint, { cacheFolder })));
    for (const weights of all) assert.deepEqual(await numbers(weights, "half"), [1, 2, 3]);
    assert.equal(converted(cacheFolder).length, 1);
  });

  it("clear away what a dead process left, once it is a day old", async () => {
    const cacheFolder = temporaryFolder();
    for (const name of ["old.tmp", "young.tmp"]) mkdirSync(path.join(cacheFolder, "fp32", name), { recursive: true });
    utimesSync(path.join(cacheFolder, "fp32", "old.tmp"), 1000, 1000);
    await fp32Weights(await open(mixedCheckpoint(), cacheFolder), { cacheFolder });
    const left = converted(cacheFolder);
    assert.ok(left.includes("young.tmp") && !left.includes("old.tmp"));
  });

  it("say where they could not be written, and how much it was", async () => {
    const cacheFolder = temporaryFolder({ fp32: "a file" });
    const checkpoint = await open(mixedCheckpoint(), cacheFolder);
    const message = new RegExp(
      `^FOLDER/fp32: cannot write the fp32 weights of ${checkpoint.name} \\(0\\.0 MB\\): E.*` +
        " Use another cache folder \\(--cache\\), or one with more room\\.$",
    );
    await assertRefused(() => fp32Weights(checkpoint, { cacheFolder }), message, cacheFolder);
  });
});
