/** Finds data sets by their names, or by the names of tasks that use them. */
import type { Dataset, Sample } from "../../../datasets/dataset.ts";
import type { Catalog } from "../../catalog/catalog.ts";
import { unknownName } from "../../catalog/usage-error.ts";

/** The named data sets; all of them where no name is given. Throws a UsageError for an unknown name. */
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

/** null: no data set or task has this name. */
export function datasetNamed(name: string, { tasks }: Pick<Catalog, "tasks">): Dataset<Sample> | null {
  const task = tasks.find((each) => each.dataset.name === name || each.name === name);
  return task?.dataset ?? null;
}
