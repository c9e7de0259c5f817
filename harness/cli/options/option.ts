/**
 * An option is declared once: its name, kind of value, default, help, and the heading in help. The types of a command's
 * values, its flags, the keys of config files, the help and shell completion are derived from that.
 */
import type * as z from "zod";

export const headings = ["What to run", "How text is made", "Speed", "Output"] as const;
export type Heading = (typeof headings)[number];

/** What a shell completes: a list of words, or names of this sort. */
export type Choices = readonly string[] | "models" | "tasks" | "splits" | "files" | "folders";

export interface Kind<Value> {
  /** Whether the option may be given several times. */
  readonly isList: boolean;
  /** Parses the typed `texts`, at least one. Throws a UsageError. `where`: how the option was given, for messages. */
  readonly read: (texts: readonly string[], where: string) => Value;
  /** Schema of the value in a config file. */
  readonly schema: z.ZodType;
  /** Choices for completion; null: any value. */
  readonly choices: Choices | null;
}

/** What defaults of options can depend on. */
export interface Place {
  /** Absolute path of the default cache folder. */
  readonly cacheFolder: string;
}

export interface Option<Value> {
  /** Names and placeholder as in help: `-b, --batch-size <n>`. */
  readonly flags: string;
  /** Help text, including the default. */
  readonly help: string;
  readonly heading: Heading;
  /** null: a switch, which takes no value. */
  readonly kind: Kind<unknown> | null;
  /** Whether a value may begin with a hyphen. */
  readonly isAnyText: boolean;
  readonly read: (given: Given | undefined, place: Place) => Value;
}

/** An option that was given, by a flag or in a config file. */
export interface Given {
  /** The typed texts; for a switch, whether it is on. */
  readonly value: readonly string[] | boolean;
  /** How it was given: `--beams`, or `eval.yaml:3:8: beams`. */
  readonly where: string;
}

/** Options by key: `batchSize` for `--batch-size`, `report` for `--no-report`. */
export type Options = Readonly<Record<string, Option<unknown>>>;

/** The values that a command with these options receives. */
export type Values<Declared extends Options> = {
  readonly [Key in keyof Declared]: Declared[Key] extends Option<infer Value> ? Value : never;
};

/** The parts of a declaration. `usual`: the default in words; unset: `otherwise` is shown, or there is no default. */
interface Declaration<Value, Otherwise> {
  readonly kind: Kind<Value>;
  readonly usual?: string;
  /** The default value. */
  readonly otherwise?: Otherwise;
  /** The default value, where it depends on the place. */
  readonly otherwiseIn?: (place: Place) => Otherwise;
  readonly isAnyText?: boolean;
}

/** Declares options under one heading of help. */
export interface OptionsUnder {
  readonly option: <Value, Otherwise = undefined>(
    flags: string,
    help: string,
    declared: Declaration<Value, Otherwise>,
  ) => Option<Value | Otherwise>;
  /** A switch. It is off by default; one whose name begins with `--no-` is on by default. */
  readonly toggle: (flags: string, help: string) => Option<boolean>;
}

export function optionsUnder(heading: Heading): OptionsUnder {
  return {
    option: <Value, Otherwise = undefined>(
      flags: string,
      help: string,
      { kind, otherwise, otherwiseIn, usual, isAnyText = false }: Declaration<Value, Otherwise>,
    ): Option<Value | Otherwise> => {
      const isTold = typeof otherwise === "number" || typeof otherwise === "string";
      // undefined where no default is declared
      const usually = otherwiseIn ?? ((): Otherwise => otherwise as Otherwise);
      return {
        flags,
        heading,
        kind,
        isAnyText,
        help: withDefault(help, usual ?? (isTold ? String(otherwise) : null)),
        read: (given, place) => {
          if (given === undefined) return usually(place);
          return kind.read(typeof given.value === "boolean" ? [] : given.value, given.where);
        },
      };
    },
    toggle: (flags, help) => {
      const isUsual = flags.includes("--no-");
      const read: Option<boolean>["read"] = (given) => (given === undefined ? isUsual : given.value === true);
      return { flags, help, heading, kind: null, isAnyText: false, read };
    },
  };
}

function withDefault(help: string, usual: string | null): string {
  return usual === null ? help : `${help} (default: ${usual})`;
}

/** A copy of an option whose help names another default, for commands that choose the default themselves. */
export function withUsual<Value>(declared: Option<Value>, usual: string): Option<Value> {
  return { ...declared, help: withDefault(declared.help.replace(/ \(default: [^()]*\)$/, ""), usual) };
}

/** `--batch-size` of `-b, --batch-size <n>`. */
export function longNameOf({ flags }: Pick<Option<unknown>, "flags">): string {
  return /--[a-z-]+/.exec(flags)?.[0] ?? flags;
}

/** The values of all options: the given ones, and defaults for the others. Throws a UsageError. */
export function readOptions<Declared extends Options>(
  options: Declared,
  given: ReadonlyMap<string, Given>,
  place: Place,
): Values<Declared> {
  const values = Object.entries(options).map(([key, { read }]) => [key, read(given.get(key), place)] as const);
  return Object.fromEntries(values) as Values<Declared>; // each key has the value that its own option parsed
}
