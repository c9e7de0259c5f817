/**
 * Keys and values of past tokens where they are computed: a decoder gives those before and the new ones as one tensor, which
 * stays on the device and is fed back. So all sequences of a batch fill the same places: with a short prompt, or fewer beams
 * than the others, some that nothing sees. Place 0 is none either, see `prefixes` in decoding-batch.ts.
 */
import type { Tensor } from "onnxruntime-node";
import { emptyNumbers, freeOnDevice, numbersTensor } from "../runtime.ts";
import type { Feeds, RuntimeOptions } from "../runtime.ts";
import { DeviceRows, RowGraphs } from "./device-rows.ts";
import { pastNames, sharedPrefixes } from "./sequence-cache.ts";
import type { CacheShape, NewKeysAndValues, Places, Prefix, SequenceCache, SequenceCaches } from "./sequence-cache.ts";

/** The places before the first token's. */
const unseen = 1;

export class DeviceCaches implements SequenceCaches {
  readonly #shape: CacheShape;
  readonly #graphs: RowGraphs;
  /** What an error may have left open is freed when the next is opened. */
  #last: DeviceKvCache | null = null;

  private constructor(shape: CacheShape, graphs: RowGraphs) {
    this.#shape = shape;
    this.#graphs = graphs;
  }

  static async load(shape: CacheShape, runtime: RuntimeOptions): Promise<DeviceCaches> {
    return new DeviceCaches(shape, await RowGraphs.load(pastNames(shape), shape, runtime));
  }

  nothing(sequences: number): Feeds {
    const { type, heads, head } = this.#shape;
    const zeros = emptyNumbers(type, sequences * heads * unseen * head);
    const tensor = (): Tensor => numbersTensor(zeros, [sequences, heads, unseen, head]);
    return Object.fromEntries(this.#graphs.names.map((name) => [name, tensor()]));
  }

  open(): DeviceKvCache {
    this.#last?.dispose();
    this.#last = new DeviceKvCache(this.#graphs, (sequences) => this.nothing(sequences));
    return this.#last;
  }

  prefixes(cached: NewKeysAndValues, size: { images: number; tokens: number }): readonly Prefix[] {
    return sharedPrefixes(cached, size, freeOnDevice);
  }

  async release(): Promise<void> {
    this.#last?.dispose();
    await this.#graphs.release();
  }
}

export class DeviceKvCache implements SequenceCache {
  readonly #graphs: RowGraphs;
  readonly #nothing: DeviceCaches["nothing"];
  #rows: DeviceRows | null = null;
  #places = 0;

  constructor(graphs: RowGraphs, nothing: DeviceCaches["nothing"]) {
    this.#graphs = graphs;
    this.#nothing = nothing;
  }

  places(): number {
    return this.#places;
  }

  /** All sequences begin together, in an empty cache: none joins a batch that has decoded some tokens. */
  async begin(prefixes: readonly (Prefix | null)[]): Promise<readonly Places[]> {
    if (this.#rows !== null && this.#rows.sequences > 0) throw new Error("sequences cannot join others on a device");
    const there = prefixes.filter((prefix) => prefix !== null);
    if (there.length > 0 && there.length < prefixes.length)
      throw new Error("some sequences have a prefix, others none");
    const length = there[0]?.length ?? 0;
    if (there.some((prefix) => prefix.length !== length)) throw new Error("prefixes of several lengths");
    const tensors = there.length === 0 ? this.#nothing(prefixes.length) : await this.#gathered(there);
    this.#rows = new DeviceRows(this.#graphs, tensors, prefixes.length);
    this.#places = unseen + length;
    return prefixes.map(() => ({ from: unseen, count: length }));
  }

  keep(cached: NewKeysAndValues, { counts }: { readonly counts: readonly number[] }): readonly number[] {
    const first = this.#places;
    this.#rows?.replace(named(cached));
    this.#places = cached.keys[0]?.dims[2] ?? 0;
    return counts.map(() => first);
  }

  remove(sequence: number): void {
    this.#rows?.remove(sequence);
  }

  async feeds(): Promise<Feeds> {
    return this.#rows === null ? {} : this.#rows.feeds();
  }

  dispose(): void {
    this.#rows?.dispose();
    this.#rows = null;
  }

  /** A row for each prefix; they may have been computed in several runs. */
  async #gathered(prefixes: readonly Prefix[]): Promise<Feeds> {
    const runs = [...new Set(prefixes.map(({ cached }) => cached))];
    const firstRows = new Map<NewKeysAndValues, number>();
    let rows = 0;
    let all = named(runs[0]!);
    for (const [index, run] of runs.entries()) {
      firstRows.set(run, rows);
      rows += run.keys[0]!.dims[0]!;
      if (index === 0) continue;
      const before = all;
      all = await this.#graphs.join(before, named(run)).finally(() => {
        if (index > 1) freeOnDevice(before); // the first are the prefixes' own
      });
    }
    const rowsOfAll = prefixes.map(({ cached, row }) => firstRows.get(cached)! + row);
    return this.#graphs.pick(all, rowsOfAll).finally(() => {
      if (runs.length > 1) freeOnDevice(all);
    });
  }
}

function named({ keys, values }: NewKeysAndValues): Feeds {
  const feeds: Record<string, Tensor> = {};
  for (const [layer, tensor] of keys.entries()) feeds[`past_keys.${layer}`] = tensor;
  for (const [layer, tensor] of values.entries()) feeds[`past_values.${layer}`] = tensor;
  return feeds;
}
