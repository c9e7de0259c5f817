/**
 * Damage to the bytes of a file, as fast-check values that shrink: fewer changes first, then earlier places. Half of all places
 * are near the beginning or the end, where formats keep headers, directories and footers.
 */
import fc from "fast-check";

type Change = (bytes: Buffer) => Buffer;

/** Numbers at the borders of what 8, 16, 32 and 64 bits hold, with and without a sign. */
const extremes = [0n, 1n, 0x7fn, 0xffn, 0x7fffn, 0xffffn, 0x7fff_ffffn, 0xffff_ffffn, 1n << 53n, (1n << 63n) - 1n];
const nearEdge = 400;

interface Place {
  readonly from: "start" | "end" | "anywhere";
  readonly at: number;
}

const place: fc.Arbitrary<Place> = fc.record({
  from: fc.constantFrom("start" as const, "end" as const, "anywhere" as const, "anywhere" as const),
  at: fc.nat(1 << 20),
});

function offsetOf({ from, at }: Place, length: number): number {
  if (length === 0) return 0;
  if (from === "anywhere") return at % length;
  const near = at % Math.min(length, nearEdge);
  return from === "start" ? near : length - 1 - near;
}

function joined(...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat(parts);
}

/** `from`: text or bytes that are put into the file besides its own. */
function changes(foreign: readonly Uint8Array[]): fc.Arbitrary<Change> {
  const flip = fc.tuple(place, fc.nat(7)).map(([where, bit]): Change => (bytes) => {
    const copy = Buffer.from(bytes);
    const at = offsetOf(where, copy.length);
    if (copy.length > 0) copy[at]! ^= 1 << bit;
    return copy;
  });
  const byte = fc.tuple(place, fc.nat(255)).map(([where, value]): Change => (bytes) => {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) copy[offsetOf(where, copy.length)] = value;
    return copy;
  });
  const cut = place.map(
    (where): Change =>
      (bytes) =>
        bytes.subarray(0, offsetOf(where, bytes.length)),
  );
  const leftOut = fc.tuple(place, fc.integer({ min: 1, max: 600 })).map(([where, count]): Change => (bytes) => {
    const at = offsetOf(where, bytes.length);
    return joined(bytes.subarray(0, at), bytes.subarray(at + count));
  });
  const repeated = fc
    .tuple(place, place, fc.integer({ min: 1, max: 600 }))
    .map(([taken, put, count]): Change => (bytes) => {
      const from = offsetOf(taken, bytes.length);
      const at = offsetOf(put, bytes.length);
      return joined(bytes.subarray(0, at), bytes.subarray(from, from + count), bytes.subarray(at));
    });
  const number = fc
    .tuple(place, fc.constantFrom(...extremes), fc.constantFrom(2, 4, 8), fc.boolean())
    .map(([where, value, width, isLittle]): Change => (bytes) => {
      const copy = Buffer.from(bytes);
      const at = offsetOf(where, copy.length);
      const written = Buffer.alloc(8);
      if (isLittle) written.writeBigUInt64LE(value);
      else written.writeBigUInt64BE(BigInt.asUintN(64, value << BigInt(8 * (8 - width))));
      written.copy(copy, at, 0, Math.min(width, copy.length - at));
      return copy;
    });
  const spliced = fc.tuple(place, fc.constantFrom(...foreign)).map(([where, put]): Change => (bytes) => {
    const at = offsetOf(where, bytes.length);
    return joined(bytes.subarray(0, at), put, bytes.subarray(at));
  });
  return fc.oneof(flip, byte, number, number, cut, leftOut, repeated, spliced);
}

const words = [
  '"',
  "[",
  "{",
  "\0",
  ",",
  "\n",
  "\t",
  "-",
  "&a",
  "*a",
  "!!js",
  "__proto__",
  "\u{feff}",
  "999999999999999999999",
];
const foreignBytes = [
  ...words.map((word) => Buffer.from(word)),
  Buffer.from([0xff, 0xfe]),
  Buffer.from([0xed, 0xa0, 0x80]),
];

/** The file with one to four changes. */
export function damagedBytes(original: Uint8Array): fc.Arbitrary<Buffer> {
  const start = Buffer.from(original);
  return fc
    .array(changes(foreignBytes), { minLength: 1, maxLength: 4 })
    .map((all) => all.reduce<Buffer>((bytes, change) => change(bytes), start));
}
