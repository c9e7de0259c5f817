/**
 * Reads options from a YAML file with a line for each option, by its long name. Values are parsed like flags, so a file
 * can say exactly what flags can say. Paths are relative to the working folder of the command, as in flags.
 */
import type { Node, Scalar } from "yaml";
import { nearestName, UsageError } from "../catalog/usage-error.ts";
import { decimal } from "../catalog/values.ts";
import { readYamlFile } from "../catalog/yaml-file.ts";
import type { DeclaredCommand } from "./declared-command.ts";
import { longNameOf } from "./options/option.ts";
import type { Given, Option, Options } from "./options/option.ts";
import { everyCommand } from "./options/output.ts";

/** Name of an option in a file: `batch-size` for `--batch-size`, `report` for `--no-report`. */
export function configNameOf(option: Pick<Option<unknown>, "flags">): string {
  return longNameOf(option).replace(/^--(no-)?/, "");
}

/** The options that a file may hold, by their names in a file. */
export function configurable(
  options: Options,
): ReadonlyMap<string, { readonly key: string; readonly option: Option<unknown> }> {
  const named = Object.entries(options).map(([key, option]) => [configNameOf(option), { key, option }] as const);
  // compared by identity, since `gate` declares its own --config
  const flagsOnly: readonly Option<unknown>[] = [everyCommand.config, everyCommand.printConfig];
  return new Map(named.filter(([, { option }]) => !flagsOnly.includes(option)));
}

/**
 * Reads a file; gives options by their keys. Throws a UsageError with file, line and column. `command`: name of the
 * command.
 */
export async function readConfigFile(
  file: string,
  command: string,
  options: Options,
): Promise<ReadonlyMap<string, Given>> {
  const { isMap, isScalar } = await import("yaml");
  const { document, at: placeAt } = await readYamlFile(file, "--config");
  const { contents } = document;
  if (contents === null) return new Map();
  if (!isMap(contents)) {
    const at = placeAt(contents.range[0]);
    throw new UsageError(`${at}: found no names, expected a line for each option, such as "batch-size: 4".`);
  }
  const known = configurable(options);
  const given = new Map<string, Given>();
  for (const { key, value } of contents.items as readonly { readonly key: Node; readonly value: Node | null }[]) {
    const name = isScalar(key) ? String(key.value) : "";
    const found = known.get(name);
    if (found === undefined) throw unknownOption(placeAt(key.range?.[0] ?? 0), { name, command, known });
    const at = placeAt((value ?? key).range?.[0] ?? 0);
    given.set(found.key, { value: await typedAs(value, found.option, `${at}: ${name}`), where: `${at}: ${name}` });
  }
  return given;
}

function unknownOption(
  at: string,
  {
    name,
    command,
    known,
  }: { readonly name: string; readonly command: string; readonly known: ReadonlyMap<string, unknown> },
): UsageError {
  const names = [...known.keys()];
  const nearest = nearestName(name.replaceAll("_", "-").replace(/^-*(no-)?/, ""), names);
  const suggestion = nearest === null ? "" : ` Did you mean ${nearest}?`;
  return new UsageError(`${at}: ${name}: no such option of ${command}.${suggestion} Options: ${names.join(", ")}.`);
}

/** A value of the file as the words that would be typed for it, exactly as they are spelled in the file. */
async function typedAs(node: Node | null, { kind }: Option<unknown>, where: string): Promise<Given["value"]> {
  const { isScalar, isSeq } = await import("yaml");
  const wrong = (found: string, expected: string): UsageError =>
    new UsageError(`${where}: found ${found}, expected ${expected}.`);
  const expected = kind === null ? "true or false" : kind.isList ? "a value, or a list of values" : "one value";
  if (node === null || (isScalar(node) && node.value === null)) {
    throw wrong("nothing", `${expected}; leave the line out for the default`);
  }
  if (isScalar(node)) {
    if (kind !== null) return [textOf(node)];
    if (typeof node.value === "boolean") return node.value;
    throw wrong(`"${textOf(node)}"`, expected);
  }
  if (!isSeq(node)) throw wrong("names with values", expected);
  if (kind?.isList !== true) throw wrong("a list", expected);
  if (node.items.length === 0) throw wrong("an empty list", expected);
  return node.items.map((item) => {
    if (isScalar(item) && item.value !== null) return textOf(item);
    throw wrong("a list with something else than values in it", expected);
  });
}

function textOf(node: Scalar): string {
  return typeof node.value === "string" ? node.value : (node.source ?? String(node.value));
}

/** The text of a config file that holds the given options: reading it gives equal options. */
export async function configText(
  { name, words }: Pick<DeclaredCommand, "name" | "words">,
  options: Options,
  given: ReadonlyMap<string, Given>,
): Promise<string> {
  const { stringify } = await import("yaml");
  const lines = [...configurable(options)].flatMap(([configName, { key }]) => {
    const value = given.get(key)?.value;
    return value === undefined ? [] : [[configName, typeof value === "boolean" ? value : plain(value)] as const];
  });
  const call = ["npx blip2-bench", name, ...(words === "" ? [] : [words]), "--config <this file>"].join(" ");
  const body = lines.length === 0 ? "" : stringify(Object.fromEntries(lines), { lineWidth: 0 });
  return `# ${call}\n${body}`.trimEnd();
}

/** The value for YAML: a list of one element becomes that element; numbers and booleans are written without quotes. */
function plain(texts: readonly string[]): unknown {
  const values = texts.map((text) => {
    if (text === "true" || text === "false") return text === "true";
    return String(decimal(text)) === text ? Number(text) : text;
  });
  return values.length === 1 ? values[0] : values;
}
