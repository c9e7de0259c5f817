/**
 * SentencePiece's precompiled character map: how a T5 tokenizer normalises text (for example ™ → TM, ideographic space →
 * space). It stands in tokenizer.json as base64: a double-array trie from UTF-8 to offsets, then the replacements, each
 * closed by a zero byte. The tokenizers library for JavaScript puts NFKC in its place, which differs for joiners, control
 * characters and marks; this is the map itself, applied as the Rust library does (spm_precompiled, lib.rs).
 */
import { CheckpointError } from "../model.ts";

/** Normalises a text. `file` names the tokenizer in errors. */
export function readCharacterMap(base64: string, file: string): (text: string) => string {
  const bytes = Buffer.from(base64, "base64");
  const trieBytes = bytes.byteLength < 4 ? -1 : bytes.readUInt32LE();
  if (trieBytes <= 0 || trieBytes % 4 !== 0 || 4 + trieBytes > bytes.byteLength) {
    throw new CheckpointError(`${file}: the precompiled character map is damaged. Download the tokenizer again.`);
  }
  const trie = Uint32Array.from({ length: trieBytes / 4 }, (_, unit) => bytes.readUInt32LE(4 + unit * 4));
  const replacements = bytes.subarray(4 + trieBytes);

  const replacement = (piece: string): string | null => {
    const start = shortestPrefix(trie, Buffer.from(piece));
    return start === null ? null : replacements.toString("utf8", start, replacements.indexOf(0, start));
  };
  return (text) =>
    Array.from(graphemes.segment(text), ({ segment }) => {
      // What a user sees as one character is looked up as a whole if it is short, then character by character. The whole
      // counts as found when a beginning of it is, and the rest is lost: an oddity of the reference, kept.
      const whole = Buffer.byteLength(segment) < LONG_GRAPHEME_BYTES ? replacement(segment) : null;
      return whole ?? Array.from(segment, (character) => replacement(character) ?? character).join("");
    }).join("");
}

/** spm_precompiled, lib.rs: `grapheme.len() < 6`. */
const LONG_GRAPHEME_BYTES = 6;

const graphemes = new Intl.Segmenter("und", { granularity: "grapheme" });

/**
 * The value of the shortest key that `bytes` begins with. A unit of the trie (Darts-clone, darts.h) holds, from the low
 * end: 8 bits label, 1 bit "has a value", 1 bit "offset in steps of 256", 22 bits offset; or a value, with the top bit set.
 */
function shortestPrefix(trie: Uint32Array, bytes: Uint8Array): number | null {
  const offset = (unit: number): number => (unit >>> 10) << ((unit & 0x200) >>> 6);
  let place = offset(trie[0] ?? 0);
  for (const byte of bytes) {
    place ^= byte;
    const unit = trie[place] ?? 0;
    if (byte === 0 || (unit & 0x800000ff) !== byte) return null;
    place ^= offset(unit);
    if ((unit & 0x100) !== 0) return (trie[place] ?? 0) & 0x7fffffff;
  }
  return null;
}
