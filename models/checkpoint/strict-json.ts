/**
 * JSON for files that may be damaged: an error says where in the text it is, and an object that has a key twice is refused
 * (JSON.parse keeps the last and says nothing).
 */

/** What is wrong with a text that should be JSON; `position` counts characters from 0. */
export class JsonError extends Error {
  override readonly name = "JsonError";
  readonly position: number;

  constructor(what: string, position: number) {
    super(`${what} at position ${position}`);
    this.position = position;
  }
}

/** Deeper than any file of a checkpoint, and shallow enough for the call stack. */
const MAX_DEPTH = 64;

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const SPACES = " \t\n\r";

export function parseStrictJson(text: string): unknown {
  return new Reader(text).document();
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): unknown {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#unexpected("the end");
    return value;
  }

  #value(depth: number): unknown {
    if (depth > MAX_DEPTH) throw new JsonError(`nesting deeper than ${MAX_DEPTH}`, this.#at);
    this.#space();
    const first = this.#text[this.#at];
    if (first === "{") return this.#object(depth);
    if (first === "[") return this.#array(depth);
    if (first === '"') return this.#string();
    if (first === "t") return this.#word("true", true);
    if (first === "f") return this.#word("false", false);
    if (first === "n") return this.#word("null", null);
    NUMBER.lastIndex = this.#at;
    const [number] = NUMBER.exec(this.#text) ?? [];
    if (number === undefined) throw this.#unexpected("a value");
    this.#at += number.length;
    return Number(number);
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#unexpected("a value");
    this.#at += word.length;
    return value;
  }

  #object(depth: number): unknown {
    const object = new Map<string, unknown>();
    this.#list("}", () => {
      const start = this.#at;
      if (this.#text[start] !== '"') throw this.#unexpected("a key");
      const key = this.#string();
      if (object.has(key)) throw new JsonError(`key "${key}" for the second time`, start);
      this.#space();
      if (this.#text[this.#at] !== ":") throw this.#unexpected("':'");
      this.#at += 1;
      object.set(key, this.#value(depth + 1));
    });
    return Object.fromEntries(object);
  }

  #array(depth: number): unknown {
    const values: unknown[] = [];
    this.#list("]", () => values.push(this.#value(depth + 1)));
    return values;
  }

  /** Members between brackets, separated by commas. */
  #list(end: string, member: () => void): void {
    this.#at += 1;
    this.#space();
    if (this.#text[this.#at] !== end) {
      for (;;) {
        this.#space();
        member();
        this.#space();
        if (this.#text[this.#at] !== ",") break;
        this.#at += 1;
      }
    }
    if (this.#text[this.#at] !== end) throw this.#unexpected(`',' or '${end}'`);
    this.#at += 1;
  }

  #string(): string {
    const start = this.#at;
    let end = this.#text.indexOf('"', start + 1);
    while (end !== -1 && this.#isEscaped(end)) end = this.#text.indexOf('"', end + 1);
    if (end === -1) throw new JsonError("a string without end, begun", start);
    this.#at = end + 1;
    try {
      return JSON.parse(this.#text.slice(start, this.#at)) as string; // decodes the escapes; quoted, so it is a string
    } catch (cause) {
      throw Object.assign(new JsonError("a string with a broken escape or a control character, begun", start), {
        cause,
      });
    }
  }

  /** Whether an odd number of backslashes stands before. */
  #isEscaped(position: number): boolean {
    let backslashes = 0;
    while (this.#text[position - 1 - backslashes] === "\\") backslashes += 1;
    return backslashes % 2 === 1;
  }

  #space(): void {
    while (SPACES.includes(this.#text[this.#at] ?? "x")) this.#at += 1;
  }

  #unexpected(expected: string): JsonError {
    const found = this.#text[this.#at];
    return new JsonError(
      `expected ${expected}, found ${found === undefined ? "the end" : JSON.stringify(found)}`,
      this.#at,
    );
  }
}
