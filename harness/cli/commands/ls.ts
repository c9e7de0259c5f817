/** `blip2-bench ls`: lists the checkpoints and tasks that --model and --tasks can name. */
import { retrievalScoreNames } from "../../../tasks/metrics/recall.ts";
import { left, tableOf } from "../../../reports/tables/table.ts";
import type { ColumnOf } from "../../../reports/tables/table.ts";
import { tableToText } from "../../../reports/tables/terminal.ts";
import { completeCode } from "../exit-code.ts";
import type { Surroundings } from "../declared-command.ts";
import type { BundledCheckpoint } from "../../catalog/catalog.ts";
import { unknownName } from "../../catalog/usage-error.ts";

const lists = ["models", "tasks"] as const;

/** Gives the exit code. */
export function ls(_values: object, [word]: readonly string[], surroundings: Surroundings): Promise<number> {
  const what = lists.find((one) => one === word) ?? null;
  if (word !== undefined && what === null) throw unknownName(`ls ${word}`, "list", { name: word, names: lists });
  list(what, surroundings);
  return Promise.resolve(completeCode);
}

const modelColumns: readonly ColumnOf<BundledCheckpoint>[] = [
  left("model", ({ name }) => name),
  left("language model", ({ kind, family }) => (kind === "retrieval" ? "none: image-text matching" : family)),
];

interface NamedTask {
  readonly name: string;
  readonly splits: readonly string[];
  readonly protocols: readonly string[];
  readonly metrics: readonly string[];
}

const taskColumns: readonly ColumnOf<NamedTask>[] = [
  left("task", ({ name }) => name),
  left("splits", ({ splits }) => (splits.length === 0 ? "those of --data" : splits.join(", "))),
  left("protocols", ({ protocols }) => protocols.join(", ")),
  left("metrics", ({ metrics }) => metrics.join(", ")),
];

/** `what`: `models` or `tasks`; null lists both. */
function list(
  what: "models" | "tasks" | null,
  { catalog, terminal, isJson }: Pick<Surroundings, "catalog" | "terminal" | "isJson">,
): void {
  const models = catalog.checkpoints.map(({ name, family, folder }) => ({ name, family, folder }));
  const tasks = catalog.tasks.map((task) => ({
    name: task.name,
    splits: task.dataset.splits,
    protocols: Object.keys(task.protocols),
    metrics: task.kind === "retrieval" ? retrievalScoreNames(task.metrics) : task.metrics.map((metric) => metric.name),
  }));
  if (isJson) {
    terminal.result(
      JSON.stringify({ ...(what !== "tasks" && { models }), ...(what !== "models" && { tasks }) }, null, 2),
    );
    return;
  }
  const elsewhere =
    "or the folder of a checkpoint, or a name in the Hugging Face cache such as Salesforce/blip2-opt-2.7b";
  const modelTable = tableToText(tableOf(modelColumns, catalog.checkpoints));
  if (what !== "tasks") terminal.result(`${modelTable}\n${elsewhere}`);
  if (what === null) terminal.result("");
  if (what !== "models") terminal.result(tableToText(tableOf(taskColumns, tasks)));
}
