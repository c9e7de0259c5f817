/**
 * The Mersenne Twister MT19937 (Matsumoto and Nishimura 1998), LoadGen's generator of random numbers: same seed, same
 * queries. C++'s std::mt19937 takes a seed modulo 2 ** 32, so LoadGen's 64-bit seeds are reduced, here as there.
 */
const stateWords = 624;
const middleWord = 397;

export class MersenneTwister {
  readonly #state = new Uint32Array(stateWords);
  #next = stateWords;

  constructor(seed: bigint) {
    this.#state[0] = Number(BigInt.asUintN(32, seed));
    for (let word = 1; word < stateWords; word += 1) {
      const before = this.#state[word - 1]!;
      this.#state[word] = Math.imul(before ^ (before >>> 30), 1812433253) + word;
    }
  }

  /** 0 to 2 ** 32 - 1, the numbers of std::mt19937. */
  next(): number {
    if (this.#next === stateWords) this.#twist();
    let word = this.#state[this.#next]!;
    this.#next += 1;
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return (word ^ (word >>> 18)) >>> 0;
  }

  /** 0 to below 1, in steps of 2 ** -53: genrand_res53 of the authors. */
  fraction(): number {
    return ((this.next() >>> 5) * 0x4000000 + (this.next() >>> 6)) / 2 ** 53;
  }

  /** A whole number from 0 to below `count`, each as likely: what is beyond a multiple of `count` is drawn again. */
  below(count: number): number {
    const most = 2 ** 32 - (2 ** 32 % count);
    let drawn = this.next();
    while (drawn >= most) drawn = this.next();
    return drawn % count;
  }

  /** 0 to count - 1, each once, in any order (Fisher and Yates). */
  permutation(count: number): number[] {
    const order = Array.from({ length: count }, (_, index) => index);
    for (let last = count - 1; last > 0; last -= 1) {
      const chosen = this.below(last + 1);
      [order[last], order[chosen]] = [order[chosen]!, order[last]!];
    }
    return order;
  }

  #twist(): void {
    const state = this.#state;
    for (let word = 0; word < stateWords; word += 1) {
      const mixed = (state[word]! & 0x80000000) | (state[(word + 1) % stateWords]! & 0x7fffffff);
      const odd = (mixed & 1) === 0 ? 0 : 0x9908b0df;
      state[word] = state[(word + middleWord) % stateWords]! ^ (mixed >>> 1) ^ odd;
    }
    this.#next = 0;
  }
}
