/**
 * What we use of @huggingface/tokenizers 0.2.0. Its own declarations import files without their extension, which TypeScript
 * does not find by the rules of Node's modules, so that all of its types would be unknown.
 */
declare module "@huggingface/tokenizers" {
  export abstract class Normalizer {
    constructor(config: object);
    abstract normalize(text: string): string;
  }

  export class Tokenizer {
    normalizer: Normalizer | null;
    readonly pre_tokenizer: object | null;
    readonly post_processor: object | null;
    readonly decoder: object | null;
    /** tokenizer.json and tokenizer_config.json. */
    constructor(tokenizer: object, config: object);
    encode(text: string, options: { add_special_tokens: boolean }): { readonly ids: number[] };
    /** At least one id. */
    decode(ids: number[], options: { clean_up_tokenization_spaces: boolean }): string;
    token_to_id(token: string): number | undefined;
    id_to_token(id: number): string | undefined;
    get_added_tokens_decoder(): ReadonlyMap<number, { readonly special: boolean }>;
    get_vocab(): ReadonlyMap<string, number>;
  }
}
