/**
 * Tensors that are one and the same in the model but may be stored more than once. transformers 5.12.1 ties what is equal,
 * and where two copies differ, keeps both apart with a warning (modeling_utils.py:2661, tie_weights).
 */
import { open } from "node:fs/promises";
import { CheckpointError } from "../model.ts";
import { readBytes } from "./safetensors.ts";
import type { TensorEntry } from "./safetensors.ts";

const CHUNK_BYTES = 16 << 20;

/** T5's word embeddings, any of which may be stored; they are one table. */
const T5_EMBEDDINGS = [
  "language_model.shared.weight",
  "language_model.encoder.embed_tokens.weight",
  "language_model.decoder.embed_tokens.weight",
] as const;

/** The output matrix where the language model is OPT, and the embeddings it is tied to unless the two differ. */
const OPT_HEAD = ["language_model.model.decoder.embed_tokens.weight", "language_model.lm_head.weight"] as const;

/** Names of word embeddings, by any of which a language model's one table may be stored. */
export const EMBEDDINGS: readonly string[] = [...T5_EMBEDDINGS, OPT_HEAD[0]];

/** Their counterpart at the other end. */
export const OUTPUT_HEAD = OPT_HEAD[1];

/**
 * The same tensors without second copies: T5's embeddings are `language_model.shared.weight`, whichever was stored, and an
 * output matrix is left only where it is not the embeddings. What is stored twice is read to be compared.
 */
export async function withoutCopies(
  checkpoint: string,
  tensors: ReadonlyMap<string, TensorEntry>,
): Promise<ReadonlyMap<string, TensorEntry>> {
  const kept = new Map(tensors);
  const [first, ...copies] = T5_EMBEDDINGS.map((name) => tensors.get(name)).filter((entry) => entry !== undefined);
  if (first !== undefined) {
    for (const { name } of [first, ...copies]) kept.delete(name);
    kept.set(T5_EMBEDDINGS[0], { ...first, name: T5_EMBEDDINGS[0] });
    for (const copy of copies) {
      if (await isSame(first, copy)) continue;
      throw new CheckpointError(
        `${checkpoint}: tensors "${first.name}" and "${copy.name}" differ, expected one table of word embeddings.`,
      );
    }
  }

  for (const embeddings of [OPT_HEAD[0], T5_EMBEDDINGS[0]]) {
    const [table, head] = [kept.get(embeddings), kept.get(OPT_HEAD[1])];
    if (table !== undefined && head !== undefined && (await isSame(table, head))) kept.delete(head.name);
  }
  return kept;
}

async function isSame(a: TensorEntry, b: TensorEntry): Promise<boolean> {
  if (a.dtype !== b.dtype || a.byteLength !== b.byteLength || a.shape.join() !== b.shape.join()) return false;
  if (a.file === b.file && a.offset === b.offset) return true;
  await using fileA = await open(a.file);
  await using fileB = await open(b.file);
  for (let at = 0; at < a.byteLength; at += CHUNK_BYTES) {
    const length = Math.min(CHUNK_BYTES, a.byteLength - at);
    const chunkA = await readBytes({ file: a.file, handle: fileA }, a.offset + at, length);
    if (!chunkA.equals(await readBytes({ file: b.file, handle: fileB }, b.offset + at, length))) return false;
  }
  return true;
}
