/** Which patterns may take for ever. Those that are accepted are of known tokenizers, or of adapters. */
import assert from "node:assert/strict";
import { dangerOf } from "../../../models/checkpoint/backtracking.ts";

const accepted: readonly RegExp[] = [
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu, // GPT-2
  /[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+/gu, // Llama 3
  /[^\r\n\p{L}\p{N}]?[\p{Lu}\p{M}]*[\p{Ll}\p{M}]+(?:'s|'t|'re|'ve|'m|'ll|'d)?|\s+/gu, // GPT-4o
  / {2,}/gu, // T5
  /^(?:.*\.)?(?:model\.layers\.[0-9]+\.self_attn\.(q|v)_proj)$/,
  /(?:abc)+/,
  /[(a+)+]/,
  /\(a+\)+/,
];

const repeats = "repeats a group with a choice or a repeat in it";
const refused: readonly (readonly [string, string])[] = [
  ["(a+)+$", repeats],
  ["(a*)*b", repeats],
  ["(a|a)*$", repeats],
  ["(?:a?){30}a{30}", repeats],
  ["(?:(?:a{2,})b?){2,}", repeats],
  ["(?<x>a+){2}", repeats],
  ["[[](a+)+]", repeats],
  ["[\\]](a+)+", repeats],
  ["(?=a+)*b", repeats],
  ["a*a*a*a*b", "has 4 repeats in a row, expected at most 3"],
  ["a{0,99}a{0,99}a{0,99}a{0,99}b", "has 4 repeats in a row, expected at most 3"],
  [`${"a?".repeat(13)}b`, "has too many choices in a row"],
  [`${"(a|a)".repeat(13)}b`, "has too many choices in a row"],
  ["(a+)\\1+b", "refers back to a group"],
  ["(?<x>a+)\\k<x>b", "refers back to a group"],
  ["a".repeat(2001), "has 2001 letters, expected at most 2000"],
];

describe("patterns from elsewhere", () => {
  for (const pattern of accepted) {
    it(`are accepted: ${pattern.source}`, () => {
      assert.equal(dangerOf(pattern), null);
    });
  }
  for (const [source, danger] of refused) {
    it(`are refused: ${source.slice(0, 40)}`, () => {
      assert.equal(dangerOf(new RegExp(source)), danger);
    });
  }
});
