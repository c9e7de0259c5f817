/**
 * tokenizer.json → ids and back, by the tokenizers library; and the tokens of a prompt as BLIP-2's language models and its
 * Q-Former take them.
 */
import path from "node:path";
import { Normalizer, Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import * as z from "zod";
import { readCharacterMap } from "./character-map.ts";
import type { Blip2Config } from "../checkpoint/config.ts";
import { check, readJsonFile } from "../checkpoint/json-section.ts";
import { CheckpointError } from "../model.ts";
import { settingsSchema, settledTokenizer, specialTokensSchema, tokenizerSchema } from "./tokenizer-settings.ts";
import type { TokenizerJson } from "./tokenizer-settings.ts";

/** Where the queries go. */
const IMAGE_TOKEN = "<image>";

export interface Tokenizer {
  /** `specialTokens`: with what the model wants around a text, such as `</s>`. */
  readonly encode: (text: string, options: { readonly specialTokens: boolean }) => readonly number[];
  /** Special tokens are left out unless asked for. */
  readonly decode: (ids: readonly number[], options?: { readonly skipSpecialTokens: boolean }) => string;
  /** Whether `decode` takes spaces away before some of what follows them, such as a full stop or "n't". */
  readonly cleansUpSpaces: boolean;
  /**
   * What follows the image tokens: the prompt with its special tokens; for null, which is no text at all, the lone
   * beginning-of-sequence token. Text beyond `maxTokens`, special tokens counted, is cut.
   */
  readonly encodePrompt: (prompt: string | null, options?: { readonly maxTokens: number }) => readonly number[];
  /** What stands before a prompt: one <image> for each query. */
  readonly imageTokens: readonly number[];
  readonly pad: number;
  readonly paddingSide: "left" | "right";
}

/** `onNote` is told where tokenizer.json is not followed. */
export async function loadTokenizer(
  folder: string,
  config: Blip2Config,
  onNote?: (message: string) => void,
): Promise<Tokenizer> {
  const file = path.join(folder, "tokenizer.json");
  const json = await readJsonFile(file);
  if (json === null) {
    throw new CheckpointError(
      `${file}: no such file; vocab.json, merges.txt or spiece.model alone do not do. Is the download complete?`,
    );
  }
  const settings = await readBeside(folder, "tokenizer_config.json", settingsSchema);
  const { tokenizer, paddingSide, notes } = settledTokenizer(
    {
      tokenizer: check(tokenizerSchema, json),
      settings: settings ?? {},
      specialTokens: await readBeside(folder, "special_tokens_map.json", specialTokensSchema),
      addedTokens: (await readBeside(folder, "added_tokens.json", z.record(z.string(), z.int().nonnegative()))) ?? {},
      // BLIP-2's own default; of T5 or BERT it would make other tokens than those they were trained with.
      usualClass: config.text?.family === "opt" ? "GPT2Tokenizer" : null,
    },
    IMAGE_TOKEN,
  );
  for (const note of notes) onNote?.(`${folder}: ${note}`);
  checkIds(tokenizer, file);
  const { model, normalizer } = tokenizer;
  const library = usable(file, () => new LibraryTokenizer(tokenizer, settings ?? {}));
  const map = normalizer?.precompiled_charsmap;
  if (map !== undefined) library.normalizer = new CharacterMapNormalizer(readCharacterMap(map, file));
  usable(file, () => library.encode("a b", { add_special_tokens: true })); // uses every part once
  checkVocabulary(library, config, file);

  const encode: Tokenizer["encode"] = (text, { specialTokens }) => {
    const { ids } = library.encode(text, { add_special_tokens: specialTokens });
    if (ids.every(Number.isInteger)) return ids;
    // The library gives no number for a part without a token where there is no token for the unknown.
    throw new CheckpointError(
      `${file}: has no token for a part of "${text.slice(0, 40)}", and no unk_token. Get it again.`,
    );
  };
  const around = encode("", { specialTokens: true });
  checkSpecialTokens(around, config, file);
  // Not for byte-level BPE, whose spaces are part of its tokens (tokenization_utils_tokenizers.py:1039).
  const cleanUp = settings?.clean_up_tokenization_spaces === true && model.type !== "BPE";
  const addedTokens = library.get_added_tokens_decoder();

  return {
    encode,
    decode: (ids, { skipSpecialTokens } = { skipSpecialTokens: true }) => {
      const isShown = (id: number): boolean =>
        library.id_to_token(id) !== undefined && !(skipSpecialTokens && addedTokens.get(id)?.special === true);
      const shown = ids.filter(isShown); // the model's vocabulary may be larger than the tokenizer's
      return shown.length === 0 ? "" : library.decode(shown, { clean_up_tokenization_spaces: cleanUp });
    },
    cleansUpSpaces: cleanUp,
    encodePrompt: (prompt, { maxTokens } = { maxTokens: Infinity }) => {
      if (prompt === null && config.kind === "generation") return config.text.bos === null ? around : [config.text.bos];
      const text = encode(prompt ?? "", { specialTokens: false }).slice(0, Math.max(0, maxTokens - around.length));
      const before = config.text?.family === "t5" ? 0 : 1; // special tokens in front of the text; the rest come behind
      return [...around.slice(0, before), ...text, ...around.slice(before)];
    },
    imageTokens: new Array<number>(config.qFormer.queries).fill(imageToken(library, config, file)),
    pad: readerOf(config).pad,
    paddingSide,
  };
}

/** The network that reads tokens: the language model, or the Q-Former where there is none. */
function readerOf({ text, qFormer }: Blip2Config): { readonly vocabulary: number; readonly pad: number } {
  return text ?? qFormer;
}

/** null where there is no such file. */
async function readBeside<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T | null> {
  const json = await readJsonFile(path.join(folder, name));
  return json === null ? null : check(schema, json);
}

/** What the library gives. Throws a CheckpointError where it cannot use the file. */
function usable<T>(file: string, give: () => T): T {
  try {
    return give();
  } catch (cause) {
    // The library's own errors say which part it does not know; those of JavaScript say nothing.
    const isSaid = cause instanceof Error && cause.name === "Error" && !cause.message.includes("[object ");
    const reason = isSaid ? String(cause) : "a part of it is not as the format has it";
    throw new CheckpointError(`${file}: the tokenizers library cannot use it: ${reason}.`, { cause });
  }
}

/** Takes the place of the library's stand-in for a precompiled character map. */
class CharacterMapNormalizer extends Normalizer {
  readonly map: (text: string) => string;

  constructor(map: (text: string) => string) {
    super({ type: "Precompiled", precompiled_charsmap: "" });
    this.map = map;
  }

  override normalize(text: string): string {
    // The library then splits at JavaScript's white space, Rust's at Unicode's, which has one more: next line.
    return this.map(text).replaceAll("\u0085", " ");
  }
}

/** More than any vocabulary has. The library makes lists that are as long as the largest id. */
const mostIds = 1 << 24;

function checkIds({ added_tokens: added, model }: TokenizerJson, file: string): void {
  const { vocab } = model;
  const listed =
    typeof vocab === "object" && vocab !== null && !Array.isArray(vocab) ? Object.entries<unknown>({ ...vocab }) : [];
  const ids = [...added.map(({ content, id }): [string, unknown] => [content, id]), ...listed];
  const isId = (id: unknown): boolean => typeof id === "number" && Number.isInteger(id) && id >= 0 && id < mostIds;
  const wrong = ids.find(([, id]) => !isId(id));
  if (wrong === undefined) return;
  const [token, id] = wrong;
  const found = typeof id === "number" ? `has id ${id}` : "has no number as its id";
  throw new CheckpointError(`${file}: token "${token}" ${found}, expected a whole number from 0 below ${mostIds}.`);
}

/** Every id has a row in the model's embeddings; <image> needs none where its places are cut off. */
function checkVocabulary(library: LibraryTokenizer, config: Blip2Config, file: string): void {
  const { vocabulary } = readerOf(config);
  for (const [token, id] of library.get_vocab()) {
    if (id < vocabulary || (config.kind === "retrieval" && token === IMAGE_TOKEN)) continue;
    throw new CheckpointError(
      `${file}: token "${token}" has id ${id}, expected one below ${vocabulary}, the vocab_size in config.json. ` +
        "Is it the tokenizer of another checkpoint?",
    );
  }
}

/** Without them a model answers, but worse: OPT wants `</s>` before a text, T5 `</s>` after it, the Q-Former [CLS] and [SEP]. */
function checkSpecialTokens(found: readonly number[], config: Blip2Config, file: string): void {
  const text = config.text;
  const id = text === null ? null : text.family === "opt" ? text.bos : (text.eos[0] ?? null);
  const isRight = found.length === (text === null ? 2 : 1) && (id === null || found[0] === id);
  if (isRight) return;
  const expected = text === null ? "[CLS] and [SEP]" : id === null ? "one" : `[${id}]`;
  throw new CheckpointError(
    `${file}: puts the special tokens [${found.join(", ")}] around a text, expected ${expected}. ` +
      "Is it the tokenizer of another checkpoint?",
  );
}

function imageToken(
  library: LibraryTokenizer,
  { imageToken: expected, kind, qFormer }: Blip2Config,
  file: string,
): number {
  const found = library.token_to_id(IMAGE_TOKEN);
  if (expected === null && kind === "retrieval") return found ?? qFormer.pad; // cut off again, whatever it is
  if (found === expected) return found;
  throw new CheckpointError(
    `${file}: ${IMAGE_TOKEN} has id ${found}, ` +
      `expected id ${expected}, the image_token_index in config.json. Use a revision of the checkpoint that has both.`,
  );
}
