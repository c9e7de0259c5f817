/**
 * An option is declared once: its name, what it may be, what it is where it is not given, its help and the heading it stands
 * under. The type of what a command gets, its flags, the keys of a config file, the help and completion follow from that.
 */
import type * as z from "zod";

export const headings = ["What to run", "How text is made", "Speed", "Output"] as const;
export type Heading = (typeof headings)[number];

/** What can be completed: these words, or what there is of that. */
export type Choices = readonly string[] | "models" | "tasks" | "splits" | "files" | "folders";

export interface Kind<Value> {
  /** Whether it may be given several times. */
  readonly isList: boolean;
  /** `texts`: as typed, at least one. Throws a UsageError. `where`: the name it was given by, for messages. */
  readonly read: (texts: readonly string[], where: string) => Value;
  /** What a config file may have. */
  readonly schema: z.ZodType;
  /** null: anything. */
  readonly choices: Choices | null;
}

/** What the values of options that are not given depend on. */
export interface Place {
  /** Absolute: what is kept between runs, unless another folder is named. */
  readonly cacheFolder: string;
}

export interface Option<Value> {
  /** As help has it: `-b, --batch-size <n>`. */
  readonly flags: string;
  /** The default included. */
  readonly help: string;
  readonly heading: Heading;
  /** null: a switch, which takes no value. */
  readonly kind: Kind<unknown> | null;
  /** Whether its text may look like a flag. */
  readonly isAnyText: boolean;
  readonly read: (given: Given | undefined, place: Place) => Value;
}

/** What was typed, or stands in a config file. */
export interface Given {
  /** Of a switch: whether it is on. */
  readonly value: readonly string[] | boolean;
  /** `--beams`, or `eval.yaml:3:8: beams`. */
  readonly where: string;
}

/** By their keys: `batchSize` for `--batch-size`, `report` for `--no-report`. */
export type Options = Readonly<Record<string, Option<unknown>>>;

/** What a command with these options gets. */
export type Values<Declared extends Options> = {
  readonly [Key in keyof Declared]: Declared[Key] extends Option<infer Value> ? Value : never;
};

/** `usual`: the default in words; unset: there is none to tell, or `otherwise` tells it. */
interface Declaration<Value, Otherwise> {
  readonly kind: Kind<Value>;
  readonly usual?: string;
  /** What it is where it is not given. */
  readonly otherwise?: Otherwise;
  /** The same where that depends on the place. */
  readonly otherwiseIn?: (place: Place) => Otherwise;
  readonly isAnyText?: boolean;
}

/** Declares what a command has under this heading. */
export interface OptionsUnder {
  readonly option: <Value, Otherwise = undefined>(
    flags: string,
    help: string,
    declared: Declaration<Value, Otherwise>,
  ) => Option<Value | Otherwise>;
  /** Off unless it is given; one whose name begins with `--no-` is on. */
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
      const usually = otherwiseIn ?? ((): Otherwise => otherwise as Otherwise); // undefined where neither is declared
      return {
        ...{ flags, heading, kind, isAnyText },
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

/** An option with another default, in words: that of the command it is for. */
export function withUsual<Value>(declared: Option<Value>, usual: string): Option<Value> {
  return { ...declared, help: withDefault(declared.help.replace(/ \(default: [^()]*\)$/, ""), usual) };
}

/** `--batch-size` of `-b, --batch-size <n>`. */
export function longNameOf({ flags }: Pick<Option<unknown>, "flags">): string {
  return /--[a-z-]+/.exec(flags)?.[0] ?? flags;
}

/** What all options are, those that were given and the others. Throws a UsageError. */
export function readOptions<Declared extends Options>(
  options: Declared,
  given: ReadonlyMap<string, Given>,
  place: Place,
): Values<Declared> {
  const values = Object.entries(options).map(([key, { read }]) => [key, read(given.get(key), place)] as const);
  return Object.fromEntries(values) as Values<Declared>; // each key with what its own option read
}
