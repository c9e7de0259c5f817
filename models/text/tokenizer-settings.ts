/**
 * What the files beside tokenizer.json change in it, as transformers 5.12.1 has it: tokenizer_config.json names a class, which
 * builds its own normalizer and pre-tokenizer (tokenization_gpt2.py:108, tokenization_bert.py:89, tokenization_t5.py:126), and
 * lists added tokens; special_tokens_map.json and added_tokens.json are read where it lists none
 * (tokenization_utils_base.py:1852-1916).
 */
import { isDeepStrictEqual } from "node:util";
import * as z from "zod";

const namedTokens = [
  "bos_token",
  "eos_token",
  "unk_token",
  "sep_token",
  "pad_token",
  "cls_token",
  "mask_token",
] as const;

const written = z.union([z.string(), z.looseObject({ content: z.string() }).transform(({ content }) => content)]);
const named = written.nullish();
const tokensSchema = z.looseObject({
  bos_token: named,
  eos_token: named,
  unk_token: named,
  sep_token: named,
  pad_token: named,
  cls_token: named,
  mask_token: named,
});

const addedTokenSchema = z.looseObject({
  content: z.string(),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  single_word: z.boolean().default(false),
  normalized: z.boolean().optional(),
  special: z.boolean().default(false),
});
type AddedToken = z.infer<typeof addedTokenSchema> & { readonly id: number };

/** Keys of tokenizer_config.json; what else is in it decides nothing here. */
export const settingsSchema = z.looseObject({
  ...tokensSchema.shape,
  tokenizer_class: z.string().nullish(),
  padding_side: z.enum(["left", "right"]).nullish(),
  clean_up_tokenization_spaces: z.boolean().nullish(),
  added_tokens_decoder: z.record(z.string(), addedTokenSchema).nullish(),
  extra_special_tokens: z.union([z.array(written), z.record(z.string(), written)]).nullish(),
  additional_special_tokens: z.array(written).nullish(),
  add_prefix_space: z.boolean().nullish(),
  do_lower_case: z.boolean().nullish(),
  strip_accents: z.boolean().nullish(),
  tokenize_chinese_chars: z.boolean().nullish(),
});
type Settings = z.infer<typeof settingsSchema>;

export const specialTokensSchema = tokensSchema;

export const tokenizerSchema = z.looseObject({
  model: z.looseObject({ type: z.string(), vocab: z.unknown() }),
  normalizer: z.looseObject({ precompiled_charsmap: z.string().optional() }).nullish(),
  pre_tokenizer: z.looseObject({}).nullish(),
  added_tokens: z.array(addedTokenSchema.extend({ id: z.int().nonnegative() })).default([]),
  padding: z.looseObject({ direction: z.enum(["Left", "Right"]).optional() }).nullish(),
});
export type TokenizerJson = z.infer<typeof tokenizerSchema>;

export interface TokenizerFiles {
  readonly tokenizer: TokenizerJson;
  readonly settings: Settings;
  /** special_tokens_map.json; null where there is none. */
  readonly specialTokens: z.infer<typeof specialTokensSchema> | null;
  /** added_tokens.json: ids by token. */
  readonly addedTokens: Readonly<Record<string, number>>;
  /** The class of a checkpoint whose tokenizer_config.json names none; null: tokenizer.json as it is. */
  readonly usualClass: string | null;
}

/** tokenizer.json as it is taken. `imageToken` is added where no file has it, as BLIP-2's processor does. */
export function settledTokenizer(
  files: TokenizerFiles,
  imageToken: string,
): { readonly tokenizer: TokenizerJson; readonly paddingSide: "left" | "right"; readonly notes: readonly string[] } {
  const { tokenizer, settings } = files;
  const built = builtByClass(files);
  const notes = Object.entries(built.decides)
    .filter(([, { value, stated }]) => stated !== undefined && !isDeepStrictEqual(value, stated))
    .map(
      ([key, { value, stated }]) =>
        `${key} is ${JSON.stringify(stated)} in tokenizer.json and ${JSON.stringify(value)} by tokenizer_config.json, ` +
        "which is followed, as in transformers.",
    );
  return {
    tokenizer: { ...tokenizer, ...built.parts, added_tokens: [...settledTokens(files, imageToken)] },
    paddingSide: settings.padding_side ?? (tokenizer.padding?.direction === "Left" ? "left" : "right"),
    notes,
  };
}

