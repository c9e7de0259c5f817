/**
 * adapter_config.json of PEFT → what its LoRA adapter does (peft 0.21, tuners/lora/config.py). A choice that makes the adapter
 * something else than an update of matrices is refused, never approximated.
 */
import path from "node:path";
import * as z from "zod";
import { dangerOf } from "./backtracking.ts";
import { check, readJsonFile, refuse } from "./json-section.ts";

export const ADAPTER_CONFIG = "adapter_config.json";

export interface AdapterConfig {
  /** A folder or a name on the hub: what the adapter was trained on. null where the file names none. */
  readonly base: string | null;
  readonly rank: number;
  /** What a matrix's update of this rank is multiplied by. `module` is its path, such as "vision_model…self_attn.qkv". */
  readonly scaling: (module: string, rank: number) => number;
}

const adapterSchema = z.looseObject({
  peft_type: z.literal("LORA"),
  base_model_name_or_path: z.string().nullish(),
  revision: z.string().nullish(),
  r: z.int().positive().default(8),
  lora_alpha: z.number().default(8),
  use_rslora: z.boolean().nullish(),
  alpha_pattern: z.record(z.string(), z.number()).nullish(),
});

/** Choices under which an adapter computes something else, or is of other tensors. */
const refusedChoices = [
  "use_dora",
  "fan_in_fan_out",
  "lora_bias",
  "use_qalora",
  "use_bdlora",
  "layer_replication",
  "megatron_config",
  "trainable_token_indices",
  "target_parameters",
  "alora_invocation_tokens",
  "arrow_config",
  "velora_config",
  "kasa_config",
  "monteclora_config",
];

/** null where there is no adapter in the folder. */
export async function readAdapterConfig(folder: string): Promise<AdapterConfig | null> {
  const file = path.join(folder, ADAPTER_CONFIG);
  const section = await readJsonFile(file);
  if (section === null) return null;
  const config = check(adapterSchema, section);
  for (const key of refusedChoices.filter((each) => isChosen(section.value[each]))) {
    refuse(
      section,
      key,
      "none: only a plain LoRA can be merged. Call merge_and_unload in PEFT, and save the whole model",
    );
  }
  const alphas = Object.entries(config.alpha_pattern ?? {}).map(([key, alpha]) => ({
    pattern: pattern(key, (expected) => refuse(section, "alpha_pattern", expected)),
    alpha,
  }));
  const { base_model_name_or_path: base = null, revision = null } = config;
  return {
    base: base === null || revision === null || base.includes("@") ? base : `${base}@${revision}`,
    rank: config.r,
    scaling: (module, rank) => {
      const alpha = alphas.find((each) => each.pattern.test(module))?.alpha ?? config.lora_alpha;
      return alpha / (config.use_rslora === true ? Math.sqrt(rank) : rank);
    },
  };
}

function isChosen(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false;
}

/** A key of a pattern is a regular expression for the end of a module's path (peft, utils/other.py, get_pattern_key). */
function pattern(key: string, onBroken: (expected: string) => never): RegExp {
  const expected = "regular expressions of module names";
  let compiled: RegExp;
  try {
    compiled = new RegExp(`^(?:.*\\.)?(?:${key})$`);
  } catch {
    return onBroken(expected);
  }
  const danger = dangerOf(compiled);
  return danger === null ? compiled : onBroken(`${expected} that end soon; one with what stands before it ${danger}`);
}
