/** A path → the task that is written there, in YAML or JSON, or in code. */
import { createHash } from "node:crypto";
import { basename, extname, resolve } from "node:path";
import type { Task, TaskFile } from "../../../tasks/task.ts";
import type { Catalog } from "../catalog.ts";
import { decodeNamed, readNamed } from "../named-file.ts";
import { isOwnData } from "../open-split.ts";
import { unknownName, UsageError } from "../usage-error.ts";
import { buildTask } from "./build-task.ts";
import type { ReadTask } from "./build-task.ts";
import { checkSettings } from "./check-settings.ts";
import { loadCode, typeScriptExtensions } from "./code.ts";
import { readDocument } from "./document.ts";
import { noFunctions, takeFunctions } from "./functions.ts";

const documentExtensions: readonly string[] = [".yaml", ".yml", ".json"];
const codeExtensions: readonly string[] = [...typeScriptExtensions, ".js", ".mjs"];
export const taskFileExtensions: readonly string[] = [...documentExtensions, ...codeExtensions];

/** Whether what a user names as a task is a path. Names of tasks have no dots or slashes. */
export function isTaskPath(named: string): boolean {
  return /[\\/]/.test(named) || taskFileExtensions.includes(extname(named).toLowerCase());
}

/** Whether the task file of this path is read only; code is run. */
export function isTaskDocument(path: string): boolean {
  return documentExtensions.includes(extname(path).toLowerCase());
}

/**
 * Throws a UsageError that says what is wrong, and where: in documents with line and column.
 * @param name of the task where the file names none; unset: the file's name
 */
export async function readTaskFile(named: string, catalog: Pick<Catalog, "tasks">, name?: string): Promise<Task> {
  if (/^[a-z][a-z+.-]+:\/\//i.test(named)) {
    throw new UsageError(
      `--tasks ${named}: found an address, expected a path: a task file is read from this machine only.`,
    );
  }
  const extension = extname(named).toLowerCase();
  if (!taskFileExtensions.includes(extension)) {
    throw new UsageError(`--tasks ${named}: expected a task file, which ends in ${taskFileExtensions.join(", ")}.`);
  }
  const path = resolve(named);
  const bytes = await readNamed(named, "--tasks");
  const file: TaskFile = { path, bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
  const said = isTaskDocument(path) ? await fromDocument(file, named) : await fromCode(file, extension);
  const read: ReadTask = { ...said, file, name: said.settings.name ?? name ?? basename(path, extname(path)) };
  refuseName(read, catalog);
  return buildTask(read, askingAbout(read, catalog));
}

type Said = Pick<ReadTask, "settings" | "functions" | "placeOf">;

async function fromDocument(file: TaskFile, named: string): Promise<Said> {
  const { value, placeOf } = await readDocument(decodeNamed(file.bytes, named, "--tasks"), named);
  return { settings: checkSettings(value, placeOf), functions: noFunctions, placeOf };
}

async function fromCode(file: TaskFile, extension: string): Promise<Said> {
  const { value, functions } = takeFunctions(await loadCode(file.path, extension, file.sha256), file.path);
  const placeOf = (): string => file.path;
  return { settings: checkSettings(value, placeOf), functions, placeOf };
}

/** A task's name is the name of a folder, and of one task only. */
function refuseName({ name, settings, placeOf }: ReadTask, { tasks }: Pick<Catalog, "tasks">): void {
  const at = placeOf([settings.name === undefined ? "kind" : "name"]);
  if (!/^[\p{L}\p{N}][\p{L}\p{N}_-]*$/u.test(name)) {
    throw new UsageError(
      `${at}: name: found "${name}", expected letters, digits, - and _: it is also the name of a folder. Give one with name:.`,
    );
  }
  if (tasks.some((task) => task.name === name)) {
    throw new UsageError(`${at}: name: ${name} is a task of the project. Give another with name:.`);
  }
}

/**
 * A task of the project about the data set that the file names; null: the file names none. Throws a UsageError for a data set
 * that is not known, or not one for tasks of this kind.
 */
function askingAbout({ settings, placeOf }: ReadTask, { tasks }: Pick<Catalog, "tasks">): Task | null {
  const { dataset: named, kind } = settings;
  if (named === undefined) return null;
  const able = tasks.filter(
    (task) => (task.kind === "retrieval") === (kind === "retrieval") && !isOwnData(task.dataset),
  );
  const task = able.find(({ dataset }) => dataset.name === named);
  if (task !== undefined) return task;
  const names = [...new Set(able.map(({ dataset }) => dataset.name))];
  throw unknownName(`${placeOf(["dataset"])}: dataset: ${named}`, "data set", { name: named, names });
}
