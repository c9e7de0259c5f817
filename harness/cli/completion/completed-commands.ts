/**
 * What a shell can complete: commands, their options and values, taken from the declarations of commands and from the
 * catalogue.
 */
import type { Catalog } from "../../catalog/catalog.ts";
import { optionsOf } from "../command-line.ts";
import type { DeclaredCommand } from "../declared-command.ts";
import type { Choices, Option } from "../options/option.ts";

export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  /** Possible values of the command's first word; empty: any word, or no words at all. */
  readonly actions: readonly string[];
  readonly takesWords: boolean;
  readonly options: readonly CompletedOption[];
}

export interface CompletedOption {
  /** `-m`, `--model`. */
  readonly names: readonly string[];
  readonly help: string;
  /** null: a switch, which takes no value. */
  readonly value: CompletedValue | null;
}

export interface CompletedValue {
  /** Placeholder in help, such as `names`. */
  readonly placeholder: string;
  /** Whether several values can be given, separated by commas. */
  readonly isList: boolean;
  readonly choices: readonly string[];
  /**
   * What paths can be completed. `models`: folders, and names in the Hugging Face cache. null: the value is not a path.
   */
  readonly place: "files" | "folders" | "models" | null;
}

export function completedCommands(
  commands: readonly DeclaredCommand[],
  catalog: Pick<Catalog, "tasks" | "checkpoints">,
): readonly CompletedCommand[] {
  const valueOf = ({ flags, kind }: Option<unknown>): CompletedValue | null => {
    if (kind === null) return null;
    const [, placeholder = "value"] = /<(.*)>$/.exec(flags) ?? [];
    return { placeholder, isList: kind.isList, ...placeAndChoices(kind.choices, catalog) };
  };
  return commands.map((command) => {
    const [first = ""] = command.words.split(" ");
    const isAction = first.includes("|");
    const options = Object.values(optionsOf(command)).map((option) => ({
      names: [...option.flags.matchAll(/(?<![\w-])--?[a-z][a-z-]*/g)].map(([name]) => name),
      help: option.help,
      value: valueOf(option),
    }));
    return {
      name: command.name,
      summary: command.summary,
      actions: isAction ? first.slice(1, -1).split("|") : [],
      takesWords: isAction ? command.words.includes(" ") : command.words !== "",
      options: [...options, { names: ["-h", "--help"], help: "print this", value: null }],
    };
  });
}

function placeAndChoices(
  choices: Choices | null,
  { tasks, checkpoints }: Pick<Catalog, "tasks" | "checkpoints">,
): Pick<CompletedValue, "choices" | "place"> {
  if (choices === "files" || choices === "folders") return { choices: [], place: choices };
  if (choices === "models") return { choices: checkpoints.map(({ name }) => name), place: choices };
  if (choices === "tasks") return { choices: tasks.map(({ name }) => name), place: null };
  if (choices === "splits") {
    return { choices: [...new Set(tasks.flatMap(({ dataset }) => dataset.splits))], place: null };
  }
  return { choices: choices ?? [], place: null };
}
