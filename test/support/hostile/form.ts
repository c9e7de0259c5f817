/**
 * A form of file that strangers write and this program reads, and what must be so whatever is in such a file: it is read, or
 * refused with an error of a class meant for it, which names the file and has words for people.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { projectRoot } from "../project.ts";
import { damagedBytes } from "./byte-mutations.ts";
import { damagedJson } from "./json-mutations.ts";

export type ErrorClass = abstract new (...all: never[]) => Error;

export interface Form {
  /** Also the name of its folder in test/fixtures/hostile/. */
  readonly name: string;
  /** Sound files; each is damaged. */
  readonly originals: readonly Uint8Array[];
  /** `json`: also the values are damaged, not the bytes alone; `lines`: the text is a JSON value a line. */
  readonly text?: "json" | "lines";
  /** Makes checksums right again, so that damage gets past them; half of the files are repaired. */
  readonly repair?: (bytes: Buffer) => Buffer;
  /** The file that is made of the damaged bytes; unset: those bytes. */
  readonly written?: (damaged: Buffer) => Uint8Array;
  /** The file that is damaged; what is read besides it lies around it already. */
  readonly file: string;
  readonly read: () => Promise<unknown>;
  /** Classes of errors that it may be refused with. */
  readonly refusals: readonly ErrorClass[];
}

/** Damaged files of a form. */
export function damagedFiles({ originals, text, repair, written }: Form): fc.Arbitrary<Uint8Array> {
  const each = originals.map((original) => {
    const bytes = damagedBytes(original);
    if (text === undefined) return bytes;
    const whole = Buffer.from(original).toString("utf8");
    const values = text === "json" ? damagedJson(whole) : damagedLines(whole);
    return fc.oneof(bytes, { arbitrary: values.map((json) => Buffer.from(json)), weight: 3 });
  });
  const damaged = fc.oneof(...each);
  const repaired = repair === undefined ? damaged : fc.oneof(damaged, damaged.map(repair));
  return written === undefined ? repaired : repaired.map(written);
}

/** One of the lines says something else. */
function damagedLines(text: string): fc.Arbitrary<string> {
  const lines = text.split("\n").filter((line) => line !== "");
  return fc
    .nat(lines.length - 1)
    .chain((place) => damagedJson(lines[place]!).map((json) => `${lines.with(place, json).join("\n")}\n`));
}

/** Words of JavaScript's own errors, which say nothing to a user. */
const ofTheEngine =
  /Cannot read propert|Cannot set propert|Cannot convert|Cannot destructure|is not a function|is not iterable|is not defined|Maximum call stack|Invalid (?:string|array|typed array) length|out of range|out of bounds|outside the bounds|\[object |Array buffer allocation|^Error\b|\bundefined, expected/;
/** Reads each original. Throws what the reader throws. */
export async function readOriginals({ originals, written, file, read }: Form): Promise<void> {
  for (const original of originals) {
    writeFileSync(file, written?.(Buffer.from(original)) ?? original);
    await read();
  }
}

/** Reads the file with these bytes. Fails unless it is read, or refused as it should be; gives whether it was read. */
export async function isRead({ file, read, refusals }: Form, bytes: Uint8Array): Promise<boolean> {
  writeFileSync(file, bytes);
  try {
    await read();
    return true;
  } catch (error) {
    assert.ok(error instanceof Error, `no Error was thrown, but ${String(error)}`);
    if (!refusals.some((refusal) => error instanceof refusal)) throw error;
    const { message } = error;
    assert.ok(
      message.includes(path.basename(file)) || message.includes(path.dirname(file)),
      `names no file: ${message}`,
    );
    assert.doesNotMatch(message.replaceAll(path.dirname(file), ""), ofTheEngine);
    return false;
  }
}

/** Where files stay that once were not read as they should be. */
function corpusFolder({ name }: Form): string {
  return path.join(projectRoot, "test", "fixtures", "hostile", name);
}

/** By name. */
export function corpusOf(form: Form): readonly (readonly [string, Buffer])[] {
  const folder = corpusFolder(form);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  return names.map((name) => [name, readFileSync(path.join(folder, name))] as const);
}

export interface Attack {
  readonly seed: number;
  readonly files: number;
  /** Told before each file is read. */
  readonly onFile?: () => void;
}

/** Reads damaged files. Fails at the first that is not read as it should be, made as small as it can be, and says where it lies. */
export async function attack(form: Form, { seed, files, onFile = () => undefined }: Attack): Promise<void> {
  let smallest: Uint8Array = new Uint8Array();
  const property = fc.asyncProperty(damagedFiles(form), async (bytes) => {
    onFile();
    try {
      await isRead(form, bytes);
    } catch (error) {
      smallest = bytes;
      throw error;
    }
  });
  const found = await fc.check(property, { seed, numRuns: files });
  if (!found.failed) return;
  const sum = createHash("sha256").update(smallest).digest("hex").slice(0, 8);
  const kept = path.join(path.dirname(path.dirname(form.file)), `${form.name}-${sum}`);
  writeFileSync(kept, smallest);
  const advised = `It lies in ${kept}; when it is mended, keep it in ${path.relative(projectRoot, corpusFolder(form))}.`;
  throw new Error(
    `${form.name}, seed ${seed}: a damaged file of ${smallest.length} bytes is not read as it should be. ${advised}`,
    {
      cause: found.errorInstance,
    },
  );
}
