/**
 * Runs the rules over a text, from its beginning to its end: Stanford's PTBTokenizer 3.4.1 (PTBLexer.flex), options
 * preserveLines and lowerCase.
 */
import { CharacterClasses, LongestMatch } from "./longest-match.ts";
import { Nfa } from "./pattern.ts";
import { lineBreakRule, rules } from "./rules.ts";
import type { Rule } from "./rules.ts";

/** A compiled rule. For a rule with a look-ahead it also finds the border between token and look-ahead. */
interface ReadyRule {
  readonly rule: Rule;
  readonly split: { readonly token: LongestMatch; readonly before: LongestMatch } | null;
}

interface Scanner {
  readonly longestMatch: LongestMatch;
  readonly rules: readonly ReadyRule[];
}

let scanner: Scanner | null = null; // made when the first caption is read: a run that scores no captions needs none

/** The lower-case tokens of each output line. A line ends at a line break; a token may hold one, and then is part of a line. */
export function scan(text: string): string[][] {
  scanner ??= makeScanner();
  let line: string[] = [];
  const lines = [line];
  let position = 0;
  while (position < text.length) {
    const match = scanner.longestMatch.match(text, position);
    const ready = match === null ? undefined : scanner.rules[match.final];
    if (match === null || ready === undefined) {
      position += 1; // blanks, and characters the scanner does not know
      continue;
    }
    const { rule, split } = ready;
    const end = split === null ? match.end : endBefore(split, text, { from: position, to: match.end });
    if (rule.token !== null) {
      const token = typeof rule.token === "string" ? rule.token : rule.token(text.slice(position, end)).toLowerCase();
      if (token.includes("\n")) {
        const [first = "", ...rest] = token.split("\n"); // markup whose quoted value runs over lines
        line.push(first);
        for (const part of rest) lines.push((line = [part]));
      } else {
        line.push(token);
      }
    } else if (rule === lineBreakRule) {
      line = [];
      lines.push(line);
    }
    position = end - (rule.readAgain ?? 0);
  }
  return lines;
}

/** The longest token that leaves a whole look-ahead behind it. */
function endBefore(
  { token, before }: { readonly token: LongestMatch; readonly before: LongestMatch },
  text: string,
  { from, to }: { from: number; to: number },
): number {
  const end = token.ends(text, from, to).findLast((position) => before.ends(text, position, to).at(-1) === to);
  if (end === undefined)
    throw new RangeError(`a rule of the scanner matches "${text.slice(from, to)}" but not its parts`);
  return end;
}

function makeScanner(): Scanner {
  const automaton = new Nfa();
  const start = automaton.addState();
  const finals = new Map<number, number>();
  const parts = rules.map(({ pattern, before }, index) => {
    const first = automaton.addState();
    automaton.addEmptyEdge(start, first);
    const end = automaton.addPattern(first, pattern);
    finals.set(before === undefined ? end : automaton.addPattern(end, before), index);
    return before === undefined ? null : { token: addAlone(automaton, pattern), before: addAlone(automaton, before) };
  });
  const classes = new CharacterClasses(automaton);
  return {
    longestMatch: new LongestMatch(automaton, classes, { start, finals }),
    rules: rules.map((rule, index) => {
      const part = parts[index] ?? null;
      return {
        rule,
        split: part && {
          token: new LongestMatch(automaton, classes, part.token),
          before: new LongestMatch(automaton, classes, part.before),
        },
      };
    }),
  };
}

function addAlone(automaton: Nfa, pattern: string): { start: number; finals: ReadonlyMap<number, number> } {
  const start = automaton.addState();
  return { start, finals: new Map([[automaton.addPattern(start, pattern), 0]]) };
}
