/**
 * Settings that two files of a checkpoint state differently, and which of them transformers 5.12.1 follows when it runs
 * BLIP-2: its `generate` is that of the language model, which knows text_config alone, not generation_config.json
 * (modeling_blip_2.py:1857).
 */
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { readJsonFile, subsection } from "./json-section.ts";
import type { JsonSection } from "./json-section.ts";

const TOKEN_IDS = ["bos_token_id", "eos_token_id", "decoder_start_token_id"];

/** A sentence for each. */
export async function ignoredSettings(folder: string): Promise<readonly string[]> {
  const config = await readJsonFile(path.join(folder, "config.json"));
  const generation = await readJsonFile(path.join(folder, "generation_config.json"));
  const processor = await readJsonFile(path.join(folder, "processor_config.json"));
  if (config === null) return [];
  const text = subsection(config, "text_config");
  return [
    ...TOKEN_IDS.flatMap((key) => differing(generation, key, text)),
    ...TOKEN_IDS.flatMap((key) => differing(config, key, text)),
    ...differing(config, "image_token_index", config, "image_token_id"),
    ...differing(processor, "num_query_tokens", config),
  ];
}

/** Said of the first only where both state the setting. */
function differing(
  ignored: JsonSection | null,
  key: string,
  followed: JsonSection,
  followedKey: string = key,
): readonly string[] {
  const [no, yes] = [ignored?.value[key] ?? null, followed.value[followedKey] ?? null];
  if (ignored === null || no === null || yes === null || isDeepStrictEqual([no].flat(), [yes].flat())) return [];
  const place = [...followed.path, followedKey].join(".");
  return [
    `${ignored.file}: ${key} ${JSON.stringify(no)} is ignored: ${place} in config.json is ${JSON.stringify(yes)}.`,
  ];
}
