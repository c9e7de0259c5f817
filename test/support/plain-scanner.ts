/**
 * The plain version of tasks/metrics/captions/ptb: every rule is asked about every stretch of text, by JavaScript's own regular
 * expressions. Slow, and without any automaton. For texts of the basic plane.
 */
import { lineBreakRule, rules } from "../../tasks/metrics/captions/ptb/rules.ts";

/** A pattern of the scanner as JavaScript writes it: white space away, letters outside sets in both cases. */
function expressionOf(pattern: string): string {
  return pattern.replace(/(\[(?:\\.|[^\]\\])*\])|(\\.)|\s+|[A-Za-z]/gu, (text, set?: string, escaped?: string) => {
    if (set !== undefined || escaped !== undefined) return text;
    return text.trim() === "" ? "" : `[${text.toLowerCase()}${text.toUpperCase()}]`;
  });
}

const whole = (pattern: string) => new RegExp(`^(?:${pattern})$`, "u");
const plainRules = rules.map((rule) => {
  const [token, before] = [expressionOf(rule.pattern), expressionOf(rule.before ?? "")];
  return { rule, match: whole(`(?:${token})(?:${before})`), token: whole(token), before: whole(before) };
});

/** The tokens of each line. */
export function scanPlainly(text: string): string[][] {
  const lines: string[][] = [[]];
  let position = 0;
  while (position < text.length) {
    const longest = longestMatch(text, position);
    if (longest === null) {
      position += 1;
      continue;
    }
    const { rule, end } = longest;
    if (rule === lineBreakRule) lines.push([]);
    if (rule.token !== null) {
      const token = typeof rule.token === "string" ? rule.token : rule.token(text.slice(position, end));
      lines.at(-1)?.push(token.toLowerCase());
    }
    position = end - (rule.readAgain ?? 0);
  }
  return lines;
}

function longestMatch(text: string, from: number) {
  for (let end = text.length; end > from; end -= 1) {
    const found = plainRules.find(({ match }) => match.test(text.slice(from, end)));
    if (found === undefined) continue;
    let tokenEnd = end;
    while (!found.token.test(text.slice(from, tokenEnd)) || !found.before.test(text.slice(tokenEnd, end)))
      tokenEnd -= 1;
    return { rule: found.rule, end: tokenEnd };
  }
  return null;
}
