/** The example of a task file (examples/own-task) in a folder of its own: as it is, in JSON, and in code. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { bundledData } from "./fakes.ts";
import { projectRoot } from "./project.ts";
import { temporaryFolder } from "./temporary-files.ts";

const example = join(projectRoot, "examples", "own-task");
const images = join(bundledData, "val2014");

/** Reads a file of the example; its images are then named by their absolute path. */
function exampleFile(path: string): string {
  return readFileSync(path, "utf8").replace("../../datasets/bundled/val2014", images);
}

export const shapesYaml = exampleFile(join(example, "shapes.yaml"));
export const shapesTypeScript = exampleFile(join(example, "shapes.ts"));
/** What the user's own build step makes of it. */
export const shapesJavaScript = exampleFile(join(projectRoot, "dist", "examples", "own-task", "shapes.js"));

/** The example's data, the task as `shapes.yaml` and in all other forms, and these files. */
export function taskFolder(files: Readonly<Record<string, string>> = {}): string {
  return temporaryFolder({
    "shapes.csv": readFileSync(join(example, "shapes.csv")),
    "shapes.yaml": shapesYaml,
    "shapes.json": JSON.stringify(parse(shapesYaml), null, 2),
    "shapes.mjs": shapesJavaScript,
    "shapes.ts": shapesTypeScript,
    ...files,
  });
}
