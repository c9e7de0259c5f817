/** --temperature, --top-p, --top-k, --seed, --nucleus: text that is drawn. One of them, and nothing is searched for. */
import type { Command } from "commander";
import type { Sampling } from "../../../models/model.ts";
import { decimal, integer, unexpected } from "../../catalog/flag-values.ts";
import { UsageError } from "../../catalog/usage-error.ts";

export interface SamplingFlags {
  readonly temperature?: string;
  readonly topP?: string;
  readonly topK?: string;
  readonly seed?: string;
  readonly nucleus?: boolean;
}

const nucleusShare = 0.9; // LAVIS's captions by nucleus sampling, blip2_opt.py: top_p 0.9, temperature 1

export function withSamplingFlags(command: Command): Command {
  return command
    .option("--nucleus", "draw each token, as the authors' demo does: --top-p 0.9 --temperature 1")
    .option("--temperature <x>", "draw each token; less than 1 sharpens, more flattens (default: 1)")
    .option("--top-p <x>", "draw from the likeliest tokens that reach this share (default: 1, all)")
    .option("--top-k <n>", "draw from so many of the likeliest tokens (default: all)")
    .option("--seed <n>", "of what is drawn: the same seed gives the same text (default: 0)");
}

/** null: nothing is drawn. Throws a UsageError. */
export function readSampling(flags: SamplingFlags, beams: number | undefined): Sampling | null {
  const { temperature, topP, topK, seed, nucleus = false } = flags;
  const isAsked = nucleus || [temperature, topP, topK, seed].some((flag) => flag !== undefined);
  if (!isAsked) return null;
  if (beams !== undefined && beams !== 1) {
    throw new UsageError(`--beams: found ${beams} with text that is drawn, expected 1. Leave one of the two out.`);
  }
  const share = number("--top-p", topP, (x) => x > 0 && x <= 1, "a number above 0, at most 1");
  const number32 = integer("--seed", seed, { from: 0 }) ?? 0;
  if (number32 >= 2 ** 32) throw unexpected("--seed", seed, `a whole number from 0 to ${2 ** 32 - 1}`);
  return {
    temperature: number("--temperature", temperature, (x) => x > 0 && x < Infinity, "a number above 0") ?? 1,
    topP: share ?? (nucleus ? nucleusShare : 1),
    topK: integer("--top-k", topK, { from: 1 }) ?? null,
    seed: number32,
  };
}

function number(
  flag: string,
  value: string | undefined,
  isGood: (value: number) => boolean,
  expected: string,
): number | undefined {
  if (value === undefined) return undefined;
  const found = decimal(value);
  if (isGood(found)) return found;
  throw unexpected(flag, value, expected);
}
