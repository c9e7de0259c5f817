/** Parses the command line: finds the command and the options that were given. */
import { Command, CommanderError, Option as CommanderOption } from "commander";
import { unknownName, UsageError } from "../catalog/usage-error.ts";
import { completeCode } from "./exit-code.ts";
import { configText, readConfigFile } from "./config-file.ts";
import type { Call, DeclaredCommand } from "./declared-command.ts";
import { commandGroups } from "./declared-command.ts";
import { describeHelp } from "./help.ts";
import { headings, longNameOf, readOptions } from "./options/option.ts";
import type { Given, Options } from "./options/option.ts";
import { everyCommand } from "./options/output.ts";

/** Accepted other spellings of flags: plural forms, and the names in papers and other evaluation harnesses. */
const spellings: Readonly<Record<string, string>> = {
  "--models": "--model",
  "--precisions": "--precision",
  "--checkpoint": "--model",
  "--task": "--tasks",
  "-L": "--limit",
};

/** Rewrites `--batch_size=4` to `--batch-size=4`; words after `--` are not flags. */
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

export interface ProgramParts {
  readonly commands: readonly DeclaredCommand[];
  readonly version: string;
  readonly write: (text: string) => void;
}

/**
 * The command that was called; null where help or the version was printed, also for a line without words. Throws a
 * UsageError for an unknown command or flag, too many words, or an invalid config file.
 */
