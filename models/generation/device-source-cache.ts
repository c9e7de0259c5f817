/**
 * What each sequence of a batch reads besides its own tokens, on the device: T5's keys and values of source tokens never come
 * out. Their mask, a number a token, does not stay there.
 *
 *   keys and values [sequences, heads, source, head]      mask [sequences, 1, 1, source]
 */
import { float32Tensor, floats } from "../runtime.ts";
import type { Feeds, RuntimeOptions } from "../runtime.ts";
import { DeviceRows, RowGraphs } from "./device-rows.ts";
import type { CacheShape, SourceRows } from "./sequence-cache.ts";

export class DeviceSources {
  readonly #graphs: RowGraphs;
  /** What an error may have left open is freed when the next is opened. */
  #last: DeviceSourceCache | null = null;

  private constructor(graphs: RowGraphs) {
    this.#graphs = graphs;
  }

  static async load(shape: CacheShape, runtime: RuntimeOptions): Promise<DeviceSources> {
    const layers = Array.from({ length: shape.layers }, (_, layer) => layer);
    const names = layers.flatMap((layer) => [`source_keys.${layer}`, `source_values.${layer}`]);
    return new DeviceSources(await RowGraphs.load(names, shape, runtime));
  }

  /** Of these sequences, as the decoder takes their tensors. */
  open(tensors: Feeds, sequences: number): DeviceSourceCache {
    this.#last?.dispose();
    this.#last = new DeviceSourceCache(this.#graphs);
    this.#last.add(tensors, sequences);
    return this.#last;
  }

  async release(): Promise<void> {
    this.#last?.dispose();
    await this.#graphs.release();
  }
}

export class DeviceSourceCache implements SourceRows {
  readonly #graphs: RowGraphs;
  #rows: DeviceRows | null = null;
  /** Of each sequence: [source] */
  #masks: Float32Array[] = [];

  constructor(graphs: RowGraphs) {
    this.#graphs = graphs;
  }

  /** Sequences, when all before them are gone. Their keys and values are taken over, and freed here. */
  add({ source_mask: mask, ...tensors }: Feeds, sequences: number): void {
    if (this.#masks.length > 0) throw new Error("sequences cannot join others on a device");
    this.#rows = new DeviceRows(this.#graphs, tensors, sequences);
    const all = floats(mask!);
    const source = all.length / sequences;
    this.#masks = Array.from({ length: sequences }, (_, row) => all.subarray(row * source, (row + 1) * source));
  }

  async feeds(): Promise<Feeds> {
    if (this.#rows === null) return {};
    const source = this.#masks[0]?.length ?? 0;
    const all = new Float32Array(this.#masks.length * source);
    for (const [row, mask] of this.#masks.entries()) all.set(mask, row * source);
    const source_mask = float32Tensor(all, [this.#masks.length, 1, 1, source]);
    return { ...(await this.#rows.feeds()), source_mask };
  }

  /** Takes a sequence out; the last one moves to its index. */
  remove(sequence: number): void {
    this.#rows?.remove(sequence);
    const last = this.#masks.pop();
    if (last !== undefined && sequence < this.#masks.length) this.#masks[sequence] = last;
  }

  dispose(): void {
    this.#rows?.dispose();
    this.#rows = null;
    this.#masks = [];
  }
}
