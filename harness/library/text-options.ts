/** TextOptions → how a model generates. Every value is checked here, where the user's name for it is known. */
import type { DecodingOptions, GenerationOptions, Sampling } from "../../models/model.ts";
import type { ProtocolName } from "../../tasks/task.ts";
import { decodingOf } from "../evaluation/generation/asking.ts";
import { unexpected } from "../catalog/flag-values.ts";
import type { Overrides } from "../evaluation/run-config.ts";
import { unknownName } from "../catalog/usage-error.ts";
import type { SamplingOptions, TextOptions } from "./types.ts";

const textOptions = [
  ...(["protocol", "beams", "minNewTokens", "maxNewTokens", "lengthPenalty", "repetitionPenalty"] as const),
  ...(["earlyStopping", "sampling", "onText", "signal", "tokenProbabilities"] as const),
] satisfies (keyof TextOptions)[];
const samplingOptions = ["temperature", "topP", "topK", "seed"] satisfies (keyof SamplingOptions)[];

export interface GenerationChoice {
  /** undefined: none was named. */
  readonly protocol: ProtocolName | undefined;
  readonly overrides: Overrides;
  readonly sampling: Sampling | null;
}

/** `more`: options that this call has besides. Throws a UsageError. */
export function readTextOptions(options: TextOptions, more: readonly string[] = []): GenerationChoice {
  refuseUnknown(options, [...more, ...textOptions]);
  const { protocol, earlyStopping, sampling } = options;
  if (protocol !== undefined && !["paper", "lavis"].includes(protocol)) {
    throw unexpected("protocol", protocol, "paper or lavis");
  }
  if (earlyStopping !== undefined && ![true, false, "never"].includes(earlyStopping)) {
    throw unexpected("earlyStopping", String(earlyStopping), "true, false or never");
  }
  const beams = whole("beams", options.beams, 1);
  if (sampling !== undefined && beams !== undefined && beams !== 1) {
    throw unexpected("beams", `${beams} with sampling`, "1, or one of the two");
  }
  const minNewTokens = whole("minNewTokens", options.minNewTokens, 0);
  const maxNewTokens = whole("maxNewTokens", options.maxNewTokens, 1);
  const lengthPenalty = number("lengthPenalty", options.lengthPenalty, () => true, "a number");
  const repetitionPenalty = number("repetitionPenalty", options.repetitionPenalty, isPositive, "a number above 0");
  return {
    protocol,
    overrides: {
      ...(beams !== undefined && { beams }),
      ...(minNewTokens !== undefined && { minNewTokens }),
      ...(maxNewTokens !== undefined && { maxNewTokens }),
      ...(lengthPenalty !== undefined && { lengthPenalty }),
      ...(repetitionPenalty !== undefined && { repetitionPenalty }),
      ...(earlyStopping !== undefined && { earlyStopping }),
    },
    sampling: sampling === undefined ? null : readSamplingOptions(sampling),
  };
}

/** Throws a UsageError where the least and the most new tokens do not go together. */
export function generationOptions(
  { overrides, sampling }: GenerationChoice,
  decoding: DecodingOptions,
): GenerationOptions {
  const chosen = decodingOf(decoding, overrides, { min: "minNewTokens", max: "maxNewTokens" });
  return sampling === null ? chosen : { ...chosen, beams: 1, sampling };
}

function readSamplingOptions(options: SamplingOptions): Sampling {
  refuseUnknown(options, samplingOptions, "sampling.");
  const seed = whole("sampling.seed", options.seed, 0) ?? 0;
  if (seed >= 2 ** 32) throw unexpected("sampling.seed", String(seed), `a whole number from 0 to ${2 ** 32 - 1}`);
  const isShare = (value: number): boolean => value > 0 && value <= 1;
  return {
    temperature: number("sampling.temperature", options.temperature, isPositive, "a number above 0") ?? 1,
    topP: number("sampling.topP", options.topP, isShare, "a number above 0, at most 1") ?? 1,
    topK: whole("sampling.topK", options.topK, 1) ?? null,
    seed,
  };
}

export function refuseUnknown(options: object, names: readonly string[], where = ""): void {
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) throw unknownName(`${where}${unknown}`, "option", { name: unknown, names });
}

export function whole(name: string, value: number | undefined, from: number): number | undefined {
  return number(name, value, (x) => Number.isSafeInteger(x) && x >= from, `a whole number from ${from}`);
}

function number(
  name: string,
  value: number | undefined,
  isGood: (value: number) => boolean,
  expected: string,
): number | undefined {
  if (value === undefined) return undefined;
  if (Number.isFinite(value) && isGood(value)) return value;
  throw unexpected(name, String(value), expected);
}

function isPositive(value: number): boolean {
  return value > 0;
}
