/**
 * Turns TextOptions into the settings of a model. Every value is checked here, where the user's name for it is known.
 */
import type * as z from "zod";
import type { DecodingOptions, GenerationOptions, Sampling } from "../../models/model.ts";
import type { ProtocolName } from "../../tasks/task.ts";
import {
  decodingOf,
  refuseBeamsWithSampling,
  samplingOf,
  samplingSettings,
  textSettings,
} from "../catalog/text-settings.ts";
import type { TextSettings } from "../catalog/text-settings.ts";
import { unknownName } from "../catalog/usage-error.ts";
import { checkValue, oneOf } from "../catalog/values.ts";
import type { TextOptions } from "./types.ts";

const textOptions: readonly string[] = [
  ...["protocol", ...textSettings.keyof().options],
  ...(["sampling", "onText", "signal", "tokenProbabilities"] satisfies (keyof TextOptions)[]),
];
const protocolNames = oneOf(["paper", "lavis"]);

export interface GenerationChoice {
  /** undefined: the user named none. */
  readonly protocol: ProtocolName | undefined;
  readonly settings: TextSettings;
  readonly sampling: Sampling | null;
}

/** `more`: names of further options that the call accepts. Throws a UsageError. */
export function readTextOptions(options: TextOptions, more: readonly string[] = []): GenerationChoice {
  refuseUnknown(options, [...more, ...textOptions]);
  const { protocol, sampling } = options;
  const settings = checked(textSettings, options);
  if (sampling !== undefined) {
    refuseUnknown(sampling, samplingSettings.keyof().options, "sampling.");
    refuseBeamsWithSampling(settings.beams, "beams");
  }
  return {
    protocol: protocol === undefined ? undefined : checkValue(protocolNames, protocol, "protocol"),
    settings,
    sampling: sampling === undefined ? null : samplingOf(checked(samplingSettings, sampling, "sampling.")),
  };
}

/** Throws a UsageError where the minimum of new tokens is above the maximum. */
export function generationOptions(
  { settings, sampling }: GenerationChoice,
  decoding: DecodingOptions,
): GenerationOptions {
  const chosen = decodingOf(decoding, settings, { min: "minNewTokens", max: "maxNewTokens" });
  return sampling === null ? chosen : { ...chosen, beams: 1, sampling };
}

type SettingShape = Readonly<Record<string, z.ZodExactOptional<z.ZodType>>>;

/**
 * The settings that an object holds. Throws a UsageError for an invalid value. `where`: prefix of option names in
 * messages.
 */
function checked<Shape extends SettingShape>(
  settings: z.ZodObject<Shape>,
  given: object,
  where = "",
): z.output<z.ZodObject<Shape>> {
  const values = new Map<string, unknown>(Object.entries(given));
  const found = Object.entries<SettingShape[string]>(settings.shape).flatMap(([name, setting]) => {
    const value = values.get(name);
    return value === undefined ? [] : [[name, checkValue(setting.unwrap(), value, `${where}${name}`)] as const];
  });
  return settings.parse(Object.fromEntries(found));
}

export function refuseUnknown(options: object, names: readonly string[], where = ""): void {
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) throw unknownName(`${where}${unknown}`, "option", { name: unknown, names });
}
