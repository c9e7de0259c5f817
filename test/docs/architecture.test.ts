/** docs/architecture.md beside the tree: its doors are those that are kept, its paths are there, its walk is one through the code. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "../support/project.ts";
import { doors, imports, outside, typeDoors } from "../support/rooms.ts";

const page = readFileSync(join(projectRoot, "docs", "architecture.md"), "utf8");
/** Code spans that begin with a room, or are a page of the project: `tasks/vqav2.ts`, `tasks/`, `tasks`. */
const paths = [...page.matchAll(/`((?:datasets|models|tasks|reports|harness|test|docs)(?:\/[\w./-]*)?)`/g)].map(
  ([, path]) => path!,
);
const mostOfAWalk = 25; // files that a reader still keeps in mind

/** Below a heading, up to the next. */
function section(title: string): string {
  const [, text] = page.split(`\n## ${title}\n`);
  assert.ok(text !== undefined, `no section "${title}"`);
  return text.split("\n## ")[0]!;
}

/** Whatever a file imports, directly and by way of others, types included. */
function reachedFrom(file: string): ReadonlySet<string> {
  const next = new Map<string, string[]>();
  for (const { from, to } of imports) next.set(from, [...(next.get(from) ?? []), to]);
  const reached = new Set([file]);
  for (const each of reached) for (const to of next.get(each) ?? []) reached.add(to);
  return reached;
}

describe("docs/architecture.md", () => {
  it("names files and folders that are there", () => {
    assert.ok(paths.length > 60);
    assert.deepEqual(
      paths.filter((path) => !existsSync(join(projectRoot, path))),
      [],
    );
  });

  it("has the doors that rooms.test.ts keeps", () => {
    const rows = [...section("Rooms and doors").matchAll(/^\| `([\w/-]+)\/` +\|[^|]*\|([^|]*)\|$/gm)];
    const written = rows.map(([, room, cell]) => {
      const [open = "", types = ""] = cell!.split(", and the types of ");
      const names = [...open.matchAll(/`([^`]+)`/g)].map(([, name]) => name!).toSorted();
      return { room, names, types: [...types.matchAll(/`([^`]+)`/g)].map(([, name]) => `${room} ${name}`) };
    });
    assert.deepEqual(
      Object.fromEntries(written.map(({ room, names }) => [room, names])),
      Object.fromEntries(Object.entries(doors).map(([room, open]) => [room, open.toSorted()])),
    );
    assert.deepEqual(
      written.flatMap(({ types }) => types),
      [...typeDoors],
    );
    for (const room of outside) assert.ok(section("Rooms and doors").includes(`\`${room}/\``), room);
  });

  it("walks through files of a run, none of them twice", () => {
    const walk = [...section("The way of one VQA sample").matchAll(/^(\d+)\. `([^`]+)`/gm)];
    assert.deepEqual(
      walk.map(([, number]) => Number(number)),
      walk.map((_, index) => index + 1),
    );
    const files = walk.map(([, , file]) => file!);
    assert.ok(files.length > 10 && files.length <= mostOfAWalk, `${files.length} files`);
    assert.equal(new Set(files).size, files.length);
    const reached = reachedFrom(files[0]!);
    assert.deepEqual(
      files.filter((file) => !reached.has(file)),
      [],
      `what ${files[0]!} does not come to`,
    );
  });
});
