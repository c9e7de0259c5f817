/**
 * Why a model's outputs are not numbers: weights that are none, which no precision mends, or numbers that outgrow a precision.
 */
import type { Checkpoint } from "./checkpoint/checkpoint.ts";
import { NOT_FINITE_ADVICE } from "./checkpoint/float-weights.ts";
import { fp32Precision, modelParts } from "./checkpoint/precision.ts";
import type { Precision } from "./checkpoint/precision.ts";
import { FLOATS, readTensor } from "./checkpoint/safetensors.ts";

/** A sentence about `what`, such as "the language model's logits", that are not numbers. */
export type NoNumbersReason = (what: string) => Promise<string>;

/** All weights are read, once, when it is first asked. */
export function noNumbersReason(
  { tensors, joined }: Pick<Checkpoint, "tensors" | "joined">,
  precision: Precision = fp32Precision,
): NoNumbersReason {
  let found: Promise<string | null> | undefined;
  return async (what) => {
    found ??= findNotFinite({ tensors, joined });
    const broken = await found;
    if (broken !== null) return `${what} are not numbers, for ${broken}. ${NOT_FINITE_ADVICE}`;
    if (modelParts.some((part) => precision[part] !== "fp32"))
      return `${what} are not numbers, as where numbers outgrow a precision; --precision fp32 holds the largest`;
    return `${what} are not numbers: they outgrow fp32, although every weight is finite. Do weights and config.json belong together?`;
  };
}

/** The first tensor with an infinity or a NaN, and where; null where there is none. */
async function findNotFinite({ tensors, joined }: Pick<Checkpoint, "tensors" | "joined">): Promise<string | null> {
  const parts = joined.flatMap((each) => each.parts).filter((part) => part !== null);
  for (const entry of [...tensors.values(), ...parts].filter(({ dtype }) => FLOATS.includes(dtype))) {
    const numbers = await readTensor(entry);
    const at = numbers.findIndex((number) => !Number.isFinite(number));
    if (at !== -1) return `tensor "${entry.name}" of ${entry.file} has ${numbers[at]} at place ${at}`;
  }
  return null;
}
