/** Options for where results are written, and in which form. */
import { file, folder, texts } from "./kinds.ts";
import { optionsUnder } from "./option.ts";
import type { Option, Values } from "./option.ts";

const { option, toggle } = optionsUnder("Output");

/** Default seed for the choice of samples in a report. */
export const usualReportSeed = 2301; // any number would do; this one is from arXiv 2301.12597, the paper's

/** Options that every command has. */
export const everyCommand = {
  quiet: toggle("-q, --quiet", "no messages, no progress"),
  json: toggle("--json", "the result as one JSON document"),
  verbose: toggle("--verbose", "errors with their stack"),
  color: toggle("--no-color", "no colours"),
  config: option("--config <file>", "options in a YAML file, by their long names; flags win", { kind: texts("files") }),
  printConfig: toggle("--print-config", "write such a file of the options that are given, and do nothing else"),
};

/** The options that control what is printed on the terminal. */
export type OutputFlags = Partial<Pick<Values<typeof everyCommand>, "quiet" | "json" | "verbose">> & {
  /** false: --no-color */
  readonly color: boolean;
};

/** The option --output for a folder, made absolute. `usual`: the default in words. */
export function outputFolder(help: string, usual?: string): Option<string | null> {
  const told = usual === undefined ? {} : { usual };
  return option("-o, --output <folder>", help, { kind: folder, otherwise: null, ...told });
}

/** An option for a file to write, as typed. */
export function outputFile(flags: string, help: string): Option<string | undefined> {
  return option(flags, help, { kind: file });
}

export function overwrite(what: string): Option<boolean> {
  return toggle("--overwrite", `start again in a folder that holds a ${what}`);
}

/** Output formats of answers about a user's images. */
export const answerForms = {
  jsonl: toggle("--jsonl", "a JSON object a line, as soon as it is there"),
  csv: toggle("--csv", "a table with commas"),
};

export const show = toggle(
  "--show",
  "behind each text its tokens, how likely the model found each, and the time by stage",
);
