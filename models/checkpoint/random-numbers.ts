/** Random numbers that a seed decides, the same on every machine: for weights and inputs that only time and memory depend on. */

/** Each call gives the next number above 0 and below 1. */
export function uniformNumbers(seed: number): () => number {
  let state = seed >>> 0 || 1; // 0 would stay 0
  return () => {
    state ^= state << 13; // xorshift32, Marsaglia 2003
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) + 1) / 4294967297;
  };
}

/** Normal with the deviation given. Box and Muller 1958. */
export function normalNumbers(count: number, { seed, deviation }: { seed: number; deviation: number }): Float32Array {
  const uniform = uniformNumbers(seed);
  const numbers = new Float32Array(count);
  for (let i = 0; i < count; i += 1) {
    numbers[i] = deviation * Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  }
  return numbers;
}