export async function parseCommandLine(words: readonly string[], parts: ProgramParts): Promise<Call | null> {
  const calls: Call[] = [];
  const program = programOf(parts, (call) => calls.push(call));
  try {
    await program.parseAsync(spellFlags(words), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw new UsageError(`${error.message.replace(/^error: /, "")}.`, { cause: error });
  }
  return calls[0] ?? null;
}

/** The help of a command, or of the program where `command` is null. */
export function helpOf(command: DeclaredCommand | null, parts: Omit<ProgramParts, "write">): string {
  let help = "";
  const write = (text: string): void => void (help += text);
  const program = programOf({ ...parts, write }, () => undefined);
  const found = program.commands.find((each) => each.name() === command?.name);
  (found ?? program).outputHelp();
  return help;
}

function programOf({ commands, version, write }: ProgramParts, called: (call: Call) => void): Command {
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
    .usage("<command> [options]")
    .addHelpText("after", "\nblip2-bench <command> --help says what a command takes, with examples.")
    .action(() => {
      if (program.args.length > 0) throw unknownCommand(program);
      program.outputHelp();
    });
  describeHelp(program);
  for (const group of commandGroups) {
    for (const declared of commands) if (declared.group === group) addCommand(program, declared, called);
  }
  return program;
}

/** The options of a command, including those that every command has. */
export function optionsOf({ options }: Pick<DeclaredCommand, "options">): Options {
  return { ...options, ...Object.fromEntries(Object.entries(everyCommand).filter(([key]) => !(key in options))) };
}

function addCommand(program: Command, declared: DeclaredCommand, called: (call: Call) => void): void {
  const { name, group, summary, words, examples } = declared;
  const command = program.command(name).description(summary).helpGroup(`${group}:`);
  const options = optionsOf(declared);
  for (const syntax of words.split(" ")) if (syntax !== "") command.argument(syntax);
  for (const heading of headings) {
    for (const { flags, help, kind, heading: own } of Object.values(options)) {
      if (own !== heading) continue;
      const option = new CommanderOption(flags, help).helpGroup(`${heading}:`);
      if (kind?.isList === true) option.argParser((value: string, before?: string[]) => [...(before ?? []), value]);
      command.addOption(option);
      if (kind === null) command.addOption(new CommanderOption(oppositeOf(flags)).hideHelp());
    }
  }
  command.addHelpOption(new CommanderOption("-h, --help", "print this").helpGroup("Output:"));
  command.allowUnknownOption().allowExcessArguments();
  describeHelp(command, examples);
  command.action(async () => {
    refuseExcess(command, words.includes("...") ? Infinity : command.registeredArguments.length);
    const { flags, files } = withoutOptionFiles(declared, givenFlags(command, options));
    const found = await Promise.all(files.map((file) => readConfigFile(file, declared.name, options)));
    // a later file overrides an earlier one, and flags override both
    const given = new Map([...found, flags].flatMap((each) => [...each]));
    called(callOf(declared, { options, given, words: [...command.args] }));
  });
}

/**
 * The opposite of a switch: `--no-quiet` for `-q, --quiet`, `--report` for `--no-report`. With it a flag can override a
 * file.
 */
function oppositeOf(flags: string): string {
  const name = longNameOf({ flags });
  return name.startsWith("--no-") ? name.replace("--no-", "--") : name.replace("--", "--no-");
}

function callOf(
  declared: DeclaredCommand,
  {
    options,
    given,
    words,
  }: { readonly options: Options; readonly given: ReadonlyMap<string, Given>; readonly words: readonly string[] },
): Call {
  const flags = readOptions(everyCommand, given, { cacheFolder: "" });
  if (!flags.printConfig) return { flags, perform: (surroundings) => declared.perform({ words, given }, surroundings) };
  return {
    flags,
    perform: async (surroundings) => {
      declared.check(given, surroundings);
      surroundings.terminal.exactly(`${await configText(declared, options, given)}\n`); // to be read back as it is
      return completeCode;
    },
  };
}

/**
 * Throws a UsageError for words that commander could not assign: unknown flags, and more words than the command takes.
 */
function refuseExcess(command: Command, most: number): void {
  const flag = command.args.find((word) => word.startsWith("-"));
  if (flag !== undefined) throw unknownFlag(flag, command.name(), command);
  const excess = command.args[most];
  if (excess !== undefined)
    throw new UsageError(`${command.name()}: found "${excess}", expected flags only from there on.`);
}

/**
 * The options that were typed. `--output --quiet` is refused as a forgotten value; a prompt may begin with a hyphen.
 */
function givenFlags(command: Command, options: Options): ReadonlyMap<string, Given> {
  const given = new Map<string, Given>();
  for (const [key, option] of Object.entries(options)) {
    if (command.getOptionValueSource(key) !== "cli") continue;
    const typed: unknown = command.getOptionValue(key);
    const where = longNameOf(option);
    if (typeof typed === "boolean") {
      given.set(key, { value: typed, where });
      continue;
    }
    const value = (Array.isArray(typed) ? typed : [typed]).map(String);
    const flag = value.find((each) => /^--[a-z]/.test(each));
    if (flag !== undefined && !option.isAnyText) {
      throw new UsageError(`${where}: found "${flag}", expected a value before the next flag.`);
    }
    given.set(key, { value, where });
  }
  return given;
}

/** Separates flags from files of options that --config names; --config values of other kinds remain as flags. */
function withoutOptionFiles(
  { holdsOptions = () => true }: DeclaredCommand,
  typed: ReadonlyMap<string, Given>,
): { readonly flags: ReadonlyMap<string, Given>; readonly files: readonly string[] } {
  const config = typed.get("config");
  const named = typeof config?.value === "object" ? config.value : [];
  const others = named.filter((file) => !holdsOptions(file));
  const flags = new Map(typed);
  flags.delete("config");
  if (config !== undefined && others.length > 0) flags.set("config", { ...config, value: others });
  return { flags, files: named.filter(holdsOptions) };
}

function unknownFlag(word: string, where: string, command: Command): UsageError {
  const [flag = word] = word.split("=");
  const names = command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long }) => long ?? []);
  return unknownName(`${where} ${flag}`, "flag", { name: flag, names });
}

function unknownCommand(program: Command): UsageError {
  const [word = ""] = program.args;
  const names = program.commands.map((command) => command.name());
  if (word.startsWith("-")) return unknownFlag(word, "blip2-bench", program);
  return unknownName(word, "command", { name: word, names });
}
