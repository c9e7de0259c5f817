/** What a command names → a task: one of the catalogue, or one that is written in a file. */
import type { Task } from "../../tasks/task.ts";
import type { Catalog } from "./catalog.ts";
import { isTaskPath, readTaskFile } from "./task-file/read-task-file.ts";
import { unknownName, UsageError } from "./usage-error.ts";

/** By its name, or the path of its file. Throws a UsageError. */
export async function findTask(catalog: Pick<Catalog, "tasks">, named: string): Promise<Task> {
  if (isTaskPath(named)) return readTaskFile(named, catalog);
  const found = catalog.tasks.find((task) => task.name === named);
  if (found !== undefined) return found;
  const otherwise = " Or give a task file, such as ./my-task.yaml.";
  throw unknownName(`--tasks ${named}`, "task", {
    name: named,
    names: catalog.tasks.map(({ name }) => name),
    otherwise,
  });
}

/** Several tasks, no two of one name. Throws a UsageError. */
export async function findTasks(catalog: Pick<Catalog, "tasks">, named: readonly string[]): Promise<readonly Task[]> {
  const tasks: Task[] = [];
  for (const each of named) {
    const task = await findTask(catalog, each);
    const other = tasks.find(({ name }) => name === task.name);
    if (other !== undefined) {
      const places = [other, task].map(({ file, name }) => file?.path ?? name).join(" and ");
      throw new UsageError(`--tasks: ${places} are both called ${task.name}. Give one another name.`);
    }
    tasks.push(task);
  }
  return tasks;
}
