/** Text as it comes: only what will not change is shown, and all of it in the end. */
import assert from "node:assert/strict";
import { settledTokens, TokenTrace } from "../../../models/generation/token-trace.ts";
import { TextPieces } from "../../../models/text/text-pieces.ts";
import { TrimmedPieces } from "../../../harness/library/trimmed-pieces.ts";

/** Tokens are indices of `words`; `clean` is what is made of the joined ones. */
function pieces(words: readonly string[], clean?: (text: string) => string): readonly string[] {
  const decode = (ids: readonly number[]): string => (clean ?? String)(ids.map((id) => words[id]!).join(""));
  const text = new TextPieces({ decode, cleansUpSpaces: clean !== undefined });
  const shown = words.map((_, index) => text.push([...words.keys()].slice(0, index + 1)));
  return [...shown, text.end(decode([...words.keys()]))];
}

describe("pieces of a text", () => {
  it("are a token each where tokens are words", () => {
    assert.deepEqual(pieces(["a", " red", " star"]), ["a", " red", " star", ""]);
  });

  it("wait for the rest of a character, which may take three tokens more", () => {
    const bytes = [0x61, 0xf0, 0x9f, 0x94, 0xb4, 0x62];
    const decode = (ids: readonly number[]): string =>
      new TextDecoder().decode(Uint8Array.from(ids, (id) => bytes[id]!));
    const text = new TextPieces({ decode, cleansUpSpaces: false });
    const shown = bytes.map((_, index) => text.push([...bytes.keys()].slice(0, index + 1)));
    assert.deepEqual(shown, ["a", "", "", "", "🔴", "b"]);
    assert.equal(text.end("a🔴b"), "");
  });

  it("show at the end what never became a character", () => {
    assert.deepEqual(pieces(["a", "\uFFFD"]), ["a", "", "\uFFFD"]);
  });

  it("wait for what takes a space away", () => {
    const clean = (text: string): string => text.replace(/ \./g, ".").replace(/ n't/g, "n't");
    const words = ["they", " do", " n", "'t", " move", " ."];
    const shown = pieces(words, clean);
    assert.equal(shown.join(""), "they don't move.");
    assert.deepEqual(shown, ["they", "", " do", "n't", " move", ".", ""]);
    // Each prefix of what was shown is one of the text: nothing was shown that changed.
    let before = "";
    for (const piece of shown) assert.ok("they don't move.".startsWith((before += piece)));
  });

  it("that were shown and become others are a mistake of ours", () => {
    const text = new TextPieces({ decode: (ids) => (ids.length === 1 ? "a" : "b"), cleansUpSpaces: false });
    text.push([0]);
    assert.throws(() => text.push([0, 1]), /text that was given, "a", has become "b"/);
  });

  it("are without the white space at the ends", () => {
    const trimmed = new TrimmedPieces();
    assert.deepEqual(
      [" ", "  a", " ", "b ", "\n", "c", "\n"].map((piece) => trimmed.push(piece)),
      ["", "a", "", " b", "", " \nc", ""],
    );
  });
});

describe("tokens that are settled", () => {
  const search = (beams: readonly (readonly number[])[], ...finished: readonly (readonly number[])[]) => ({
    beams,
    hypotheses: () => finished.map((tokens) => ({ tokens, score: 0 })),
  });

  it("are those that all open beams begin with", () => {
    assert.deepEqual(
      settledTokens(
        search([
          [1, 2, 3],
          [1, 2, 4],
        ]),
      ),
      [1, 2],
    );
    assert.deepEqual(settledTokens(search([[]])), []);
  });

  it("are also the best finished text's, not those of worse ones, which cannot win any more", () => {
    assert.deepEqual(settledTokens(search([[1, 2, 3]], [1, 5], [7])), [1]);
    assert.deepEqual(settledTokens(search([], [1, 5])), [1, 5]);
  });

  it("were each as likely as the model found them, beam by beam", () => {
    const trace = new TokenTrace();
    trace.follow(search([[1], [2]]), [[]], (_beam, token) => -token);
    trace.follow(search([[2, 3]], [1, 4]), [[1], [2]], (beam, token) => -(10 * beam + token));
    assert.deepEqual(trace.of([2, 3]), [-2, -13]);
    assert.deepEqual(trace.of([1, 4]), [-1, -4]);
    assert.throws(() => trace.of([9]), /no beam's/);
  });
});
