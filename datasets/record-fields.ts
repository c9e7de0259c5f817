/**
 * The fields of a parsed record, each checked for its type where it is read. An error names the path of the field, what
 * was found and what was expected; the reader of the file (json-records.ts) adds the file, the record's number, line
 * and column.
 */

/** A record that violates its format. */
export class RecordError extends Error {
  override readonly name = "RecordError";
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** A record, or an object in one of its lists, with its path: `answers[3]`, counted from 0. */
export interface Fields {
  readonly object: JsonObject;
  readonly list: string | null;
  readonly index: number;
}

export function fieldsOf(value: unknown): Fields {
  if (!isObject(value)) throw new RecordError(`found ${describeValue(value)}, expected an object`);
  return { object: value, list: null, index: 0 };
}

export function stringField(fields: Fields, name: string): string {
  const value = fields.object[name];
  if (typeof value !== "string") throw fieldError(fields, name, "a string");
  return value;
}

export function integerField(fields: Fields, name: string): number {
  const value = fields.object[name];
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw fieldError(fields, name, "an integer");
  return value;
}

/** An id as text. Re-packaged copies of some data sets write ids as strings; "7" and 7 are treated as equal. */
export function idField(fields: Fields, name: string): string {
  const value = fields.object[name];
  if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  if (typeof value === "string" && value !== "") return value;
  throw fieldError(fields, name, "an integer or a string");
}

/** A list of objects. */
export function listField(fields: Fields, name: string): readonly Fields[] {
  const value: unknown = fields.object[name];
  if (!Array.isArray(value)) throw fieldError(fields, name, "a list");
  return value.map((item: unknown, index) => {
    if (isObject(item)) return { object: item, list: name, index };
    throw new RecordError(`${name}[${index}] is ${describeValue(item)}, expected an object`);
  });
}

/** A list of texts; null for a list of anything else. */
export function textsField(fields: Fields, name: string): readonly string[] | null {
  const value: unknown = fields.object[name];
  if (!Array.isArray(value)) throw fieldError(fields, name, "a list");
  return value.every((item: unknown) => typeof item === "string") ? value : null;
}

export function objectField(fields: Fields, name: string): Fields {
  const value = fields.object[name];
  if (!isObject(value)) throw fieldError(fields, name, "an object");
  return fieldsOf(value);
}

/** The name of a file or folder inside a known folder; names that lead out of it are refused. */
export function fileNameField(fields: Fields, name: string): string {
  const value = stringField(fields, name);
  if (value === "" || value === "." || value === ".." || /[/\\\0]/.test(value)) {
    throw fieldError(fields, name, "a name without folders");
  }
  return value;
}

/** A check that no id comes twice; `what` names the id in the message. */
export function refuseRepeats(what: string): (id: string, record: number) => void {
  const recordOf = new Map<string, number>();
  return (id, record) => {
    const earlier = recordOf.get(id);
    if (earlier !== undefined) throw new RecordError(`${what} ${id} stands in record ${earlier} already`);
    recordOf.set(id, record);
  };
}

export function hasField(fields: Fields, name: string): boolean {
  return Object.hasOwn(fields.object, name);
}

/** A field that a re-packaged file may lack, read by `read`; null where it is missing or null. */
export function optionalField<T>(fields: Fields, name: string, read: (fields: Fields, name: string) => T): T | null {
  return (fields.object[name] ?? null) === null ? null : read(fields, name);
}

export function fieldError({ object, list, index }: Fields, name: string, expected: string): RecordError {
  const path = list === null ? name : `${list}[${index}].${name}`;
  const found = Object.hasOwn(object, name) ? `is ${describeValue(object[name])}` : "is missing";
  return new RecordError(`${path} ${found}, expected ${expected}`);
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value for an error message: short values as they are, long ones by their type. */
function describeValue(value: unknown): string {
  const text = JSON.stringify(value);
  if (text.length <= 40) return text;
  if (typeof value === "string") return `${text.slice(0, 37)}…"`;
  return Array.isArray(value) ? "a list" : "an object";
}
