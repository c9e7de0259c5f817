/** The declaration of a command, and what a command is given when it is called. */
import type { Catalog } from "../catalog/catalog.ts";
import type { SchedulerTask } from "../../reports/records/run-lock.ts";
import type { HubSettings } from "../pull/hub/hub.ts";
import type { RedisPlace } from "../spread/queue/redis.ts";
import type { ShardChoice } from "./options/shard.ts";
import { readOptions } from "./options/option.ts";
import type { Given, Options, Place, Values } from "./options/option.ts";
import type { OutputFlags } from "./options/output.ts";
import type { Terminal } from "./terminal.ts";

/** Everything a command can use besides its own options and words. */
export interface Surroundings extends Place {
  readonly catalog: Catalog;
  readonly terminal: Terminal;
  /** Whether --json was given: the result is one JSON document. */
  readonly isJson: boolean;
  /** Folder of the Hugging Face cache. */
  readonly hubCache: string;
  /** Settings of the hub from environment variables. Throws a UsageError for an invalid variable. */
  readonly hub: () => HubSettings;
  /** What a scheduler that started this process says of it. */
  readonly scheduler: {
    /** The number of a shard, from 0. Throws a UsageError where the scheduler does not say it. */
    readonly indexOf: (shard: ShardChoice) => number;
    readonly task: SchedulerTask | null;
  };
  /** The Redis of a queue. Throws a UsageError where no address is given. */
  readonly redis: () => RedisPlace;
  /** The command line without the program's name. */
  readonly words: readonly string[];
  /** All commands of the program. */
  readonly commands: readonly DeclaredCommand[];
  /** stdin; null: there is none. */
  readonly input: Input | null;
}

/** A readable stream such as process.stdin. */
export interface Input extends NodeJS.ReadableStream {
  readonly isTTY?: boolean;
}

/** Groups of commands in the order of --help. */
export const commandGroups = ["Try a model", "Evaluate", "Measure speed", "Decide", "Samples", "Look after"] as const;

interface Described {
  readonly name: string;
  readonly group: (typeof commandGroups)[number];
  /** Help in one line. */
  readonly summary: string;
  /**
   * The words that the command takes, in the notation of help: `[image] [questions...]`, `[add|show|plot]
   * [folders...]`; "": none.
   */
  readonly words: string;
  /** Two command lines, without the program's name. */
  readonly examples: readonly [string, string];
}

export interface DeclaredCommand extends Described {
  readonly options: Options;
  /** Whether a file given by --config holds options; unset: always. */
  readonly holdsOptions?: (file: string) => boolean;
  /** Throws a UsageError for an invalid value. */
  readonly check: (given: ReadonlyMap<string, Given>, place: Place) => void;
  /** Performs the command and gives its exit code. */
  readonly perform: (call: CommandCall, surroundings: Surroundings) => Promise<number>;
}

export interface CommandCall {
  readonly words: readonly string[];
  /** The given options by key. */
  readonly given: ReadonlyMap<string, Given>;
}

/** The work of a command; gives its exit code. */
export type Work<Declared extends Options> = (
  values: Values<Declared>,
  words: readonly string[],
  surroundings: Surroundings,
) => Promise<number>;

/** Declares a command. `work` loads the command's code when it is called, so that help is printed quickly. */
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
