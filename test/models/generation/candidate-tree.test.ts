/** Texts as a tree of tokens: each text's tokens are looked up where they stand, and shared ones run once. */
import assert from "node:assert/strict";
import { drawKeys, randomIndex } from "../../../harness/statistics/random.ts";
import { candidateTree } from "../../../models/generation/candidate-tree.ts";
import type { CandidateTree } from "../../../models/generation/candidate-tree.ts";

/** For each text the tokens that its last one was looked up behind, and then it: the text itself, put together again. */
function readBack(tree: CandidateTree, count: number): number[][][] {
  const found = Array.from({ length: count }, (): number[][] => []);
  const note = (before: readonly number[], { tokens, texts }: CandidateTree["first"]): void => {
    for (const [place, token] of tokens.entries()) {
      for (const text of texts[place]!) found[text]!.push([...before, token]);
    }
  };
  note([], tree.first);
  for (const { tokens, lookups } of tree.parts) {
    for (const [place, { depth }] of tokens.entries()) {
      const before: number[] = [];
      for (let at = place; at !== -1; at = tokens[at]!.parent) before.unshift(tokens[at]!.token);
      assert.equal(before.length, depth + 1);
      note(before, lookups[place]!);
    }
  }
  return found.map((each) => each.sort((a, b) => a.length - b.length));
}

const beginnings = (text: readonly number[]): number[][] => text.map((_, index) => text.slice(0, index + 1));

describe("the tree of candidates", () => {
  it("runs what texts begin with once, and last tokens not at all", () => {
    const tree = candidateTree([[7], [7, 8], [5, 6], [7, 8, 9], [7]], 64);
    assert.deepEqual(tree.first, { tokens: [5, 7], texts: [[2], [0, 4, 1, 3]] });
    assert.equal(tree.parts.length, 1);
    assert.deepEqual(tree.parts[0]?.tokens, [
      { token: 5, parent: -1, depth: 0 },
      { token: 7, parent: -1, depth: 0 },
      { token: 8, parent: 1, depth: 1 },
    ]);
  });

  it("has no part where all texts are one token", () => {
    assert.deepEqual(candidateTree([[3], [2]], 64), { first: { tokens: [2, 3], texts: [[1], [0]] }, parts: [] });
  });

  it("looks up every token of every text once, behind the tokens before it, whatever fits into a part", () => {
    const keys = drawKeys(1, 0);
    let drawn = 0;
    const random = (count: number): number => randomIndex(keys, drawn++, count);
    for (let round = 0; round < 200; round += 1) {
      const texts = Array.from({ length: 1 + random(30) }, () =>
        Array.from({ length: 1 + random(6) }, () => random(4)),
      );
      const most = 1 + random(12);
      const tree = candidateTree(texts, most);
      assert.deepEqual(readBack(tree, texts.length), texts.map(beginnings));
      for (const { tokens } of tree.parts) assert.ok(tokens.length <= Math.max(most, 5));
    }
  });
});
