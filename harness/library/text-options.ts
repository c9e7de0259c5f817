/** TextOptions → how a model generates. Every value is checked here, where the user's name for it is known. */
import type * as z from "zod";
import type { DecodingOptions, GenerationOptions, Sampling } from "../../models/model.ts";
import type { ProtocolName } from "../../tasks/task.ts";
import { refuseBeamsWithSampling, samplingOf, samplingSettings, textSettings } from "../catalog/text-settings.ts";
import type { TextSettings } from "../catalog/text-settings.ts";
import { unknownName } from "../catalog/usage-error.ts";
import { checkValue, oneOf } from "../catalog/values.ts";
import { decodingOf } from "../evaluation/generation/asking.ts";
import type { TextOptions } from "./types.ts";

const textOptions: readonly string[] = [
  ...["protocol", ...textSettings.keyof().options],
  ...(["sampling", "onText", "signal", "tokenProbabilities"] satisfies (keyof TextOptions)[]),
];
const protocolNames = oneOf(["paper", "lavis"]);

export interface GenerationChoice {
  /** undefined: none was named. */
  readonly protocol: ProtocolName | undefined;
  readonly settings: TextSettings;
  readonly sampling: Sampling | null;
}

/** `more`: options that this call has besides. Throws a UsageError. */
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

/** Throws a UsageError where the least and the most new tokens do not go together. */
export function generationOptions(
  { settings, sampling }: GenerationChoice,
  decoding: DecodingOptions,
): GenerationOptions {
  const chosen = decodingOf(decoding, settings, { min: "minNewTokens", max: "maxNewTokens" });
  return sampling === null ? chosen : { ...chosen, beams: 1, sampling };
}

type SettingShape = Readonly<Record<string, z.ZodExactOptional<z.ZodType>>>;

/** The settings that an object has. Throws a UsageError for a value that is none. `where`: stands before a name. */
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
