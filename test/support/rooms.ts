/** The project's rooms, the doors between them, its source files, and what those import. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { projectRoot } from "./project.ts";

/** Which rooms a room may import from, besides itself. A file belongs to the longest of these names that it is below. */
export const doors: Readonly<Record<string, readonly string[]>> = {
  datasets: [],
  models: [],
  tasks: ["datasets"],
  "reports/records": [],
  reports: ["reports/records"],
  "harness/statistics": [],
  "harness/catalog": ["tasks", "datasets", "models", "reports/records"],
  "harness/processes": ["models", "harness/catalog"],
  "harness/evaluation": [
    ...["harness/processes", "harness/catalog", "harness/statistics", "reports/records"],
    ...["tasks", "datasets", "models"],
  ],
  "harness/analysis": [
    "harness/samples",
    "harness/catalog",
    "harness/statistics",
    "reports",
    "reports/records",
    "tasks",
    "datasets",
  ],
  "harness/samples": [
    ...["harness/catalog", "harness/evaluation", "reports", "reports/records", "tasks", "datasets", "models"],
  ],
  "harness/bench": [
    ...["harness/evaluation", "harness/processes", "harness/catalog", "harness/statistics"],
    ...["reports", "reports/records", "tasks", "datasets", "models"],
  ],
  "harness/spread": ["harness/evaluation", "harness/catalog", "reports/records", "tasks", "models"],
  "harness/library": ["harness/catalog", "harness/evaluation", "harness/processes", "tasks", "models"],
  "harness/pull": ["harness/catalog", "datasets", "models", "reports/records"],
  "harness/official-data": ["harness/pull", "harness/catalog", "datasets", "models"],
  "harness/convert": ["harness/catalog", "models", "reports/records"],
  "harness/own-images": ["harness/catalog", "harness/evaluation", "harness/processes", "tasks", "models"],
  "harness/try": [
    ...["harness/library", "harness/own-images", "harness/processes", "harness/catalog"],
    ...["reports", "reports/records", "tasks", "models"],
  ],
  "harness/cli": [
    ...["harness/analysis", "harness/bench", "harness/catalog", "harness/evaluation", "harness/library"],
    ...[
      "harness/convert",
      "harness/samples",
      "harness/official-data",
      "harness/own-images",
      "harness/processes",
      "harness/pull",
      "harness/spread",
      "harness/statistics",
      "harness/try",
    ],
    ...["reports", "reports/records", "tasks", "datasets", "models"],
  ],
};
/** What `npm run` starts and what tests: they may import everything, and nothing imports them. */
export const outside: readonly string[] = ["harness/scripts", "test"];
export const rooms: readonly string[] = [...Object.keys(doors), ...outside].toSorted((a, b) => b.length - a.length);
/** Doors for types only: "room file". */
export const typeDoors: ReadonlySet<string> = new Set([
  "tasks models/model.ts",
  "tasks reports/records/metric-unit.ts",
]);

export function roomOf(file: string): string | null {
  return rooms.find((room) => file.startsWith(`${room}/`)) ?? null;
}

export interface Import {
  readonly from: string;
  readonly to: string;
  readonly isTypeOnly: boolean;
}

/** `import type { A } from "./a.ts"`, `export * from "./a.ts"`, `import "./a.ts"`, `await import("./a.ts")`; not in quotes. */
const importPattern = /(?<!['"`\\])\b(?:import|export)(\s[^;"'`]*?\bfrom\s*|\s*\(\s*|\s+)["'](\.[^"']*)["']/g;

/** Imports of our own files; `file` is relative to the project. */
export function importsIn(file: string, text: string): readonly Import[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[^:"'`])\/\/.*$/gm, "$1");
  return [...code.matchAll(importPattern)].map(([, clause = "", target = ""]) => ({
    from: file,
    to: relative(projectRoot, resolve(projectRoot, dirname(file), target))
      .split(sep)
      .join("/"),
    isTypeOnly: /^\s+type\b/.test(clause),
  }));
}

export const sources: readonly { readonly file: string; readonly text: string }[] = [
  ...new Set(rooms.map((room) => room.split("/")[0]!)),
].flatMap((room) =>
  readdirSync(join(projectRoot, room), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${room}/${name.split(sep).join("/")}`)
    .map((file) => ({ file, text: readFileSync(join(projectRoot, file), "utf8") })),
);
/** Of every source file, in their order. */
export const imports = sources.flatMap(({ file, text }) => importsIn(file, text));
