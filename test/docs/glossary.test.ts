/** docs/glossary.md beside the code: a word stands for one thing, and the types and files it names are there. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../support/project.ts";
import { sources } from "../support/rooms.ts";

interface Entry {
  readonly word: string;
  readonly type: string | null;
  readonly file: string;
}

const page = readFileSync(join(projectRoot, "docs", "glossary.md"), "utf8");
const rows = [...page.matchAll(/^\| ([^|]*)\|[^|]*\|([^|]*)\|$/gm)].filter(([, word]) => !/^(word |-)/.test(word!));
const entries = rows.map(([, word, code]): Entry => {
  const [, type = null, file] = /^ (?:`(\w+)` in )?`([\w/.-]+)` *$/.exec(code!) ?? [];
  assert.ok(file !== undefined, `${word!}: found "${code!}", expected a type in a file, or a file`);
  return { word: word!.trim(), type, file };
});

describe("docs/glossary.md", () => {
  it("names types that their files export", () => {
    assert.ok(entries.length > 50);
    const missing = entries.filter(({ type, file }) => {
      const text = sources.find((source) => source.file === file)?.text;
      if (text === undefined || !existsSync(join(projectRoot, file))) return true;
      return type !== null && !new RegExp(`^export (abstract class|class|interface|type) ${type}\\b`, "m").test(text);
    });
    assert.deepEqual(missing, []);
  });

  it("says each word once", () => {
    const words = entries.flatMap(({ word }) => (word === "" ? [] : word.split(", ")));
    assert.deepEqual(
      words.filter((word, index) => words.indexOf(word) !== index),
      [],
    );
  });
});
