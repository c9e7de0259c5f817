/**
 * Damage to what a JSON text says: keys dropped, repeated and renamed, values of other types, extreme numbers, deep nesting,
 * keys of Object.prototype. The text stays JSON, but for numbers such as NaN, which JSON does not have.
 */
import fc from "fast-check";

/** Text that stands in the place of a value, as it is. */
class Raw {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Json = Raw | string | number | boolean | null | readonly Json[] | JsonObject;
/** Entries, so that a key can stand twice and be called __proto__. */
interface JsonObject {
  readonly entries: readonly (readonly [string, Json])[];
}

function treeOf(value: unknown): Json {
  if (Array.isArray(value)) return value.map(treeOf);
  if (typeof value !== "object" || value === null) return value as string | number | boolean | null;
  return { entries: Object.entries(value).map(([key, inner]) => [key, treeOf(inner)] as const) };
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !isList(value) && !(value instanceof Raw);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function textOf(value: Json): string {
  if (value instanceof Raw) return value.text;
  if (isList(value)) return `[${value.map(textOf).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  return `{${value.entries.map(([key, inner]) => `${JSON.stringify(key)}:${textOf(inner)}`).join(",")}}`;
}

/** Deeper than a recursive function can go with Node's usual stack. */
const deepest = 20_000;

/** A value inside lists or objects that are inside each other. */
function nested(open: "[" | '{"a":'): Raw {
  const close = open === "[" ? "]" : "}";
  return new Raw(`${open.repeat(deepest)}1${close.repeat(deepest)}`);
}

const strange: readonly Json[] = [
  ...[null, true, false, 0, -1, 1, 0.5, 7, 2 ** 31, 2 ** 53, -(2 ** 63), 1e308, 5e-324, "", " ", "a", "1"],
  ...[new Raw("1e999"), new Raw("-1e999"), new Raw("NaN"), new Raw("-0"), new Raw("1.0"), new Raw("9007199254740993")],
  ...["__proto__", "constructor", "../../etc/passwd", "/", "a\0b", "\ud800", "\u202e", "x".repeat(5000), "(a+)+$"],
  ...([[], [[]], [null], { entries: [] }, { entries: [["__proto__", { entries: [["x", 1]] }]] }] as const),
  nested("["),
  nested('{"a":'),
];

type Operation = "replace" | "drop" | "repeat" | "rename" | "add" | "swap";

interface JsonChange {
  readonly operation: Operation;
  /** Which value of the tree, modulo their number. */
  readonly node: number;
  readonly value: Json;
  readonly key: string;
}

const change: fc.Arbitrary<JsonChange> = fc.record({
  operation: fc.constantFrom<Operation>("replace", "replace", "replace", "drop", "repeat", "rename", "add", "swap"),
  node: fc.nat(1 << 20),
  value: fc.constantFrom(...strange),
  key: fc.constantFrom("__proto__", "constructor", "toString", "", "length", "id", "0", "a.b", "x".repeat(300)),
});

function sizeOf(value: Json): number {
  if (isList(value)) return value.reduce<number>((sum, inner) => sum + sizeOf(inner), 1);
  if (isObject(value)) return value.entries.reduce((sum, [, inner]) => sum + sizeOf(inner), 1);
  return 1;
}

/** The tree with the node of this number, counted from 0 in the order of the text, changed. */
function changed(tree: Json, number: number, { operation, value, key }: JsonChange): Json {
  if (number === 0) {
    if (operation === "add" && isObject(tree)) return { entries: [...tree.entries, [key, value]] };
    if (operation === "add" && isList(tree)) return [...tree, value];
    if (operation === "swap" && isObject(tree)) return tree.entries.map(([, inner]) => inner);
    if (operation === "swap" && isList(tree)) return { entries: tree.map((inner, index) => [String(index), inner]) };
    if (operation === "swap") return typeof tree === "string" ? tree.length : textOf(tree);
    return operation === "replace" || operation === "add" ? value : tree;
  }
  let before = 1;
  /** The place of the child that holds the node. */
  const find = (children: readonly Json[]): number =>
    children.findIndex((child) => {
      if (number < before + sizeOf(child)) return true;
      before += sizeOf(child);
      return false;
    });
  const within = (child: Json): Json => changed(child, number - before, { operation, value, key, node: 0 });
  const isChild = (): boolean => number === before;
  if (isList(tree)) {
    const place = find(tree);
    const child = tree[place]!;
    if (isChild() && operation === "drop") return tree.filter((_, index) => index !== place);
    if (isChild() && operation === "repeat") return tree.toSpliced(place, 0, child);
    return tree.with(place, within(child));
  }
  if (!isObject(tree)) return tree;
  const place = find(tree.entries.map(([, inner]) => inner));
  const [name, child] = tree.entries[place]!;
  if (isChild() && operation === "drop") return { entries: tree.entries.filter((_, index) => index !== place) };
  if (isChild() && operation === "repeat") return { entries: [...tree.entries, [name, child]] };
  if (isChild() && operation === "rename") return { entries: tree.entries.with(place, [key, child]) };
  return { entries: tree.entries.with(place, [name, within(child)]) };
}

/** A text of JSON with one to four changes. */
export function damagedJson(original: string): fc.Arbitrary<string> {
  const start = treeOf(JSON.parse(original));
  return fc
    .array(change, { minLength: 1, maxLength: 4 })
    .map((all) => textOf(all.reduce((tree, each) => changed(tree, each.node % sizeOf(tree), each), start)));
}
