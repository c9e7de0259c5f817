/** The small files of a checkpoint: tokenizer, image processor and the like, taken from the checkpoint that has them. */
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { readJsonFile } from "../../models/checkpoint/json-section.ts";
import { CheckpointError } from "../../models/model.ts";
import { writeFileWhole } from "../../reports/records/atomic-file.ts";
import { object } from "./config-json.ts";
import type { Json } from "./config-json.ts";

const COPIED: ReadonlySet<string> = new Set([
  ...["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt"],
  ...["vocab.json", "merges.txt", "spiece.model", "generation_config.json"],
]);

/** BLIP-2's own word, behind BERT's (LAVIS, blip2.py:31-34): what a text that is to be written begins with. */
export const BEGIN_WORD = "[DEC]";

/** LAVIS's processor (blip_processors.py, BlipImageEvalProcessor) in the words of transformers. */
const IMAGE_PROCESSOR: Json = {
  image_processor_type: "BlipImageProcessor",
  processor_class: "Blip2Processor",
  do_convert_rgb: true,
  do_resize: true,
  resample: 3,
  do_rescale: true,
  rescale_factor: 1 / 255,
  do_normalize: true,
  image_mean: [0.48145466, 0.4578275, 0.40821073],
  image_std: [0.26862954, 0.26130258, 0.27577711],
};

interface FilesBeside {
  /** Of the tokenizer, and of the image processor where there is one. */
  readonly from: string;
  readonly to: string;
  readonly imageSize: number;
  /** Whether texts begin with [DEC]. */
  readonly isStageOne: boolean;
}

export async function writeFilesBeside({ from, to, imageSize, isStageOne }: FilesBeside): Promise<void> {
  const names = await readdir(from);
  if (!names.includes("tokenizer.json")) {
    throw new CheckpointError(
      `${path.join(from, "tokenizer.json")}: no such file. Give a folder that has it with --tokenizer.`,
    );
  }
  for (const name of names.filter((each) => COPIED.has(each)))
    await writeFileWhole(path.join(to, name), await readFile(path.join(from, name)));
  if (isStageOne) await writeJson(path.join(to, "tokenizer.json"), await withBeginWord(from));
  const size = { height: imageSize, width: imageSize };
  const flat = (await readJsonFile(path.join(from, "preprocessor_config.json")))?.value ?? null;
  const processor = (await readJsonFile(path.join(from, "processor_config.json")))?.value ?? null;
  await writeJson(path.join(to, "preprocessor_config.json"), { ...(flat ?? IMAGE_PROCESSOR), size });
  if (processor === null) return;
  const nested = processor["image_processor"];
  await writeJson(path.join(to, "processor_config.json"), {
    ...processor,
    ...(nested !== undefined && { image_processor: { ...object(nested), size } }),
  });
}

/** BERT's own tokenizer.json lacks the word. */
async function withBeginWord(from: string): Promise<Json> {
  const tokenizer = (await readJsonFile(path.join(from, "tokenizer.json")))?.value ?? {};
  const added = Array.isArray(tokenizer["added_tokens"]) ? (tokenizer["added_tokens"] as readonly unknown[]) : [];
  const words = object(object(tokenizer["model"])["vocab"]);
  if (BEGIN_WORD in words || added.some((each) => object(each)["content"] === BEGIN_WORD)) return tokenizer;
  const id = Object.keys(words).length;
  const word = {
    id,
    content: BEGIN_WORD,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  };
  return { ...tokenizer, added_tokens: [...added, word] };
}

export async function writeJson(file: string, value: object): Promise<void> {
  await writeFileWhole(file, `${JSON.stringify(value, null, 2)}\n`);
}
