/**
 * Random numbers by counter: the number at a place (seed, draw, index) is a hash of the place. Nothing is remembered, so
 * results do not depend on the order in which places are asked for, nor on how work is shared out.
 */

/** A hash of 32 bits in which each bit of the input moves each bit of the output with a chance near a half: the
 * constants that are in wide use as splitmix32. That they serve here is tested: evenness, bits, neighbours. */
function mixed(value: number): number {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return x ^ (x >>> 15);
}

/** The numbers of one draw: two keys, so that the numbers of one draw are not those of another, shifted. */
export interface DrawKeys {
  readonly inner: number;
  readonly outer: number;
}

/** @param seed, draw whole numbers from 0 to 2 ** 32 - 1 */
export function drawKeys(seed: number, draw: number): DrawKeys {
  const inner = mixed(mixed(seed ^ 0x9e3779b9) + draw); // the golden ratio's digits: seed 0 is as good as another
  return { inner, outer: mixed(inner ^ mixed(draw ^ 0x85ebca6b)) };
}

/** 32 random bits, as a whole number from -(2 ** 31) on. */
export function randomBits({ inner, outer }: DrawKeys, index: number): number {
  return mixed(mixed(index + inner) ^ outer);
}

const two32 = 2 ** 32;

/** From 0 to 1, 1 excluded; 32 bits. */
export function randomShare(keys: DrawKeys, index: number): number {
  return (randomBits(keys, index) >>> 0) / two32;
}

/** A whole number from 0 to `count` - 1; for count up to 2 ** 24 no one is likelier than another by more than 0.4 %. */
export function randomIndex(keys: DrawKeys, index: number, count: number): number {
  return Math.floor(((randomBits(keys, index) >>> 0) / two32) * count);
}

/** A standard normal number; takes the places 2 * index and 2 * index + 1. Box and Muller 1958. */
export function randomNormal(keys: DrawKeys, index: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - randomShare(keys, 2 * index)));
  return radius * Math.cos(2 * Math.PI * randomShare(keys, 2 * index + 1));
}
