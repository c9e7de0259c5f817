/** What a command is declared with, and what it works with when it is called. */
import type { Catalog } from "../catalog/catalog.ts";
import type { HubSettings } from "../pull/hub/hub.ts";
import { readOptions } from "./options/option.ts";
import type { Given, Options, Place, Values } from "./options/option.ts";
import type { OutputFlags } from "./options/output.ts";
import type { Terminal } from "./terminal.ts";

/** Where a command works. */
export interface Surroundings extends Place {
  readonly catalog: Catalog;
  readonly terminal: Terminal;
  /** --json: the result is one JSON document. */
  readonly isJson: boolean;
  /** The Hugging Face cache. */
  readonly hubCache: string;
  /** The hub that the environment names. Throws a UsageError where a variable makes no sense. */
  readonly hub: () => HubSettings;
  /** The command line behind the program's name. */
  readonly words: readonly string[];
  /** All there are. */
  readonly commands: readonly DeclaredCommand[];
  /** stdin; null: there is none. */
  readonly input: Input | null;
}

/** process.stdin is one. */
export interface Input extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
}

/** In the order of --help. */
export const commandGroups = ["Try a model", "Evaluate", "Measure speed", "Decide", "Look after"] as const;

interface Described {
  readonly name: string;
  readonly group: (typeof commandGroups)[number];
  /** In one line. */
  readonly summary: string;
  /** What stands behind its name, as help has it: `[image] [questions...]`, `[add|show|plot] [folders...]`; "" is nothing. */
  readonly words: string;
  /** Two command lines, without the program's name. */
  readonly examples: readonly [string, string];
}

export interface DeclaredCommand extends Described {
  readonly options: Options;
  /** Whether a file that --config names holds options; unset: it does. */
  readonly holdsOptions?: (file: string) => boolean;
  /** Throws a UsageError for a value that is none. */
  readonly check: (given: ReadonlyMap<string, Given>, place: Place) => void;
  /** Gives the exit code. `words`: those behind its name that are no options. */
  readonly perform: (call: CommandCall, surroundings: Surroundings) => Promise<number>;
}

export interface CommandCall {
  readonly words: readonly string[];
  /** The options, by their keys. */
  readonly given: ReadonlyMap<string, Given>;
}

/** What a command does. Gives the exit code. */
export type Work<Declared extends Options> = (
  values: Values<Declared>,
  words: readonly string[],
  surroundings: Surroundings,
) => Promise<number>;

/** `work` gives what the command does: loaded when it is called, so that help comes at once. */
export function declareCommand<const Declared extends Options>({
  options,
  work,
  ...described
}: Described &
  Pick<DeclaredCommand, "holdsOptions"> & {
    readonly options: Declared;
    readonly work: () => Promise<Work<Declared>>;
  }): DeclaredCommand {
  return {
    ...described,
    options,
    check: (given, place) => {
      readOptions(options, given, place);
    },
    perform: async ({ words, given }, surroundings) => {
      const values = readOptions(options, given, surroundings);
      return (await work())(values, words, surroundings);
    },
  };
}

/** A command that was called. */
export interface Call {
  readonly flags: OutputFlags;
  /** Gives the exit code. */
  readonly perform: (surroundings: Surroundings) => Promise<number>;
}
