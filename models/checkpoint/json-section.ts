/**
 * JSON files of a checkpoint, checked value by value: an error names the file, the key, what it is and what it should be.
 */
import { readFile } from "node:fs/promises";
import * as z from "zod";
import { CheckpointError } from "../model.ts";
import { JsonError, parseStrictJson } from "./strict-json.ts";

/** An object in a file, and where in the file it is. */
export interface JsonSection {
  readonly file: string;
  readonly path: readonly string[];
  readonly value: Readonly<Record<string, unknown>>;
}

const objectSchema = z.record(z.string(), z.unknown(), "expected an object");

/** null where there is no such file. Throws a CheckpointError where it cannot be read, or is no JSON. */
export async function readJsonFile(file: string): Promise<JsonSection | null> {
  const content = await readUtf8(file);
  return content === null ? null : jsonFile(content, file);
}

/** A file in UTF-8 without its byte order mark; null where there is none. Throws a CheckpointError where it cannot be read. */
export async function readUtf8(file: string): Promise<string | null> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    if (code === "ENOENT") return null;
    throw new CheckpointError(`${file}: cannot be read (${code}).`, { cause });
  });
  try {
    return bytes === null ? null : new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new CheckpointError(`${file}: not in UTF-8. Save it as UTF-8, or get it again.`, { cause });
  }
}

/** The whole of a file, which must hold an object. */
export function jsonFile(content: string, file: string): JsonSection {
  let json: unknown;
  try {
    json = parseStrictJson(content);
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new CheckpointError(`${file}: not JSON: ${cause.message}. Is the download complete?`, { cause });
  }
  return { file, path: [], value: check(objectSchema, { file, path: [], value: json }) };
}

/** An object in an object; a missing one is empty. */
export function subsection({ file, path, value }: JsonSection, key: string): JsonSection {
  const inner = { file, path: [...path, key], value: value[key] ?? {} };
  return { ...inner, value: check(objectSchema, inner) };
}

/** The section as the schema has it. The schema's own messages begin with "expected …"; zod's contain that. */
export function check<T>(
  schema: z.ZodType<T>,
  { file, path, value }: { readonly file: string; readonly path: readonly string[]; readonly value: unknown },
): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path ?? [];
  const found = where.reduce<unknown>(
    (inner, key) => (inner as Readonly<Record<PropertyKey, unknown>> | undefined)?.[key],
    value,
  );
  const message = issue?.message ?? "";
  const expected = /expected (.*?)(?:, received .*)?$/.exec(message)?.[1] ?? message;
  throw unexpected(file, [...path, ...where].join("."), found, expected);
}

/** For what a schema cannot say. */
export function refuse({ file, path, value }: JsonSection, key: string, expected: string): never {
  throw unexpected(file, [...path, key].join("."), value[key], expected);
}

function unexpected(file: string, key: string, found: unknown, expected: string): CheckpointError {
  const json = found === undefined ? "missing" : JSON.stringify(found);
  const shown = json.length > 100 ? `${json.slice(0, 100)}…` : json;
  return new CheckpointError(`${file}: ${key === "" ? "the content" : key} is ${shown}, expected ${expected}.`);
}
