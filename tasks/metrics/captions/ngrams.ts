/**
 * The n-grams of a caption, counted: what BLEU and CIDEr compare. An `NgramNumbers` assigns a number to each n-gram of
 * one to four words, so that the n-grams of all captions it has counted can be compared by their numbers.
 */

/** BLEU-4 and CIDEr both end here: Papineni et al. 2002, section 2.2; Vedantam et al. 2015, section 4. */
export const longestNgram = 4;

export interface NgramCounts {
  /** Length of the caption, in words. */
  readonly words: number;
  /** The distinct n-grams: those of one word, sorted, then those of two, three, four. */
  readonly ids: readonly number[];
  /** How often the caption has each of them. */
  readonly counts: readonly number[];
  /** For each n from 1 on, where its n-grams end in `ids`. */
  readonly ends: readonly number[];
}

/** Gives n-grams their numbers, in the order they are met. Grows while captions are counted. */
export class NgramNumbers {
  readonly #words = new Map<string, number>();
  readonly #longer = new PairTable();
  #size = 0;

  /** Numbers given so far. */
  get size(): number {
    return this.#size;
  }

  /** The n-grams of a caption of these words. */
  count(words: readonly string[]): NgramCounts {
    const numbers = words.map((word) => this.#numberOfWord(word));
    const ids: number[] = [];
    const counts: number[] = [];
    const ends: number[] = [];
    let ngrams = numbers; // n-gram numbers by start position
    for (let n = 1; n <= longestNgram; n += 1) {
      if (n > 1) ngrams = this.#longerBy(ngrams, numbers.slice(n - 1));
      countDistinct(ngrams, ids, counts);
      ends.push(ids.length);
    }
    return { words: words.length, ids, counts, ends };
  }

  #numberOfWord(word: string): number {
    let number = this.#words.get(word);
    if (number === undefined) this.#words.set(word, (number = this.#size++));
    return number;
  }

  #longerBy(ngrams: readonly number[], following: readonly number[]): number[] {
    return following.map((word, position) => {
      const number = this.#longer.getOrSet(ngrams[position] ?? 0, word, this.#size);
      if (number === this.#size) this.#size += 1;
      return number;
    });
  }
}

/** Appends the distinct n-grams to `ids`, sorted, and how often each comes to `counts`. */
function countDistinct(ngrams: readonly number[], ids: number[], counts: number[]): void {
  let last = -1;
  for (const id of ngrams.toSorted((a, b) => a - b)) {
    if (id === last) {
      counts[counts.length - 1]! += 1;
    } else {
      ids.push(id);
      counts.push(1);
      last = id;
    }
  }
}

/** Calls `visit` with every n-gram that two captions share: its places in `ids` of the first and of the second, and n - 1. */
export function forEachShared(
  first: NgramCounts,
  second: NgramCounts,
  visit: (inFirst: number, inSecond: number, order: number) => void,
): void {
  let i = 0;
  let j = 0;
  for (let order = 0; order < longestNgram; order += 1) {
    const firstEnd = first.ends[order] ?? 0;
    const secondEnd = second.ends[order] ?? 0;
    while (i < firstEnd && j < secondEnd) {
      const difference = (first.ids[i] ?? 0) - (second.ids[j] ?? 0);
      if (difference === 0) visit(i, j, order);
      if (difference <= 0) i += 1;
      if (difference >= 0) j += 1;
    }
    i = firstEnd;
    j = secondEnd;
  }
}

/**
 * Maps the number of an n-gram and that of the following word to the number of the longer n-gram. A hash table in typed
 * arrays.
 */
class PairTable {
  #firsts = new Int32Array(2 ** 12);
  #seconds = new Int32Array(2 ** 12);
  /** -1: the place is free. */
  #values = new Int32Array(2 ** 12).fill(-1);
  #taken = 0;

  /** The value of a pair; `value` becomes it where there is none. */
  getOrSet(first: number, second: number, value: number): number {
    if (2 * this.#taken >= this.#values.length) this.#grow();
    const place = this.#placeOf(first, second);
    const present = this.#values[place]!;
    if (present !== -1) return present;
    this.#firsts[place] = first;
    this.#seconds[place] = second;
    this.#values[place] = value;
    this.#taken += 1;
    return value;
  }

  #placeOf(first: number, second: number): number {
    const last = this.#values.length - 1; // one less than a power of two
    const mixed = Math.imul(Math.imul(first, 0x9e3779b1) ^ second, 0x85ebca6b); // odd factors: Knuth's golden ratio, MurmurHash3
    let place = (mixed ^ (mixed >>> 15)) & last;
    while (this.#values[place] !== -1 && (this.#firsts[place] !== first || this.#seconds[place] !== second)) {
      place = (place + 1) & last;
    }
    return place;
  }

  #grow(): void {
    const [firsts, seconds, values] = [this.#firsts, this.#seconds, this.#values];
    const length = 2 * values.length;
    this.#firsts = new Int32Array(length);
    this.#seconds = new Int32Array(length);
    this.#values = new Int32Array(length).fill(-1);
    for (const [old, value] of values.entries()) {
      if (value === -1) continue;
      const place = this.#placeOf(firsts[old]!, seconds[old]!);
      this.#firsts[place] = firsts[old]!;
      this.#seconds[place] = seconds[old]!;
      this.#values[place] = value;
    }
  }
}
