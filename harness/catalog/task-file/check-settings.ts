/**
 * Checks what a task file says against the schema of settings, and names the key where it does not fit: in its line and
 * column, where the file has lines that say it.
 */
import * as z from "zod";
import { nearestName, UsageError } from "../usage-error.ts";
import { expectedOf } from "../values.ts";
import { keysOfKinds, taskSettings } from "./settings.ts";
import type { TaskSettings } from "./settings.ts";

export type KeyPath = readonly PropertyKey[];

/** Where a value of the file stands: `task.yaml:3:8`. Of a key that is not there: where its object begins. */
export type PlaceOf = (path: KeyPath, what?: "key" | "value") => string;

/** Throws a UsageError. */
export function checkSettings(value: unknown, placeOf: PlaceOf): TaskSettings {
  const parsed = taskSettings.safeParse(value, { reportInput: true });
  if (!parsed.success) throw new UsageError(messageOf(parsed.error.issues[0]!, value, placeOf));
  const settings = parsed.data;
  for (const [key, kinds] of Object.entries(keysOfKinds)) {
    if (!(key in settings) || kinds.includes(settings.kind)) continue;
    throw new UsageError(
      `${placeOf([key], "key")}: ${key}: a task of kind ${settings.kind} has none, only ${kinds.join(" and ")}. Leave it out.`,
    );
  }
  return settings;
}

function messageOf(issue: z.core.$ZodIssue, value: unknown, placeOf: PlaceOf): string {
  const inner = innerIssue(issue, value);
  const { path } = inner;
  if (inner.code === "unrecognized_keys") {
    const [key = ""] = inner.keys;
    const names = objectsAt(path).flatMap(({ shape }) => Object.keys(shape));
    const nearest = nearestName(key, names);
    const suggestion = nearest === null ? "" : ` Did you mean ${nearest}?`;
    const where = nameOf([...path, key]);
    return `${placeOf([...path, key], "key")}: ${where}: no such key.${suggestion} Keys: ${names.join(", ")}.`;
  }
  const found = valueAt(value, path);
  const expected =
    schemasAt(path)
      .map(expectedOf)
      .find((words) => words !== null) ?? inner.message.replace(/^Invalid input: expected /, "");
  const said = found === undefined ? "missing" : `found ${shown(found)}`;
  const name = nameOf(path);
  return `${placeOf(path)}: ${name === "" ? "" : `${name}: `}${said}, expected ${expected}.`;
}

/** Where a value may have several forms: the fault within that form with which an object shares the most keys. */
function innerIssue(issue: z.core.$ZodIssue, value: unknown): z.core.$ZodIssue {
  const found = valueAt(value, issue.path);
  const objects = objectsAt(issue.path);
  // zod takes the first form where the only fault is a key it does not know
  const isBetweenForms = issue.code === "invalid_union" || (issue.code === "unrecognized_keys" && objects.length > 1);
  if (!isBetweenForms || typeof found !== "object" || found === null) return issue;
  const shared = ({ shape }: z.ZodObject): number => Object.keys(shape).filter((key) => key in found).length;
  const [meant] = objects.toSorted((a, b) => shared(b) - shared(a));
  const [inner] = meant?.safeParse(found).error?.issues ?? [];
  return inner === undefined ? issue : { ...inner, path: [...issue.path, ...inner.path] };
}

/** The schemas of a value, the forms it may have. */
function schemasAt(path: KeyPath): readonly z.ZodType[] {
  return path.reduce<readonly z.ZodType[]>(
    (schemas, key) => schemas.flatMap(forms).flatMap((schema) => stepInto(schema, key)),
    [taskSettings],
  );
}

function stepInto(schema: z.ZodType, key: PropertyKey): readonly z.ZodType[] {
  if (schema instanceof z.ZodArray) return [schema.element as z.ZodType];
  if (schema instanceof z.ZodRecord) return [schema.valueType as z.ZodType];
  if (!(schema instanceof z.ZodObject)) return [];
  const shape: Readonly<Record<string, z.ZodType>> = schema.shape;
  const inner = shape[String(key)];
  return inner === undefined ? [] : [unwrapped(inner)];
}

function forms(schema: z.ZodType): readonly z.ZodType[] {
  return schema instanceof z.ZodUnion ? schema.options.flatMap((option) => forms(option as z.ZodType)) : [schema];
}

function unwrapped(schema: z.ZodType): z.ZodType {
  return schema instanceof z.ZodExactOptional ? unwrapped(schema.unwrap() as z.ZodType) : schema;
}

function objectsAt(path: KeyPath): readonly z.ZodObject[] {
  return schemasAt(path)
    .flatMap(forms)
    .filter((schema) => schema instanceof z.ZodObject);
}

function valueAt(value: unknown, path: KeyPath): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = Reflect.get(found, key);
  }
  return found;
}

/** `published[1].value`, as a reader of the file names it. */
function nameOf(path: KeyPath): string {
  return path
    .map((key, index) => (typeof key === "number" ? `[${key}]` : `${index === 0 ? "" : "."}${String(key)}`))
    .join("");
}

function shown(value: unknown): string {
  if (typeof value === "string") return `"${value}"`;
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) return "names with values";
  return String(value);
}
