/** Imports go one way: the rooms of the project and the doors between them, and no cycle anywhere. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { projectRoot } from "./support/project.ts";
import { doors, imports, importsIn, outside, roomOf, rooms, sources, typeDoors } from "./support/rooms.ts";
import type { Import } from "./support/rooms.ts";

/** At the top level, besides the rooms: what is read, not run. */
const papers: readonly string[] = ["baselines", "docs", "examples"];
/** Which room a package belongs to; scripts and tests may use any. */
const packages: Readonly<Record<string, string>> = {
  "onnxruntime-node": "models",
  sharp: "models",
  "@huggingface/tokenizers": "models",
  "wink-nlp": "tasks",
  hyparquet: "datasets",
  "hyparquet-compressors": "datasets",
  "csv-stringify": "reports",
  "chart.js": "reports",
  "@napi-rs/canvas": "reports",
  commander: "harness",
  "p-limit": "harness",
  undici: "harness",
  hono: "harness",
  "@hono/node-server": "harness",
};

/** Packages that are imported but belong to another room: "reports/a.ts: sharp". */
function misplacedPackages(file: string, text: string): readonly string[] {
  const room = file.split("/")[0] ?? "";
  return Object.entries(packages)
    .filter(
      ([name, owner]) =>
        owner !== room && !outside.includes(roomOf(file) ?? "") && new RegExp(`from "${name}(/[^"]*)?"`).test(text),
    )
    .map(([name]) => `${file}: ${name}`);
}

/** The only file that imports values of onnxruntime-node: it turns the library's telemetry off before that is loaded. */
const runtimeDoor = "models/onnxruntime.ts";

