/** Options for text generation. The settings themselves are declared in harness/catalog/text-settings.ts. */
import * as z from "zod";
import type { Sampling } from "../../../models/model.ts";
import { refuseBeamsWithSampling, samplingOf, samplingSettings, textSettings } from "../../catalog/text-settings.ts";
import { lengthNorms } from "../../../tasks/choices.ts";
import { placeholderOf, wholeBetween, wholeFrom } from "../../catalog/values.ts";
import { anyText, choice, file, text, texts, value } from "./kinds.ts";
import { optionsUnder } from "./option.ts";
import type { Option, Values } from "./option.ts";
import { protocols } from "./what-to-run.ts";

const { option, toggle } = optionsUnder("How text is made");

type SettingOptions<Shape extends z.core.$ZodShape> = {
  readonly [Name in keyof Shape]: Option<Exclude<z.output<Shape[Name]>, undefined> | undefined>;
};

/** Makes an option for each setting: `--max-new-tokens` for `maxNewTokens`. */
function optionsOf<Shape extends Record<string, z.ZodExactOptional<z.ZodType>>>(
  settings: z.ZodObject<Shape>,
): SettingOptions<Shape> {
  const declared = Object.entries<z.ZodExactOptional<z.ZodType>>(settings.shape).map(([name, setting]) => {
    const schema = setting.unwrap();
    const flags = `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} ${placeholderOf(schema)}`;
    const choices = schema instanceof z.ZodLiteral ? [...schema.values].map(String) : null;
    return [name, option(flags, schema.description ?? "", { kind: value(schema, choices) })] as const;
  });
  return Object.fromEntries(declared) as SettingOptions<Shape>; // one option for each name of the shape
}

/** Options that replace choices of the protocol. */
export const search = optionsOf(textSettings);

export const sampling = {
  nucleus: toggle("--nucleus", "draw each token, as the authors' demo does: --top-p 0.9 --temperature 1"),
  ...optionsOf(samplingSettings),
};

const nucleusShare = 0.9; // LAVIS's default for nucleus sampling, blip2_opt.py: top_p 0.9, temperature 1

/** Sampling settings; null: text is searched for. Throws a UsageError where sampling and beams are combined. */
export function readSampling(values: Partial<Values<typeof sampling>>, beams: number | undefined): Sampling | null {
  const { nucleus = false, temperature, topP, topK, seed } = values;
  const isAsked = nucleus || [temperature, topP, topK, seed].some((each) => each !== undefined);
  if (!isAsked) return null;
  refuseBeamsWithSampling(beams, "--beams");
  return samplingOf({ temperature, topP: topP ?? (nucleus ? nucleusShare : undefined), topK, seed });
}

/** Prompts that are tried in place of the protocol's. */
export const prompts = {
  prompt: option(
    "--prompt <text>",
    "another prompt, with {question} in it; several are tried one after the other, and compared",
    {
      kind: texts(),
      isAnyText: true,
    },
  ),
  promptFile: option("--prompt-file <file>", "such prompts, one a line", { kind: file }),
};

export function promptOption(help: string): Option<string | undefined> {
  return option("--prompt <text>", help, { kind: anyText, isAnyText: true });
}

/** How answers come about. */
export const answering = {
  answers: option(
    "--answers <how>",
    "generated, or ranked: the likeliest of each sample's choices or of --candidates",
    {
      kind: choice(["generated", "ranked"]),
      otherwise: "generated" as const,
    },
  ),
  candidates: option("--candidates <file>", "ranked: candidates for all samples, one a line", {
    kind: file,
    usual: "each sample's choices",
    otherwise: null,
  }),
  lengthNorm: option("--length-norm <by>", "ranked: divide log-probabilities by tokens or characters, or by none", {
    kind: choice(lengthNorms),
    otherwise: "none" as const,
  }),
};

/** Few-shot prompts. */
export const fewShot = {
  shots: option("--shots <k>", "show k samples with their answers, as text, before each question", {
    kind: value(wholeFrom(0)),
    otherwise: 0,
  }),
  shotsFrom: option("--shots-from <split>", "the split that shots are drawn from", {
    kind: text("splits"),
    usual: "train",
  }),
  shotsSeed: option("--shots-seed <n>", "which shots are drawn", {
    kind: value(wholeBetween(0, 2 ** 32 - 1)),
    usual: "0",
  }),
  shotsCaptioned: toggle("--shots-captioned", "show a caption of each shot's image, made first, before the shot"),
};

export const protocol = option("--protocol <name>", "paper: as the paper says; lavis: as its code does today", {
  kind: choice(protocols),
  usual: "paper",
  otherwise: "paper" as const,
});
