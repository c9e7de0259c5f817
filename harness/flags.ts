/** The commands and their flags, for commander; what they mean is checked in run-config.ts. */
import { Command, CommanderError } from "commander";
import { cacheActions } from "./cache-command.ts";
import type { CacheAction, CacheFlags } from "./cache-command.ts";
import type { PrepareFlags } from "./prepare-command.ts";
import type { ReproduceFlags } from "./reproduce-command.ts";
import type { RunFlags } from "./run-config.ts";
import { unknownName, UsageError } from "./usage-error.ts";

/** Flags of every command. */
export interface OutputFlags {
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly verbose?: boolean;
  /** false: --no-color */
  readonly color: boolean;
}

export type Request =
  | { readonly command: "run"; readonly flags: RunFlags & OutputFlags }
  | { readonly command: "reproduce"; readonly flags: ReproduceFlags & OutputFlags }
  | { readonly command: "score"; readonly folder: string; readonly flags: { readonly data?: string } & OutputFlags }
  | { readonly command: "prepare"; readonly flags: PrepareFlags & OutputFlags }
  | { readonly command: "cache"; readonly flags: CacheFlags & OutputFlags; readonly what: CacheAction }
  | { readonly command: "ls"; readonly what: "models" | "tasks" | null; readonly flags: OutputFlags }
  /** Help or the version was asked for and printed. */
  | { readonly command: null };

/** Other spellings of a flag: what its list may be called, and what papers and other harnesses call it. */
const spellings: Readonly<Record<string, string>> = {
  "--models": "--model",
  "--checkpoint": "--model",
  "--task": "--tasks",
  "-L": "--limit",
};

/** `--batch_size=4` → `--batch-size=4`; what comes after `--` is no flag. */
function spellFlags(words: readonly string[]): string[] {
  const end = words.indexOf("--");
  return words.map((word, index) => {
    if (end !== -1 && index >= end) return word;
    const [, flag, value = ""] = /^(--?[A-Za-z][\w-]*)(=.*)?$/s.exec(word) ?? [];
    if (flag === undefined) return word;
    const kebab = flag.replaceAll(/(?<=.)_/g, "-");
    return `${spellings[kebab] ?? kebab}${value}`;
  });
}

