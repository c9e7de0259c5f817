/** The command line: words → the command that was called, with its flags read. What a flag means is checked by its command. */
import { Command, CommanderError } from "commander";
import type { AddCommand, Call } from "./flags.ts";
import { unknownFlag } from "./flags.ts";
import { unknownName, UsageError } from "../catalog/usage-error.ts";

/** Other spellings of a flag: what its list may be called, and what papers and other harnesses call it. */
const spellings: Readonly<Record<string, string>> = {
  "--models": "--model",
  "--precisions": "--precision",
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

/**
 * The command that was called; null where help or the version was asked for and printed. Throws a UsageError for a
 * command, a flag or a number of words that is not known.
 */
export async function parseCommandLine(
  words: readonly string[],
  {
    commands,
    version,
    write,
  }: {
    readonly commands: readonly AddCommand[];
    readonly version: string;
    readonly write: (text: string) => void;
  },
): Promise<Call | null> {
  const calls: Call[] = [];
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
  for (const add of commands) add(program, (call) => calls.push(call));

  try {
    await program.parseAsync(spellFlags(words), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) throw new UsageError(`${error.message.replace(/^error: /, "")}.`, { cause: error });
  }
  return calls[0] ?? null;
}

function unknownCommand(program: Command): UsageError {
  const [word] = program.args;
  const names = program.commands.map((command) => command.name());
  if (word === undefined)
    return new UsageError(`found no command, expected one of ${names.join(", ")}. See blip2-bench --help.`);
  if (word.startsWith("-")) return unknownFlag(word, "blip2-bench", program);
  return unknownName(word, "command", { name: word, names });
}
