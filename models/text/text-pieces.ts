/**
 * Text as it comes, token after token: what of it will not change any more. Tokens may be parts of a character, a first
 * token loses its space, and some tokenizers take spaces away before a full stop that comes later.
 */
import type { Tokenizer } from "./tokenizer.ts";

export class TextPieces {
  readonly #tokenizer: Pick<Tokenizer, "decode" | "cleansUpSpaces">;
  #given = "";

  constructor(tokenizer: Pick<Tokenizer, "decode" | "cleansUpSpaces">) {
    this.#tokenizer = tokenizer;
  }

  /** What is new and settled once these are the first tokens of the text; often nothing. */
  push(tokens: readonly number[]): string {
    const { decode, cleansUpSpaces } = this.#tokenizer;
    const whole = decode(tokens).replace(/\uFFFD+$/, ""); // bytes that are no character yet
    return this.#give(cleansUpSpaces ? beforeChanges(whole) : whole);
  }

  /** The rest, of all tokens' text. */
  end(text: string): string {
    return this.#give(text);
  }

  #give(text: string): string {
    if (!text.startsWith(this.#given)) {
      if (this.#given.startsWith(text)) return ""; // less of it is settled than was with fewer tokens
      throw new Error(`text that was given, "${this.#given}", has become "${text}"`);
    }
    const piece = text.slice(this.#given.length);
    this.#given = text;
    return piece;
  }
}

/**
 * Without its end, where that may be the beginning of what `clean_up_tokenization_spaces` writes otherwise, such as " n't"
 * (tokenization_utils_base.py, clean_up_tokenization).
 */
function beforeChanges(text: string): string {
  const space = text.indexOf(" ", Math.max(0, text.length - longestCleanedUp + 1));
  return space === -1 ? text : text.slice(0, space);
}

const longestCleanedUp = 4; // " n't", " 've" and " 're"; all of them begin with a space
