/**
 * How text is generated, as users say it: the one list of names, checks and words. From it come the flags of run, caption, ask
 * and chat, the keys of a config file, the options of the library and the checks of the page. To add a setting, add its line.
 */
import * as z from "zod";
import type { DecodingOptions, Sampling } from "../../models/model.ts";
import { UsageError } from "./usage-error.ts";
import { anyNumber, numberAboveZero, oneOf, shareUpToOne, wholeBetween, wholeFrom } from "./values.ts";

/** Each replaces a choice of the protocol; one that is not given leaves it. */
export const textSettings = z.strictObject({
  /** 1 is greedy search. */
  beams: wholeFrom(1).describe("beams; 1 is greedy search").exactOptional(),
  /** Above 0 favours long text, below short. */
  lengthPenalty: anyNumber().describe("above 0 favours long text, below short").exactOptional(),
  /** 1 is none. */
  repetitionPenalty: numberAboveZero("; 1 is none")
    .describe("above 1 avoids words that are there already; 1 is none")
    .exactOptional(),
  earlyStopping: oneOf([true, false, "never"], "<when>")
    .describe("true, false or never, as in transformers")
    .exactOptional(),
  minNewTokens: wholeFrom(0).describe("shortest text").exactOptional(),
  maxNewTokens: wholeFrom(1).describe("longest text").exactOptional(),
});

export type TextSettings = Readonly<z.infer<typeof textSettings>>;

/** Text that is drawn: with any of these, nothing is searched for. */
export const samplingSettings = z.strictObject({
  /** Above 0: less than 1 sharpens, more flattens. Unset: 1. */
  temperature: numberAboveZero()
    .describe("draw each token; less than 1 sharpens, more flattens (default: 1)")
    .exactOptional(),
  /** Only the likeliest tokens that reach this share together. Unset: 1, all. */
  topP: shareUpToOne()
    .describe("draw from the likeliest tokens that reach this share (default: 1, all)")
    .exactOptional(),
  /** Only so many of the likeliest tokens. Unset: all. */
  topK: wholeFrom(1).describe("draw from so many of the likeliest tokens (default: all)").exactOptional(),
  /** The same seed gives the same text. Unset: 0. */
  seed: wholeBetween(0, 2 ** 32 - 1)
    .describe("of what is drawn: the same seed gives the same text (default: 0)")
    .exactOptional(),
});

export type SamplingSettings = Readonly<z.infer<typeof samplingSettings>>;

/** Those of the settings that an object has, in the order of the list. */
export function textSettingsIn(object: TextSettings): TextSettings {
  return z.object(textSettings.shape).parse(object);
}

/** A protocol's decoding with what flags replace. `flags`: the names of those for the fewest and the most new tokens. */
export function decodingOf(
  choices: DecodingOptions,
  replaced: TextSettings,
  flags = { min: "--min-new-tokens", max: "--max-new-tokens" },
): DecodingOptions {
  const { minNewTokens, maxNewTokens, ...others } = textSettingsIn(replaced);
  const newTokens = {
    min: minNewTokens ?? choices.newTokens.min,
    max: maxNewTokens ?? choices.newTokens.max,
  };
  if (newTokens.min > newTokens.max) {
    const flag = minNewTokens === undefined ? flags.max : flags.min;
    throw new UsageError(
      `${flag}: at least ${newTokens.min} new tokens and at most ${newTokens.max} cannot both be. ` +
        `Give ${flags.min} and ${flags.max} together.`,
    );
  }
  return { ...choices, ...others, newTokens };
}

/** As a model takes it. */
export function samplingOf({ temperature = 1, topP = 1, topK, seed = 0 }: Loose<SamplingSettings>): Sampling {
  return { temperature, topP, topK: topK ?? null, seed };
}

type Loose<Settings> = { readonly [Name in keyof Settings]: Settings[Name] | undefined };

/** Throws a UsageError: beams search, and what is drawn is not searched for. `where`: what a user calls the beams. */
export function refuseBeamsWithSampling(beams: number | undefined, where: string): void {
  if (beams === undefined || beams === 1) return;
  throw new UsageError(`${where}: found ${beams} with text that is drawn, expected 1. Leave one of the two out.`);
}