/** Throws a UsageError for a command, a flag or a number of words that is not known. */
export async function parseCommandLine(
  words: readonly string[],
  { version, write }: { version: string; write: (text: string) => void },
): Promise<Request> {
  let request: Request = { command: null };
  const program = new Command("blip2-bench");
  program
    .description("Evaluates BLIP-2 checkpoints: samples, predictions, scores, rows.")
    .version(version, "--version", "print the version")
    .helpOption("-h, --help", "print this")
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: write, outputError: () => undefined })
    .showSuggestionAfterError(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .argument("[command]")
    .action(() => {
      throw unknownCommand(program);
    });

  const run = runCommand(program);
  run.action(() => {
    refuseExcess(run, 0);
    refuseFlagsAsValues(run);
    request = { command: "run", flags: run.opts<RunFlags & OutputFlags>() };
  });

  const ls = withOutputFlags(program.command("ls")).description("list what can be named: models, tasks");
  ls.argument("[models|tasks]").action(() => {
    const [what] = ls.args;
    if (what !== undefined && !what.startsWith("-") && what !== "models" && what !== "tasks") {
      throw unknownName(`ls ${what}`, "list", { name: what, names: ["models", "tasks"] });
    }
    refuseExcess(ls, 1);
    request = {
      command: "ls",
      what: what === "models" || what === "tasks" ? what : null,
      flags: ls.opts<OutputFlags>(),
    };
  });

  const score = withOutputFlags(program.command("score")).description("score the predictions of a run folder again");
  score
    .argument("[folder]")
    .option("--data <folder>", "the data set's files, where they have moved")
    .action(() => {
      refuseExcess(score, 1);
      const [folder] = score.args;
      if (folder === undefined) throw new UsageError("score: found no folder, expected the run folder to score.");
      request = { command: "score", folder, flags: score.opts<{ data?: string } & OutputFlags>() };
    });

  const reproduce = reproduceCommand(program);
  reproduce.action(() => {
    refuseExcess(reproduce, 0);
    refuseFlagsAsValues(reproduce);
    request = { command: "reproduce", flags: reproduce.opts<ReproduceFlags & OutputFlags>() };
  });

  const prepare = prepareCommand(program);
  prepare.action(() => {
    refuseExcess(prepare, 0);
    refuseFlagsAsValues(prepare);
    request = { command: "prepare", flags: prepare.opts<PrepareFlags & OutputFlags>() };
  });

  const cache = cacheCommand(program);
  cache.action(() => {
    const [word = "ls"] = cache.args;
    const what = cacheActions.find((action) => action === word);
    if (what === undefined && !word.startsWith("-")) {
      throw unknownName(`cache ${word}`, "action", { name: word, names: cacheActions });
    }
    refuseExcess(cache, 1);
    refuseFlagsAsValues(cache);
    request = { command: "cache", what: what ?? "ls", flags: cache.opts<CacheFlags & OutputFlags>() };
  });

  try {
    await program.parseAsync(spellFlags(words), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw new UsageError(`${error.message.replace(/^error: /, "")}.`, { cause: error });
  }
  return request;
}

const precisionHelp =
  "fp32, int8, int8-block or int4, for all of a model or by part: language=int4,vision=int8 (default: fp32)";

function runCommand(program: Command): Command {
  const run = program.command("run").description("evaluate checkpoints on tasks; goes on with a run that was stopped");
  withRunFlags(run, { models: "all bundled", tasks: "all the checkpoints can do" })
    .option("--precision <names>", precisionHelp)
    .option("--prompt <text>", "another prompt, with {question} in it")
    .option("--beams <n>", "beams; 1 is greedy search")
    .option("--length-penalty <x>", "above 0 favours long answers, below short ones")
    .option("--repetition-penalty <x>", "1 is none")
    .option("--early-stopping <when>", "true, false or never, as in transformers")
    .option("--min-new-tokens <n>", "shortest answer")
    .option("--max-new-tokens <n>", "longest answer")
    .option("--rerank <n>", "retrieval: candidates of a row that are matched again; 0 is none")
    .option("--cider-df <where>", "CIDEr's document frequencies: split, or sample as the official code has it");
  return withOutputFlags(run);
}

function reproduceCommand(program: Command): Command {
  const reproduce = program
    .command("reproduce")
    .description("evaluate as the paper does; shows the scores beside every published number");
  withRunFlags(reproduce, { models: "none", tasks: "all with published numbers" })
    .option("--run <folder>", "show a run that is on disk instead")
    .option("--list", "show all published numbers instead, also of checkpoints that are not public");
  return withOutputFlags(reproduce);
}

function prepareCommand(program: Command): Command {
  const prepare = program
    .command("prepare")
    .description("convert and quantize weights now, which run does when needed");
  prepare
    .option("-m, --model <names>", "as in run (default: all bundled)", list)
    .option("--precision <names>", precisionHelp)
    .option("--cache <folder>", cacheHelp);
  return withOutputFlags(prepare);
}

function cacheCommand(program: Command): Command {
  const cache = program.command("cache").description("converted weights that are kept between runs: ls, verify, prune");
  cache
    .argument("[ls|verify|prune]")
    .option("--all", "prune: remove what is whole, too")
    .option("--cache <folder>", cacheHelp);
  return withOutputFlags(cache);
}

const cacheHelp = "what is kept between runs (default: blip2-bench in the user's cache folder)";

function list(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** Those that replace no choice of a protocol. */
function withRunFlags(command: Command, defaults: { readonly models: string; readonly tasks: string }): Command {
  return command
    .option(
      "-m, --model <names>",
      `bundled names, folders or names in the Hugging Face cache (default: ${defaults.models})`,
      list,
    )
    .option("-t, --tasks <names>", `tasks (default: ${defaults.tasks})`, list)
    .option("-o, --output <folder>", "the run folder (default: runs/<date-time>)")
    .option("--data <folder>", "the data set's official files (default: the bundled ones)")
    .option("--images <folder>", "its images (default: where the official archives put them)")
    .option("--split <name>", "part of the data set (default: its first)")
    .option("--protocol <name>", "paper: as the paper says; lavis: as its code does today (default: paper)")
    .option("--limit <n>", "only the first n samples, or a fraction of them, such as 0.1")
    .option("-b, --batch-size <n>", "questions a batch (default: 8)")
    .option("--threads <n>", "threads to compute with (default: all)")
    .option("--max-errors <n>", "stop when more samples than this have failed")
    .option("--cache <folder>", cacheHelp)
    .option("--overwrite", "start again in a folder that holds a run");
}

function withOutputFlags(command: Command): Command {
  return command
    .option("-q, --quiet", "no messages, no progress")
    .option("--json", "the result as one JSON document")
    .option("--verbose", "errors with their stack")
    .option("--no-color", "no colours")
    .allowUnknownOption()
    .allowExcessArguments();
}

function unknownCommand(program: Command): UsageError {
  const [word] = program.args;
  const names = program.commands.map((command) => command.name());
  if (word === undefined)
    return new UsageError(`found no command, expected one of ${names.join(", ")}. See blip2-bench --help.`);
  if (word.startsWith("-")) return unknownFlag(word, "blip2-bench", program);
  return unknownName(word, "command", { name: word, names });
}

/** Words that commander could not place: flags it does not know, and more than the command takes. */
function refuseExcess(command: Command, most: number): void {
  const flag = command.args.find((word) => word.startsWith("-"));
  if (flag !== undefined) throw unknownFlag(flag, command.name(), command);
  const excess = command.args[most];
  if (excess !== undefined)
    throw new UsageError(`${command.name()}: found "${excess}", expected flags only from there on.`);
}

/** `--output --quiet` is a value that was forgotten. A prompt may say anything. */
function refuseFlagsAsValues(command: Command): void {
  for (const option of command.options) {
    const values: unknown = command.getOptionValue(option.attributeName());
    for (const value of Array.isArray(values) ? values : [values]) {
      if (typeof value !== "string" || !/^--[a-z]/.test(value) || option.long === "--prompt") continue;
      throw new UsageError(`${option.long ?? option.flags}: found "${value}", expected a value before the next flag.`);
    }
  }
}

function unknownFlag(word: string, where: string, command: Command): UsageError {
  const [flag = word] = word.split("=");
  const names = command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long }) => long ?? []);
  return unknownName(`${where} ${flag}`, "flag", { name: flag, names });
}
