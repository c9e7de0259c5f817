/**
 * Patterns of the scanner's rules, read into a nondeterministic automaton by Thompson's construction (Thompson 1968,
 * "Regular Expression Search Algorithm"). JavaScript's own regular expressions take the first alternative that fits; the
 * scanner needs the longest match of all rules at once, which an automaton gives.
 *
 *   abc  a letter, in either case   [a-z]  a set, as JavaScript writes it, exact case   \.  the character itself
 *   (..) | * + ? {2,4} as usual; white space between parts means nothing
 */

/** UTF-16 code units, one after the other: what a set of characters is matched against. */
const everyCharacter = Array.from({ length: 0x100 }, (_, high) =>
  String.fromCharCode(...Array.from({ length: 0x100 }, (_unused, low) => high * 0x100 + low)),
).join("");

/** First and last code unit, both inside. */
type Range = readonly [first: number, last: number];

/** Adds its states to the automaton behind `from` and returns the state it ends in. */
type Expression = (automaton: Nfa, from: number) => number;

/** A nondeterministic automaton: states with edges on a set of characters and edges on nothing. */
export class Nfa {
  /** For each state, the set and the target of its edges on a character. */
  readonly edges: { readonly set: number; readonly to: number }[][] = [];
  /** For each state, the states it leads to without a character. */
  readonly empty: number[][] = [];
  /** The distinct sets of characters. */
  readonly sets: (readonly Range[])[] = [];
  readonly #setNumbers = new Map<string, number>();

  addState(): number {
    this.empty.push([]);
    return this.edges.push([]) - 1;
  }

  addEmptyEdge(from: number, to: number): void {
    this.empty[from]?.push(to);
  }

  addEdge(from: number, set: string): number {
    const to = this.addState();
    let number = this.#setNumbers.get(set);
    if (number === undefined) {
      number = this.sets.push(rangesOf(set)) - 1;
      this.#setNumbers.set(set, number);
    }
    this.edges[from]?.push({ set: number, to });
    return to;
  }

  /** Adds a pattern behind a state; returns the state in which all of it was matched. */
  addPattern(from: number, pattern: string): number {
    return readPattern(pattern)(this, from);
  }
}

function rangesOf(set: string): Range[] {
  return Array.from(everyCharacter.matchAll(new RegExp(`${set}+`, "gu")), (run) => [
    run.index,
    run.index + run[0].length - 1,
  ]);
}

const part = /\s*(?:(\[(?:\\.|[^\]\\])*\])|\{(\d+)(?:,(\d+))?\}|(\\?)([^]))/uy;

/** @throws SyntaxError for a pattern that is not of the form in this file's header. */
function readPattern(pattern: string): Expression {
  let position = 0;
  const expression = readAlternatives();
  if (position < pattern.trimEnd().length) throw unreadable();
  return expression;

  function readAlternatives(): Expression {
    const alternatives = [readSequence()];
    while (take("|")) alternatives.push(readSequence());
    return alternatives.length === 1 && alternatives[0] !== undefined ? alternatives[0] : either(alternatives);
  }

  function readSequence(): Expression {
    const parts: Expression[] = [];
    for (let next = readPart(); next !== null; next = readPart()) parts.push(readRepeats(next));
    return (automaton, from) => parts.reduce((state, expression) => expression(automaton, state), from);
  }

  function readPart(): Expression | null {
    if (take("(")) {
      const inner = readAlternatives();
      if (!take(")")) throw unreadable();
      return inner;
    }
    part.lastIndex = position;
    const match = part.exec(pattern);
    const [whole = "", set, , , backslash, character = ""] = match ?? [];
    if (set === undefined && (character === "" || (backslash === "" && /[|)*+?]/u.test(character)))) return null;
    position += whole.length;
    if (set !== undefined) return (automaton, from) => automaton.addEdge(from, set);
    const both = `[${escapeInSet(character.toLowerCase())}${escapeInSet(character.toUpperCase())}]`;
    return (automaton, from) => automaton.addEdge(from, both);
  }

  function readRepeats(expression: Expression): Expression {
    if (take("*")) return anyNumber(expression);
    if (take("+")) return (automaton, from) => anyNumber(expression)(automaton, expression(automaton, from));
    if (take("?")) return repeated(expression, 0, 1);
    part.lastIndex = position;
    const [whole, , least, most] = part.exec(pattern) ?? [];
    if (whole === undefined || least === undefined) return expression;
    position += whole.length;
    return repeated(expression, Number(least), Number(most ?? least));
  }

  function take(character: string): boolean {
    while (/\s/u.test(pattern.charAt(position))) position += 1;
    if (pattern.charAt(position) !== character) return false;
    position += 1;
    return true;
  }

  function unreadable(): SyntaxError {
    return new SyntaxError(
      `the scanner's pattern ${pattern} cannot be read from ${pattern.slice(position) || "its end"}`,
    );
  }
}

function escapeInSet(character: string): string {
  return /[\^$\\.*+?()[\]{}|/-]/u.test(character) ? `\\${character}` : character;
}

function either(alternatives: readonly Expression[]): Expression {
  return (automaton, from) => {
    const end = automaton.addState();
    for (const alternative of alternatives) {
      const start = automaton.addState();
      automaton.addEmptyEdge(from, start);
      automaton.addEmptyEdge(alternative(automaton, start), end);
    }
    return end;
  };
}

function anyNumber(expression: Expression): Expression {
  return (automaton, from) => {
    const loop = automaton.addState();
    automaton.addEmptyEdge(from, loop);
    automaton.addEmptyEdge(expression(automaton, loop), loop);
    const end = automaton.addState(); // what follows must not become part of the loop
    automaton.addEmptyEdge(loop, end);
    return end;
  };
}

function repeated(expression: Expression, least: number, most: number): Expression {
  return (automaton, from) => {
    let state = from;
    const end = automaton.addState();
    for (let count = 0; count < most; count += 1) {
      if (count >= least) automaton.addEmptyEdge(state, end);
      state = expression(automaton, state);
    }
    automaton.addEmptyEdge(state, end);
    return end;
  };
}
