/** `blip2-bench ls`: what --model and --tasks can name. */
import { retrievalMetrics } from "../../../tasks/metrics/recall.ts";
import { left, tableOf } from "../../../reports/tables/table.ts";
import type { ColumnOf } from "../../../reports/tables/table.ts";
import { tableToText } from "../../../reports/tables/terminal.ts";
import { completeCode } from "../exit-code.ts";
import { refuseExcess, withOutputFlags } from "../flags.ts";
import type { AddCommand, OutputFlags, Surroundings } from "../flags.ts";
import type { BundledCheckpoint } from "../../catalog/catalog.ts";
import { unknownName } from "../../catalog/usage-error.ts";

export const addLs: AddCommand = (program, called) => {
  const command = withOutputFlags(program.command("ls")).description("list what can be named: models, tasks");
  command.argument("[models|tasks]").action(() => {
    const [what] = command.args;
    if (what !== undefined && !what.startsWith("-") && what !== "models" && what !== "tasks") {
      throw unknownName(`ls ${what}`, "list", { name: what, names: ["models", "tasks"] });
    }
    refuseExcess(command, 1);
    called({
      flags: command.opts<OutputFlags>(),
      perform: (surroundings) => {
        list(what === "models" || what === "tasks" ? what : null, surroundings);
        return Promise.resolve(completeCode);
      },
    });
  });
};

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
  left("splits", ({ splits }) => splits.join(", ")),
  left("protocols", ({ protocols }) => protocols.join(", ")),
  left("metrics", ({ metrics }) => metrics.join(", ")),
];

/** `what`: null is both. */
function list(
  what: "models" | "tasks" | null,
  { catalog, terminal, isJson }: Pick<Surroundings, "catalog" | "terminal" | "isJson">,
): void {
  const models = catalog.checkpoints.map(({ name, family, folder }) => ({ name, family, folder }));
  const tasks = catalog.tasks.map((task) => ({
    name: task.name,
    splits: task.dataset.splits,
    protocols: Object.keys(task.protocols),
    metrics: task.kind === "retrieval" ? retrievalMetrics : task.metrics.map((metric) => metric.name),
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
