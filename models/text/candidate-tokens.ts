/**
 * A prompt and the texts that may follow it, as tokens. Where one ends and the other begins is as in lm-evaluation-harness
 * (lm_eval/api/model.py, TemplateLM._encode_pair, and the target_delimiter " " of its tasks):
 *
 *   - A candidate follows a space. Spaces that end the prompt move to the candidate.
 *   - OPT reads both as one text: the candidate's tokens are those of the whole text without as many as the prompt alone has.
 *   - T5's encoder reads the prompt with its end token, its decoder the candidate by itself. Neither has an end token behind the
 *     candidate, so that "red" is never less likely than "red circle".
 *
 * Behind no prompt at all, where that project feeds a space as well, a candidate begins the text, as a caption does.
 */
import type { WriterFamily } from "../model.ts";
import type { Tokenizer } from "./tokenizer.ts";

export interface CandidateTokens {
  /** Special tokens included. */
  readonly prompt: readonly number[];
  /** Of each candidate, none where its text has no token. */
  readonly candidates: readonly (readonly number[])[];
}

/** Candidates whose tokens are kept for the next prompt; a closed vocabulary stands behind each prompt anew. */
const mostKept = 20_000;

export class CandidateTokenizer {
  readonly #tokenizer: Tokenizer;
  readonly #family: WriterFamily;
  readonly #kept = new Map<string, readonly number[]>();

  constructor(tokenizer: Tokenizer, family: WriterFamily) {
    this.#tokenizer = tokenizer;
    this.#family = family;
  }

  /** `maxTokens`: longer prompts are cut, special tokens count; unset: none is. */
  encode(
    prompt: string | null,
    candidates: readonly string[],
    options?: { readonly maxTokens: number },
  ): CandidateTokens {
    const text = prompt?.trimEnd() ?? null;
    const before = text === null ? "" : `${prompt!.slice(text.length)} `;
    const tail = this.#family === "opt" && text !== null ? lastWord(text) : "";
    return {
      prompt: this.#tokenizer.encodePrompt(text, options),
      candidates: candidates.map((candidate) => this.#behind(tail, before + candidate)),
    };
  }

  /**
   * Tokens of a candidate behind the prompt's last word. OPT's tokenizer splits a text before each space and joins nothing over
   * these places (GPT-2's byte-level BPE), so that the words before the last one change none of them.
   */
  #behind(tail: string, candidate: string): readonly number[] {
    const key = JSON.stringify([tail, candidate]);
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    const encode = (text: string): readonly number[] => this.#tokenizer.encode(text, { specialTokens: false });
    const tokens = tail === "" ? encode(candidate) : encode(tail + candidate).slice(encode(tail).length);
    if (this.#kept.size >= mostKept) this.#kept.clear();
    this.#kept.set(key, tokens);
    return tokens;
  }
}

/** From the last white space on. */
function lastWord(text: string): string {
  return /\s?\S+$/.exec(text)?.[0] ?? text;
}