/** Whether a file imports more of onnxruntime-node than types, in any form of import. */
function loadsRuntime(text: string): boolean {
  const byFrom = /\b(?:import|export)\s+(?!type\b)[^;"']*\bfrom\s*["']onnxruntime-node\b/;
  const byCall = /\b(?:import|require)\s*\(?\s*["'`]onnxruntime-node\b/;
  return byFrom.test(text) || byCall.test(text);
}

/** What is wrong with an import; null for nothing. */
function wrongDoor({ from, to, isTypeOnly }: Import): string | null {
  const [here, there] = [roomOf(from), roomOf(to)];
  if (here === null || there === null) return `${from} imports ${to}: ${here === null ? from : to} is in no room`;
  if (here === there || outside.includes(here) || doors[here]?.includes(there) === true) return null;
  if (isTypeOnly && typeDoors.has(`${here} ${to}`)) return null;
  return `${from} imports ${isTypeOnly ? "types from " : ""}${to}: no door from ${here}/ to ${there}/`;
}

/** A way from a file back to itself; null for none. Types are gone when the code runs, so they make no cycle. */
function findCycle(imports: readonly Import[]): readonly string[] | null {
  const next = new Map<string, string[]>();
  for (const { from, to, isTypeOnly } of imports) if (!isTypeOnly) next.set(from, [...(next.get(from) ?? []), to]);
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): readonly string[] | null => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return null;
    for (const to of next.get(file) ?? []) {
      const cycle = visit(to, [...way, file]);
      if (cycle !== null) return cycle;
    }
    done.add(file);
    return null;
  };
  for (const file of next.keys()) {
    const cycle = visit(file, []);
    if (cycle !== null) return cycle;
  }
  return null;
}

/**
 * Pairs of folders that import each other, types included: two names for one room. A folder and one inside it are not meant:
 * the outer one holds the words that both speak.
 */
function mutualFolders(imports: readonly Import[]): readonly string[] {
  const isInside = (inner: string, outer: string): boolean => inner.startsWith(`${outer}/`);
  const pairs = new Set<string>();
  for (const { from, to } of imports) {
    const [here, there] = [dirname(from), dirname(to)];
    if (here !== there && !isInside(here, there) && !isInside(there, here)) pairs.add(`${here} ${there}`);
  }
  return [...pairs].filter((pair) => {
    const [here = "", there = ""] = pair.split(" ");
    return here < there && pairs.has(`${there} ${here}`);
  });
}

/** Folders that git ignores: written by tools, or by runs. */
function ignoredFolders(): readonly string[] {
  const lines = readFileSync(join(projectRoot, ".gitignore"), "utf8").split("\n");
  return lines.filter((line) => line.endsWith("/")).map((line) => line.replaceAll("/", ""));
}

describe("rooms", () => {
  it("import through the doors of the plan only", () => {
    assert.ok(imports.length > 50);
    assert.deepEqual(imports.map(wrongDoor).filter(Boolean), []);
  });

  it("have no import that leads back to where it came from", () => {
    assert.equal(findCycle(imports), null);
  });

  it("are two where their folders are two: none imports another that imports it", () => {
    assert.deepEqual(mutualFolders(imports.filter(({ from }) => !from.startsWith("test/"))), []);
  });

  it("are all there is in harness/: no file lies at its root", () => {
    assert.deepEqual(
      sources.filter(({ file }) => roomOf(file) === null).map(({ file }) => file),
      [],
    );
  });

  it("keep their packages to themselves", () => {
    assert.deepEqual(
      sources.flatMap(({ file, text }) => misplacedPackages(file, text)),
      [],
    );
    assert.deepEqual(misplacedPackages("reports/a.ts", 'import sharp from "sharp";'), ["reports/a.ts: sharp"]);
  });

  it("load onnxruntime-node in one file only, behind what turns its telemetry off", () => {
    const loading = sources.filter(({ file, text }) => file !== "test/rooms.test.ts" && loadsRuntime(text));
    assert.deepEqual(
      loading.map(({ file }) => file),
      [runtimeDoor],
    );
    assert.match(
      loading[0]!.text,
      /^import \{ decideTelemetry \} from "\.\/telemetry\.ts".*\nimport [^;]*"onnxruntime-node"/m,
    );
    for (const form of [
      'import { Tensor } from "onnxruntime-node";',
      'export * from "onnxruntime-node";',
      'import "onnxruntime-node";',
      'await import("onnxruntime-node")',
      'require("onnxruntime-node/dist/index.js")',
    ]) {
      assert.ok(loadsRuntime(form), form);
    }
    assert.ok(!loadsRuntime('import type { Tensor } from "onnxruntime-node";'));
  });

  it("are all there is at the top, but for what git ignores", () => {
    const folders = readdirSync(projectRoot, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
      .map(({ name }) => name);
    const ignored = ignoredFolders();
    assert.deepEqual(
      folders.filter(
        (name) =>
          !rooms.some((room) => room.split("/")[0] === name) && !papers.includes(name) && !ignored.includes(name),
      ),
      [],
    );
  });
});

describe("the reading of imports", () => {
  const read = (text: string): readonly string[] =>
    importsIn("tasks/metrics/a.ts", text).map(({ to, isTypeOnly }) => `${to}${isTypeOnly ? " (types)" : ""}`);

  it("finds every form of them, types apart", () => {
    assert.deepEqual(read('import { a } from "../b.ts";\nimport type { C } from "../../models/model.ts";'), [
      "tasks/b.ts",
      "models/model.ts (types)",
    ]);
    assert.deepEqual(read('import {\n  a,\n  b,\n} from "./b.ts";\nexport { c } from "./c.ts";'), [
      "tasks/metrics/b.ts",
      "tasks/metrics/c.ts",
    ]);
    assert.deepEqual(read('import "./b.ts";\nconst c = await import("./c.ts");\nexport * from "./d.ts";'), [
      "tasks/metrics/b.ts",
      "tasks/metrics/c.ts",
      "tasks/metrics/d.ts",
    ]);
  });

  it("leaves packages and comments alone", () => {
    assert.deepEqual(
      read('import z from "zod";\n// import "./b.ts";\n/* import "./c.ts" */ const url = "http://x";'),
      [],
    );
  });

  it("tells a wrong door, a types-only door and a cycle", () => {
    const wrong = (from: string, to: string, isTypeOnly = false): string | null => wrongDoor({ from, to, isTypeOnly });
    assert.match(wrong("models/a.ts", "tasks/b.ts") ?? "", /no door from models\/ to tasks\//);
    assert.match(wrong("tasks/a.ts", "models/model.ts") ?? "", /no door/);
    assert.equal(wrong("tasks/a.ts", "models/model.ts", true), null);
    assert.match(wrong("tasks/a.ts", "models/blip2.ts", true) ?? "", /types from models\/blip2\.ts: no door/);
    assert.match(wrong("reports/a.ts", "harness/catalog/b.ts") ?? "", /no door/);
    assert.match(wrong("harness/processes/a.ts", "harness/evaluation/b.ts") ?? "", /no door/);
    assert.match(wrong("reports/records/a.ts", "reports/tables/b.ts") ?? "", /from reports\/records\/ to reports\//);
    assert.match(wrong("harness/cli/a.ts", "harness/scripts/b.ts") ?? "", /no door/);
    assert.match(wrong("harness/a.ts", "models/b.ts") ?? "", /harness\/a\.ts is in no room/);
    const edge = (from: string, to: string): Import => ({ from, to, isTypeOnly: false });
    assert.deepEqual(findCycle([edge("a", "b"), edge("b", "c"), edge("c", "b")]), ["b", "c", "b"]);
    assert.equal(findCycle([edge("a", "b"), edge("a", "c"), edge("b", "c")]), null);
    assert.deepEqual(mutualFolders([edge("a/x/1", "a/y/1"), edge("a/y/2", "a/x/2")]), ["a/x a/y"]);
    assert.deepEqual(mutualFolders([edge("a/1", "a/y/1"), edge("a/y/2", "a/2"), edge("a/x/1", "a/y/1")]), []);
  });
});
