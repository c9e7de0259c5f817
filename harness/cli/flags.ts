/** What commands are made of: where they work, flags that several of them have, and the refusal of words they do not take. */
import type { Command } from "commander";
import type { Catalog } from "../catalog/catalog.ts";
import type { Terminal } from "./terminal.ts";
import { withDeviceFlags } from "../catalog/device.ts";
import type { HubSettings } from "../pull/hub/hub.ts";
import { unknownName, UsageError } from "../catalog/usage-error.ts";

/** Where a command works. */
export interface Surroundings {
  readonly catalog: Catalog;
  readonly terminal: Terminal;
  /** --json: the result is one JSON document. */
  readonly isJson: boolean;
  /** The Hugging Face cache. */
  readonly hubCache: string;
  /** The hub that the environment names. Throws a UsageError where a variable makes no sense. */
  readonly hub: () => HubSettings;
  /** Absolute: what is kept between runs, unless --cache names another folder. */
  readonly cacheFolder: string;
  /** The command line behind the program's name. */
  readonly words: readonly string[];
  /** stdin; null: there is none. */
  readonly input: Input | null;
}

/** process.stdin is one. */
export interface Input extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
}

/** A command that was called. */
export interface Call {
  readonly flags: OutputFlags;
  /** Gives the exit code. */
  readonly perform: (surroundings: Surroundings) => Promise<number>;
}

/** Adds a command to the program; `called` gets it with its flags when the words name it. */
export type AddCommand = (program: Command, called: (call: Call) => void) => void;

/** Flags of every command. */
export interface OutputFlags {
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly verbose?: boolean;
  /** false: --no-color */
  readonly color: boolean;
}

export const precisionHelp =
  "fp32, fp16, int8, int8-block or int4, several with commas (int4: the language model, the rest int8); or by part: language=int4,vision=int8 (default: fp32)";
export const maxPixelsHelp = "take images of more pixels than the usual 178,956,970, up to this many";
export const dataHelp =
  "folder of the data set's official files, or of a parquet mirror, or hf:owner/name (default: the bundled files)";
export const cacheHelp = "what is kept between runs (default: blip2-bench in the user's cache folder)";

/** Gathers the values of a flag that may be given several times. */
export function list(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** Those that replace no choice of a protocol. */
export function withRunFlags(command: Command, defaults: { readonly models: string; readonly tasks: string }): Command {
  command
    .option(
      "-m, --model <names>",
      `bundled names, folders or names in the Hugging Face cache (default: ${defaults.models})`,
      list,
    )
    .option("-t, --tasks <names>", `tasks (default: ${defaults.tasks})`, list)
    .option("-o, --output <folder>", "the run folder (default: runs/<date-time>)")
    .option("--data <folder>", dataHelp)
    .option("--images <folder>", "its images (default: where the official archives put them)")
    .option("--max-pixels <n>", maxPixelsHelp)
    .option("--split <name>", "part of the data set (default: its first)")
    .option("--protocol <name>", "paper: as the paper says; lavis: as its code does today (default: paper)")
    .option("--limit <n>", "only the first n samples, or a fraction of them, such as 0.1")
    .option("-b, --batch-size <n>", "questions a batch; auto measures what is fastest, but for retrieval (default: 8)")
    .option(
      "--memory-budget <amount>",
      "what batches may take with --batch-size auto, such as 4GB (default: half of the free)",
    )
    .option("--threads <n>", "threads to compute with (default: all)")
    .option("--image-threads <n>", "threads that decode and resize images beside a model that generates (default: 0)")
    .option("--workers <n>", "processes a model computes in, which share the threads (default: 1, this one)")
    .option("--max-errors <n>", "stop when more samples than this have failed")
    .option("--cache <folder>", cacheHelp)
    .option("--keep-features", "keep what the image encoder makes, for the next checkpoint or task with the same one")
    .option("--overwrite", "start again in a folder that holds a run");
  return withDeviceFlags(command);
}

export function withOutputFlags(command: Command): Command {
  return command
    .option("-q, --quiet", "no messages, no progress")
    .option("--json", "the result as one JSON document")
    .option("--verbose", "errors with their stack")
    .option("--no-color", "no colours")
    .allowUnknownOption()
    .allowExcessArguments();
}

/** Words that commander could not place: flags it does not know, and more than the command takes. */
export function refuseExcess(command: Command, most: number): void {
  const flag = command.args.find((word) => word.startsWith("-"));
  if (flag !== undefined) throw unknownFlag(flag, command.name(), command);
  const excess = command.args[most];
  if (excess !== undefined)
    throw new UsageError(`${command.name()}: found "${excess}", expected flags only from there on.`);
}

/** `--output --quiet` is a value that was forgotten. A prompt may say anything. */
export function refuseFlagsAsValues(command: Command): void {
  for (const option of command.options) {
    const values: unknown = command.getOptionValue(option.attributeName());
    for (const value of Array.isArray(values) ? values : [values]) {
      if (typeof value !== "string" || !/^--[a-z]/.test(value) || option.long === "--prompt") continue;
      throw new UsageError(`${option.long ?? option.flags}: found "${value}", expected a value before the next flag.`);
    }
  }
}

export function unknownFlag(word: string, where: string, command: Command): UsageError {
  const [flag = word] = word.split("=");
  const names = command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long }) => long ?? []);
  return unknownName(`${where} ${flag}`, "flag", { name: flag, names });
}
