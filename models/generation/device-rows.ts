/**
 * Tensors [rows, …] that stay on the device, a row a sequence. Nothing of them comes out: rows are picked and joined by small
 * graphs there. What is no longer used is freed at once, for the memory of a device is not seen by the garbage collector.
 */
import { joinRows, pickRows } from "../networks/cache-rows.ts";
import type { RowSize } from "../networks/cache-rows.ts";
import { freeOnDevice, int64Tensor, Session } from "../runtime.ts";
import type { Feeds, RuntimeOptions } from "../runtime.ts";

/** The graphs for tensors of these names, all [rows, heads, places, head]. */
export class RowGraphs {
  readonly names: readonly string[];
  readonly #pick: Session;
  readonly #join: Session;

  private constructor(names: readonly string[], pick: Session, join: Session) {
    this.names = names;
    this.#pick = pick;
    this.#join = join;
  }

  static async load(names: readonly string[], size: RowSize, runtime: RuntimeOptions): Promise<RowGraphs> {
    const pick = await Session.load(pickRows(names, size), runtime, { onDevice: prefixed("picked.", names) });
    const join = await Session.load(joinRows(names, size), runtime, { onDevice: prefixed("joined.", names) });
    return new RowGraphs(names, pick, join);
  }

  /** New tensors; those given stay. */
  async pick(tensors: Feeds, rows: readonly number[]): Promise<Feeds> {
    const picked = await this.#pick.run(
      { ...tensors, rows: int64Tensor(rows, [rows.length]) },
      prefixed("picked.", this.names),
    );
    return this.#named("picked.", picked);
  }

  /** New tensors; those given stay. */
  async join(first: Feeds, second: Feeds): Promise<Feeds> {
    const more = Object.fromEntries(this.names.map((name) => [`more.${name}`, second[name]!]));
    return this.#named("joined.", await this.#join.run({ ...first, ...more }, prefixed("joined.", this.names)));
  }

  async release(): Promise<void> {
    await this.#pick.release();
    await this.#join.release();
  }

  #named(prefix: string, outputs: Feeds): Feeds {
    return Object.fromEntries(this.names.map((name) => [name, outputs[prefix + name]!]));
  }
}

/** Of the sequences of a batch, which come together and go one by one. */
export class DeviceRows {
  readonly #graphs: RowGraphs;
  #tensors: Feeds;
  /** Of each sequence. */
  #rows: number[];

  /** Takes the tensors over: they are freed here. */
  constructor(graphs: RowGraphs, tensors: Feeds, sequences: number) {
    this.#graphs = graphs;
    this.#tensors = tensors;
    this.#rows = Array.from({ length: sequences }, (_, row) => row);
  }

  get sequences(): number {
    return this.#rows.length;
  }

  /** Others in their place, a row for each sequence, in their order. */
  replace(tensors: Feeds): void {
    freeOnDevice(this.#tensors);
    this.#tensors = tensors;
    this.#rows = this.#rows.map((_, row) => row);
  }

  /** Takes a sequence out; the last one moves to its index. Its row goes before the next run, with others that do. */
  remove(sequence: number): void {
    const last = this.#rows.pop()!;
    if (sequence < this.#rows.length) this.#rows[sequence] = last;
    if (this.#rows.length === 0) this.dispose();
  }

  /** By their names, a row for each sequence. */
  async feeds(): Promise<Feeds> {
    const [first] = Object.values(this.#tensors);
    const isWhole = first?.dims[0] === this.#rows.length && this.#rows.every((row, index) => row === index);
    if (!isWhole) this.replace(await this.#graphs.pick(this.#tensors, this.#rows));
    return this.#tensors;
  }

  dispose(): void {
    freeOnDevice(this.#tensors);
    this.#tensors = {};
    this.#rows = [];
  }
}

function prefixed(prefix: string, names: readonly string[]): readonly string[] {
  return names.map((name) => prefix + name);
}
