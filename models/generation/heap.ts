/** A binary heap: the first of its values is always at the top. */
export class Heap<T> {
  readonly #values: T[] = [];
  readonly #isBefore: (a: T, b: T) => boolean;

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  /** null: there is none. */
  get first(): T | null {
    return this.#values[0] ?? null;
  }

  add(value: T): void {
    const values = this.#values;
    let place = values.length;
    values.push(value);
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!this.#isBefore(value, values[parent]!)) break;
      values[place] = values[parent]!;
      place = parent;
    }
    values[place] = value;
  }

  /** The first goes, and `value` comes; null: nothing comes. There must be a first. */
  replaceFirst(value: T | null): void {
    const values = this.#values;
    const moved = value ?? values.pop()!;
    if (values.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= values.length) break;
      if (child + 1 < values.length && this.#isBefore(values[child + 1]!, values[child]!)) child += 1;
      if (!this.#isBefore(values[child]!, moved)) break;
      values[place] = values[child]!;
      place = child;
    }
    values[place] = moved;
  }
}
