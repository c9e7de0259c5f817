/** Data sets by their own names, and by those of the tasks that ask about them. */
import type { Dataset, Sample } from "../../../datasets/dataset.ts";
import type { Catalog } from "../../catalog/catalog.ts";
import { unknownName } from "../../catalog/usage-error.ts";

/** No name is all of them. Throws a UsageError for a name that is none. */
export function datasetsNamed(names: readonly string[], { tasks }: Pick<Catalog, "tasks">): readonly Dataset<Sample>[] {
  const all = new Map<string, Dataset<Sample>>(tasks.map(({ dataset }) => [dataset.name, dataset]));
  if (names.length === 0) return [...all.values()];
  return names.map((name) => {
    const found = datasetNamed(name, { tasks });
    if (found !== null) return found;
    throw unknownName(name, "data set", {
      name,
      names: [...new Set([...all.keys(), ...tasks.map((task) => task.name)])],
    });
  });
}

/** null: no data set and no task is called so. */
export function datasetNamed(name: string, { tasks }: Pick<Catalog, "tasks">): Dataset<Sample> | null {
  const task = tasks.find((each) => each.dataset.name === name || each.name === name);
  return task?.dataset ?? null;
}
