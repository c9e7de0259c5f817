/** The values of flags, as they were typed: what each kind of value may be, and the words where it is another. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { UsageError } from "./usage-error.ts";

/** Lists may be given with commas, repeatedly, or both; a name counts once. */
export function names(
  flag: string,
  lists: readonly string[] | undefined,
  otherwise: readonly string[],
): readonly string[] {
  if (lists === undefined) return otherwise;
  return distinct(flag, lists, (list) => list.split(","));
}

/** A list of what may be names or paths: a path that is there is taken whole, whatever commas it has. */
export function namesOrPaths(
  flag: string,
  lists: readonly string[] | undefined,
  otherwise: readonly string[],
): readonly string[] {
  if (lists === undefined) return otherwise;
  return distinct(flag, lists, splitOutsidePaths);
}

function distinct(
  flag: string,
  lists: readonly string[],
  split: (list: string) => readonly string[],
): readonly string[] {
  const found = lists.flatMap(split).map((name) => name.trim());
  const given = [...new Set(found.filter((name) => name !== ""))];
  if (given.length === 0) throw unexpected(flag, lists.join(","), "a name, or several with commas between them");
  return Object.freeze(given);
}

/** At its commas, but those within a path that is there: `a,runs/lr=1e-05,seed=1` may be two names. */
function splitOutsidePaths(list: string): readonly string[] {
  const parts = list.split(",");
  const found: string[] = [];
  for (let start = 0; start < parts.length;) {
    let end = parts.length;
    while (end > start + 1 && !existsSync(parts.slice(start, end).join(",").trim())) end -= 1;
    found.push(parts.slice(start, end).join(","));
    start = end;
  }
  return found;
}

export function limit(value: string | undefined): number | null {
  if (value === undefined) return null;
  const number = decimal(value);
  const isFraction = number > 0 && number < 1;
  if (isFraction || (Number.isSafeInteger(number) && number >= 1)) return number;
  throw unexpected("--limit", value, "a number of samples from 1, or a fraction between 0 and 1");
}

/** Bytes. `examples` are what a message says was expected. */
export function byteAmount(flag: string, value: string, examples: string): number {
  const [, amount = "", unit] = /^([\d.]+) ?(MB|GB)$/i.exec(value) ?? [];
  const bytes = decimal(amount) * (unit?.toUpperCase() === "GB" ? 1e9 : 1e6);
  if (bytes > 0) return bytes;
  throw unexpected(flag, value, `an amount above 0 such as ${examples}`);
}

export function integer(flag: string, value: string | undefined, { from }: { from: number }): number | undefined {
  if (value === undefined) return undefined;
  const number = decimal(value);
  if (Number.isSafeInteger(number) && number >= from) return number;
  throw unexpected(flag, value, `a whole number from ${from}`);
}

export function finite(flag: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = decimal(value);
  if (Number.isFinite(number)) return number;
  throw unexpected(flag, value, "a number");
}

/** NaN for what is no decimal number; `Number` alone takes "", "0x10" and " 1". */
export function decimal(value: string): number {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) ? Number(value) : Number.NaN;
}

export function choice<Name extends string>(
  flag: string,
  value: string | undefined,
  all: readonly Name[],
): Name | undefined {
  if (value === undefined) return undefined;
  const found = all.find((name) => name === value);
  if (found === undefined) throw unexpected(flag, value, all.join(" or "));
  return found;
}

export function text(flag: string, value: string | undefined): string | undefined {
  if (value === "") throw unexpected(flag, value, "a name");
  return value;
}

export function folder(flag: string, value: string | undefined): string | null {
  if (value === "") throw unexpected(flag, value, "a folder");
  return value === undefined ? null : resolve(value);
}

export function unexpected(flag: string, value: string | undefined, expected: string): UsageError {
  return new UsageError(`${flag}: found "${value ?? ""}", expected ${expected}.`);
}