interface Built {
  readonly parts: Partial<TokenizerJson>;
  /** Settings that both files state, and what tokenizer.json says. */
  readonly decides: Readonly<Record<string, { readonly value: unknown; readonly stated: unknown }>>;
}

/** The parts that a class makes itself, whatever tokenizer.json has. */
function builtByClass({ tokenizer, settings, usualClass }: TokenizerFiles): Built {
  const { normalizer, pre_tokenizer: split } = tokenizer;
  switch (settings.tokenizer_class?.replace(/Fast$/, "") ?? usualClass) {
    case "GPT2Tokenizer": {
      const value = settings.add_prefix_space ?? false;
      const pre_tokenizer = { type: "ByteLevel", add_prefix_space: value, trim_offsets: true, use_regex: true };
      const decides = { add_prefix_space: { value, stated: split?.["add_prefix_space"] } };
      return { parts: { normalizer: null, pre_tokenizer, decoder: pre_tokenizer }, decides };
    }
    case "BertTokenizer": {
      const made = {
        lowercase: settings.do_lower_case ?? true,
        strip_accents: settings.strip_accents ?? null,
        handle_chinese_chars: settings.tokenize_chinese_chars ?? true,
      };
      const decides = Object.fromEntries(
        Object.entries(made).map(([key, value]) => [key, { value, stated: normalizer?.[key] }]),
      );
      return { parts: { normalizer: { type: "BertNormalizer", clean_text: true, ...made } }, decides };
    }
    case "T5Tokenizer": {
      const space = { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true };
      const pre_tokenizer = { type: "Sequence", pretokenizers: [{ type: "WhitespaceSplit" }, space] };
      return { parts: { pre_tokenizer, decoder: space }, decides: {} };
    }
    default:
      return { parts: {}, decides: {} };
  }
}

/** Added tokens in the order of ids. Those that have a name, such as eos_token, are special whatever a file says. */
function settledTokens(files: TokenizerFiles, imageToken: string): readonly AddedToken[] {
  const { tokenizer, settings, specialTokens, addedTokens } = files;
  const tokens = new Map<string, AddedToken>();
  const add = (token: AddedToken): void => void tokens.set(token.content, token);
  const listed = settings.added_tokens_decoder ?? null;
  if (listed !== null) {
    for (const [id, token] of Object.entries(listed)) add({ ...token, id: Number(id) });
  } else {
    for (const [content, id] of Object.entries(addedTokens)) add(plainToken(content, id));
    tokenizer.added_tokens.forEach(add);
  }

  const ids = vocabularyIds(tokenizer.model.vocab);
  const special = (content: string): AddedToken => {
    const next = [...tokens.values()].reduce((most, { id }) => Math.max(most, id + 1), ids.size);
    return {
      ...plainToken(content, tokens.get(content)?.id ?? ids.get(content) ?? next),
      normalized: false,
      special: true,
    };
  };
  const names = listed === null ? { ...settings, ...specialTokens } : settings;
  for (const content of namedTokens.map((name) => names[name] ?? null).filter((token) => token !== null)) {
    add({ ...special(content), ...tokens.get(content), special: true });
  }
  for (const content of Object.values(settings.extra_special_tokens ?? settings.additional_special_tokens ?? [])) {
    if (!tokens.has(content)) add(special(content));
  }
  add(special(imageToken));
  return [...tokens.values()].toSorted((a, b) => a.id - b.id);
}

function plainToken(content: string, id: number): AddedToken {
  return { id, content, lstrip: false, rstrip: false, single_word: false, normalized: true, special: false };
}

/** Of BPE and WordPiece an object of ids; of Unigram a list of tokens and their scores. */
function vocabularyIds(vocabulary: unknown): ReadonlyMap<string, number> {
  const ids = z.record(z.string(), z.number()).safeParse(vocabulary);
  if (ids.success) return new Map(Object.entries(ids.data));
  const scored = z.array(z.tuple([z.string(), z.number()])).safeParse(vocabulary);
  return new Map((scored.data ?? []).map(([token], id) => [token, id]));
}
