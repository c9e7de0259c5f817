/** The kinds of values of options: how each is parsed, its schema for config files, and its choices for completion. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import * as z from "zod";
import { parseDurationMs } from "../../bench/loadgen/duration.ts";
import { decimal, oneOf, readValue, unexpected } from "../../catalog/values.ts";
import type { Choices, Kind } from "./option.ts";

/** A single word that a zod schema accepts. */
export function value<Value>(schema: z.ZodType<Value>, choices: Choices | null = null): Kind<Value> {
  return single(schema, choices, (text, where) => readValue(schema, text, where));
}

export function choice<const Name extends string>(names: readonly Name[]): Kind<Name> {
  return value<Name>(oneOf(names), names);
}

/** Several values out of some choices, separated by commas; duplicates are dropped. */
export function choicesOf<Value>(
  choices: Choices | null,
  read: (name: string, where: string) => Value,
): Kind<readonly Value[]> {
  return {
    ...list(choices),
    read: (texts, where) => Object.freeze([...new Set(namesIn(texts, where).map((name) => read(name, where)))]),
  };
}

/** Names, separated by commas or given by repeating the option; duplicates are dropped. */
export function names(choices: Choices | null = null): Kind<readonly string[]> {
  return { ...list(choices), read: (texts, where) => namesIn(texts, where) };
}

/** A list of names or paths. An existing path is taken as a whole, even if it contains commas. */
export function namesOrPaths(choices: Choices): Kind<readonly string[]> {
  return { ...list(choices), read: (texts, where) => distinct(where, texts, splitOutsidePaths) };
}

/** Texts given by repeating the option, each taken as typed. */
export function texts(choices: Choices | null = null): Kind<readonly string[]> {
  return { ...list(choices), read: (given) => given };
}

/** Any text, including the empty one. */
export const anyText: Kind<string> = single(z.string(), null, (text) => text);

/** A text that must not be empty, such as a name or a path. */
export function text(choices: Choices | null = null): Kind<string> {
  return single(z.string(), choices, (typed, where) => {
    if (typed === "") throw unexpected(where, typed, "a name");
    return typed;
  });
}

/** A folder, made absolute. */
export const folder: Kind<string> = single(z.string(), "folders", (typed, where) => {
  if (typed === "") throw unexpected(where, typed, "a folder");
  return resolve(typed);
});

/** A file, as typed. */
export const file: Kind<string> = text("files");

/** Samples from the start: a number from 1, or a fraction below 1. */
export const limit: Kind<number> = single(z.number().positive(), null, (typed, where) => {
  const number = decimal(typed);
  const isFraction = number > 0 && number < 1;
  if (isFraction || (Number.isSafeInteger(number) && number >= 1)) return number;
  throw unexpected(where, typed, "a number of samples from 1, or a fraction between 0 and 1");
});

/** A number of bytes, with a unit. `examples`: expected values for the error message. */
export function byteAmount(examples: string): Kind<number> {
  return single(z.string(), null, (typed, where) => {
    const [, amount = "", unit] = /^([\d.]+) ?(MB|GB)$/i.exec(typed) ?? [];
    const bytes = decimal(amount) * (unit?.toUpperCase() === "GB" ? 1e9 : 1e6);
    if (bytes > 0) return bytes;
    throw unexpected(where, typed, `an amount above 0 such as ${examples}`);
  });
}

/** A duration in milliseconds. */
export const duration: Kind<number> = single(z.union([z.string(), z.number()]), null, (typed, where) => {
  const found = parseDurationMs(typed);
  if (found !== null && found > 0) return found;
  throw unexpected(where, typed, "a duration above 0, such as 80ms, 10s, 10min or 2h");
});

/** A kind with one value. `schema`: what a config file may hold. */
export function single<Value>(
  schema: z.ZodType,
  choices: Choices | null,
  read: (text: string, where: string) => Value,
): Kind<Value> {
  return { isList: false, schema, choices, read: (given, where) => read(given.at(-1) ?? "", where) };
}

function list(choices: Choices | null): Omit<Kind<never>, "read"> {
  const one = z.union([z.string(), z.number()]);
  return { isList: true, schema: z.union([one, z.array(one)]), choices };
}

export function namesIn(lists: readonly string[], where: string): readonly string[] {
  return distinct(where, lists, (each) => each.split(","));
}

function distinct(
  where: string,
  lists: readonly string[],
  split: (list: string) => readonly string[],
): readonly string[] {
  const found = lists.flatMap(split).map((name) => name.trim());
  const given = [...new Set(found.filter((name) => name !== ""))];
  if (given.length === 0) throw unexpected(where, lists.join(","), "a name, or several with commas between them");
  return Object.freeze(given);
}

/** Splits at commas, except at those inside an existing path: `a,runs/lr=1e-05,seed=1` can be two names. */
function splitOutsidePaths(typed: string): readonly string[] {
  const parts = typed.split(",");
  const found: string[] = [];
  for (let start = 0; start < parts.length;) {
    let end = parts.length;
    while (end > start + 1 && !existsSync(parts.slice(start, end).join(",").trim())) end -= 1;
    found.push(parts.slice(start, end).join(","));
    start = end;
  }
  return found;
}
