/**
 * Texts that may follow a prompt, as a tree of their tokens: what several of them begin with stands in it once, and is run once.
 * Only tokens that another one follows are run; the last token of a text is only looked up in what its predecessor predicts.
 *
 *   red            prompt ─► red ─► circle          run: red, bottom
 *   red circle        │                             looked up behind the prompt: red, bottom
 *   bottom left       └────► bottom ─► left         looked up behind red: circle; behind bottom: left
 */

export interface BranchToken {
  readonly token: number;
  /** Index of the token before it in a list that has it; -1: the prompt is before it. */
  readonly parent: number;
  /** Tokens between the prompt and it. */
  readonly depth: number;
}

/** Tokens of a tree that are run together, each behind its parent, and the tokens to look up behind each. */
export interface Branches {
  readonly tokens: readonly BranchToken[];
  /** For each of `tokens`: what to look up. */
  readonly lookups: readonly Lookups[];
}

export interface Lookups {
  readonly tokens: readonly number[];
  /** For each of `tokens`: the texts that have it there. */
  readonly texts: readonly (readonly number[])[];
}

export interface CandidateTree {
  /** Behind the prompt itself. */
  readonly first: Lookups;
  readonly parts: readonly Branches[];
}

interface Node extends BranchToken {
  readonly children: Map<number, number>;
  readonly lookups: Map<number, number[]>;
}

/** `texts`: token ids of each, at least one. `most`: tokens of a part; a text that is longer makes a longer part. */
export function candidateTree(texts: readonly (readonly number[])[], most: number): CandidateTree {
  const nodes: Node[] = [];
  const root = { children: new Map<number, number>(), lookups: new Map<number, number[]>() };
  // In the order of their tokens, so that nodes below one another stand side by side.
  const order = [...texts.keys()].sort((a, b) => compareTokens(texts[a]!, texts[b]!));
  for (const text of order) {
    let at = -1;
    for (const [depth, token] of texts[text]!.entries()) {
      const { children, lookups } = at === -1 ? root : nodes[at]!;
      const found = lookups.get(token);
      if (found === undefined) lookups.set(token, [text]);
      else found.push(text);
      if (depth === texts[text]!.length - 1) break;
      let next = children.get(token);
      if (next === undefined) {
        next = nodes.length;
        nodes.push({ token, parent: at, depth, children: new Map(), lookups: new Map() });
        children.set(token, next);
      }
      at = next;
    }
  }
  return { first: lookupsOf(root), parts: partsOf(nodes, most) };
}

/** A part that begins inside a branch begins with the tokens above it, which are run again. */
function partsOf(nodes: readonly Node[], most: number): readonly Branches[] {
  const parts: Branches[] = [];
  for (let next = 0; next < nodes.length;) {
    const above: number[] = [];
    for (let at = nodes[next]!.parent; at !== -1; at = nodes[at]!.parent) above.unshift(at);
    const end = Math.min(nodes.length, next + Math.max(1, most - above.length));
    const taken = [...above, ...Array.from({ length: end - next }, (_, index) => next + index)];
    const places = new Map(taken.map((node, place) => [node, place]));
    parts.push({
      tokens: taken.map((node) => {
        const { token, parent, depth } = nodes[node]!;
        return { token, depth, parent: places.get(parent) ?? -1 };
      }),
      lookups: taken.map((node, place) => (place < above.length ? nothing : lookupsOf(nodes[node]!))),
    });
    next = end;
  }
  return parts;
}

const nothing: Lookups = { tokens: [], texts: [] };

function lookupsOf({ lookups }: Pick<Node, "lookups">): Lookups {
  return { tokens: [...lookups.keys()], texts: [...lookups.values()] };
}

function compareTokens(a: readonly number[], b: readonly number[]): number {
  const differs = a.findIndex((token, index) => token !== b[index]);
  return differs === -1 ? a.length - b.length : a[differs]! - (b[differs] ?? -1);
}
