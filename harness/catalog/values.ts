/**
 * What a value may be: a zod schema and the words for what is expected. Flags and config files read text with it, the library
 * and the page check values with it, so that each says the same of a wrong one.
 */
import * as z from "zod";
import { UsageError } from "./usage-error.ts";

interface ValueWords {
  /** As in "expected a whole number from 1". */
  readonly expected: string;
  /** What stands for it in help: `<n>`. */
  readonly placeholder: string;
}

const valueWords = z.registry<ValueWords>();

/** The schema, with its words. */
export function worded<Schema extends z.ZodType>(schema: Schema, words: ValueWords): Schema {
  valueWords.add(schema, words);
  return schema;
}

export function wholeFrom(from: number): z.ZodInt {
  return worded(z.int().min(from), { expected: `a whole number from ${from}`, placeholder: "<n>" });
}

export function wholeBetween(from: number, to: number): z.ZodInt {
  return worded(z.int().min(from).max(to), { expected: `a whole number from ${from} to ${to}`, placeholder: "<n>" });
}

export function anyNumber(): z.ZodNumber {
  return worded(z.number(), { expected: "a number", placeholder: "<x>" });
}

/** `more`: what else a message says of it. */
export function numberAboveZero(more = ""): z.ZodNumber {
  return worded(z.number().positive(), { expected: `a number above 0${more}`, placeholder: "<x>" });
}

/** A share that is not nothing. */
export function shareUpToOne(): z.ZodNumber {
  return worded(z.number().positive().max(1), { expected: "a number above 0, at most 1", placeholder: "<x>" });
}

export function oneOf<const Choice extends string | boolean>(
  choices: readonly Choice[],
  placeholder = "<name>",
): z.ZodLiteral<Choice> {
  return worded(z.literal(choices), { expected: listed(choices.map(String)), placeholder });
}

/** `paper or lavis`, `true, false or never`. */
function listed(names: readonly string[]): string {
  const [last = "", ...others] = names.toReversed();
  return others.length === 0 ? last : `${others.toReversed().join(", ")} or ${last}`;
}

export function placeholderOf(schema: z.ZodType): string {
  return valueWords.get(schema)?.placeholder ?? "<value>";
}

/** As in "expected a whole number from 1"; null: the schema has no words of its own. */
export function expectedOf(schema: z.ZodType): string | null {
  return valueWords.get(schema)?.expected ?? null;
}

/** The value, as the schema has it. Throws a UsageError. `where`: the name a user gave it by. */
export function checkValue<Value>(schema: z.ZodType<Value>, value: unknown, where: string): Value {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw unexpected(where, String(value), valueWords.get(schema)?.expected ?? "another value");
}

/** The value that a text stands for: a number, true, false, or itself. Throws a UsageError that quotes the text. */
export function readValue<Value>(schema: z.ZodType<Value>, text: string, where: string): Value {
  const number = decimal(text);
  const meant = [
    ...(Number.isNaN(number) ? [] : [number]),
    ...(text === "true" || text === "false" ? [text === "true"] : []),
  ];
  for (const value of meant) {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
  }
  return checkValue(schema, text, where);
}

/** NaN for what is no decimal number; `Number` alone takes "", "0x10" and " 1". */
export function decimal(value: string): number {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) ? Number(value) : Number.NaN;
}

export function unexpected(where: string, value: string | undefined, expected: string): UsageError {
  return new UsageError(`${where}: found "${value ?? ""}", expected ${expected}.`);
}
