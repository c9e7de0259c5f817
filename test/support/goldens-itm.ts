/** What the reference computes on shapes-itm (fixtures/goldens/shapes-itm), as the tests read it. */
import assert from "node:assert/strict";
import { open } from "node:fs/promises";
import path from "node:path";
import { readBytes, readSafetensorsHeader, readTensor } from "../../models/checkpoint/safetensors.ts";
import type { TensorEntry } from "../../models/checkpoint/safetensors.ts";
import { projectRoot } from "./project.ts";

const folder = path.join(projectRoot, "test", "fixtures", "goldens", "shapes-itm");

/** The tensors of one of the two files. */
export class ItmGoldens {
  readonly #entries: ReadonlyMap<string, TensorEntry>;

  private constructor(entries: ReadonlyMap<string, TensorEntry>) {
    this.#entries = entries;
  }

  static async of(file: "tensors" | "retrieval"): Promise<ItmGoldens> {
    return new ItmGoldens(await readSafetensorsHeader(path.join(folder, `${file}.safetensors`)));
  }

  shape(name: string): readonly number[] {
    return this.#entry(name).shape;
  }

  async floats(name: string): Promise<Float32Array> {
    return readTensor(this.#entry(name));
  }

  async integers(name: string): Promise<Int32Array> {
    const { file, offset, byteLength, dtype } = this.#entry(name);
    assert.equal(dtype, "I32");
    await using handle = await open(file);
    return new Int32Array((await readBytes({ file, handle }, offset, byteLength)).buffer);
  }

  #entry(name: string): TensorEntry {
    const entry = this.#entries.get(name);
    assert.ok(entry, `no golden tensor "${name}"`);
    return entry;
  }
}
