/** Options that say where results go, and in which form. */
import { file, folder, texts } from "./kinds.ts";
import { optionsUnder } from "./option.ts";
import type { Option, Values } from "./option.ts";

const { option, toggle } = optionsUnder("Output");

/** Which samples a report draws. */
export const usualReportSeed = 2301; // of the paper's number, arXiv 2301.12597

/** Of every command. */
export const everyCommand = {
  quiet: toggle("-q, --quiet", "no messages, no progress"),
  json: toggle("--json", "the result as one JSON document"),
  verbose: toggle("--verbose", "errors with their stack"),
  color: toggle("--no-color", "no colours"),
  config: option("--config <file>", "options in a YAML file, by their long names; flags win", { kind: texts("files") }),
  printConfig: toggle("--print-config", "write such a file of the options that are given, and do nothing else"),
};

/** What says how a command shows anything at all. */
export type OutputFlags = Partial<Pick<Values<typeof everyCommand>, "quiet" | "json" | "verbose">> & {
  /** false: --no-color */
  readonly color: boolean;
};

/** Absolute. `usual`: in words. */
export function outputFolder(help: string, usual?: string): Option<string | null> {
  const told = usual === undefined ? {} : { usual };
  return option("-o, --output <folder>", help, { kind: folder, otherwise: null, ...told });
}

/** As it was given. */
export function outputFile(flags: string, help: string): Option<string | undefined> {
  return option(flags, help, { kind: file });
}

export function overwrite(what: string): Option<boolean> {
  return toggle("--overwrite", `start again in a folder that holds a ${what}`);
}

/** Answers about images. */
export const answerForms = {
  jsonl: toggle("--jsonl", "a JSON object a line, as soon as it is there"),
  csv: toggle("--csv", "a table with commas"),
};

export const show = toggle(
  "--show",
  "behind each text its tokens, how likely the model found each, and the time by stage",
);
