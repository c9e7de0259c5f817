/**
 * Patterns from files of strangers. A regular expression of JavaScript tries every way to match; of `(a+)+$` there are 2ⁿ in a
 * text of n letters, and nothing can stop it. So a pattern is read before it is used, and one that could have too many ways is
 * refused: a repeated group may hold no choice and no repeat, and of those in a row there are few.
 */

/** Of the largest pattern of a known tokenizer, GPT-4o's, about a third. */
const mostLetters = 2000;
/** `a*b*c*` in a row: a text of n letters has n³ ways. */
const mostRepeats = 3;
/** Choices in a row, such as `a?` and `(b|c)`: at most 2¹² ways. */
const mostChoices = 12;
/** A repeat of more letters than this counts as one without an end. */
const longRepeat = 8;

interface Ways {
  readonly repeats: number;
  /** Binary logarithm of the ways that choices give. */
  readonly choices: number;
}

class Danger extends Error {}

/** Why matching could take for ever, as words that follow the pattern; null: it cannot. Reads `source` with JavaScript's syntax. */
export function dangerOf({ source }: RegExp): string | null {
  if (source.length > mostLetters) return `has ${source.length} letters, expected at most ${mostLetters}`;
  try {
    const { repeats, choices } = new PatternReader(source).alternatives();
    if (repeats > mostRepeats) return `has ${repeats} repeats in a row, expected at most ${mostRepeats}`;
    if (choices > mostChoices) return "has too many choices in a row";
    return null;
  } catch (error) {
    if (error instanceof Danger) return error.message;
    throw error;
  }
}

/** Goes through a pattern that JavaScript has compiled already, so that its brackets are known to match. */
class PatternReader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  /** Up to the end of the group. */
  alternatives(): Ways {
    const each = [this.#sequence()];
    while (this.#take(/\|/y) !== null) each.push(this.#sequence());
    return {
      repeats: Math.max(...each.map(({ repeats }) => repeats)),
      choices: Math.max(...each.map(({ choices }) => choices)) + Math.log2(each.length),
    };
  }

  #sequence(): Ways {
    let [repeats, choices] = [0, 0];
    while (this.#at < this.#source.length && !/[|)]/.test(this.#source[this.#at]!)) {
      const ways = this.#repeated(this.#atom());
      repeats += ways.repeats;
      choices += ways.choices;
    }
    return { repeats, choices };
  }

  /** A group, a class or a letter. */
  #atom(): Ways {
    if (this.#take(/\((?:\?(?:<?[=!]|<[^>]*>|[a-z-]*:))?/y) !== null) {
      const ways = this.alternatives();
      this.#take(/\)/y);
      return ways;
    }
    if (this.#take(/\\(?:[1-9]|k<)/y) !== null) throw new Danger("refers back to a group");
    this.#take(/\[(?:\\[^]|[^\]\\])*\]|\\[^]|[^]/y);
    return { repeats: 0, choices: 0 };
  }

  #repeated(ways: Ways): Ways {
    const found = this.#take(/(?:[*+?]|\{(\d+)(,?)(\d*)\})[?+]?/y);
    if (found === null) return ways;
    const [sign, lower, comma, upper] = found;
    const least = lower === undefined ? (sign.startsWith("+") ? 1 : 0) : Number(lower);
    const most =
      lower === undefined ? (sign.startsWith("?") ? 1 : Infinity) : comma === "" ? least : Number(upper || Infinity);
    if (most > 1 && ways.repeats + ways.choices > 0)
      throw new Danger("repeats a group with a choice or a repeat in it");
    if (most > least && most - least > longRepeat) return { ...ways, repeats: ways.repeats + 1 };
    return { ...ways, choices: ways.choices + Math.log2(most - least + 1) };
  }

  /** What stands here, and goes behind it; null: something else. */
  #take(what: RegExp): RegExpExecArray | null {
    what.lastIndex = this.#at;
    const found = what.exec(this.#source);
    if (found !== null) this.#at = what.lastIndex;
    return found;
  }
}
