/**
 * Which checkpoint does which task: one with a language model generates, one without ranks. Here, and nowhere after, it is
 * asked which of the two a checkpoint is for. Pairs that do not fit are left out where others do; a checkpoint or a task that
 * fits none is refused.
 */
import type { RetrievalSample, Sample } from "../../datasets/dataset.ts";
import type { CheckpointKind } from "../../models/model.ts";
import type { GenerationTask, RetrievalTask, Task } from "../../tasks/task.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { openSplit } from "../catalog/open-split.ts";
import type { DataPlaces, OpenedSplit, SplitChoice } from "../catalog/open-split.ts";
import { UsageError } from "../catalog/usage-error.ts";
import type { CheckpointInPrecision } from "./checkpoints.ts";
import { generationPair } from "./generation/prepare.ts";
import { lazyModel } from "./lazy-model.ts";
import { retrievalPair } from "./retrieval/prepare.ts";
import type { RunConfig } from "./run-config.ts";
import type { Pair } from "./verbs.ts";

type PairsConfig = SplitChoice & Pick<RunConfig, "areTasksNamed"> & Partial<Pick<RunConfig, "overrides">>;

/** Tasks that were named are all to be done; otherwise a checkpoint does those that it can. */
export function pairsToRun(
  checkpoints: readonly CheckpointInPrecision[],
  tasks: readonly Task[],
  { config, catalog, hubCache }: { readonly config: PairsConfig } & DataPlaces,
): readonly Pair[] {
  const openable = tasks.map((task) => openableTask(task, config, { catalog, hubCache }));
  const pairs = checkpoints.flatMap((checkpoint) => pairsOf(checkpoint, openable));
  for (const checkpoint of checkpoints) {
    if (pairs.some((pair) => pair.checkpoint === checkpoint)) continue;
    const names = tasksOf(checkpoint.kind, catalog);
    throw new UsageError(`--model ${checkpoint.name}: ${cannot(checkpoint.kind)} Its tasks: ${names.join(", ")}.`);
  }
  for (const task of config.areTasksNamed ? tasks : []) {
    if (pairs.some((pair) => pair.task === task)) continue;
    const names = [...new Set(checkpoints.map(({ name }) => name))].join(", ");
    const needed = task.kind === "generation" ? "one with a language model" : "one for retrieval, such as shapes-itm";
    throw new UsageError(
      `--tasks ${task.name}: ${names} cannot do it. Name a checkpoint that can with --model: ${needed}.`,
    );
  }
  return pairs;
}

type OpenableTask =
  | {
      readonly kind: "generation";
      readonly task: GenerationTask<Sample>;
      readonly open: () => Promise<OpenedSplit<Sample>>;
      /** The split that shots are drawn from. */
      readonly openShots: () => Promise<OpenedSplit<Sample>>;
    }
  | {
      readonly kind: "retrieval";
      readonly task: RetrievalTask;
      readonly open: () => Promise<OpenedSplit<RetrievalSample>>;
    };

const usualShots = "train";

function openableTask(task: Task, config: PairsConfig, places: DataPlaces): OpenableTask {
  if (task.kind === "retrieval") return { kind: task.kind, task, open: once(() => openSplit(task, config, places)) };
  const pool = { ...config, split: config.overrides?.shotsFrom ?? usualShots, limit: null };
  return {
    kind: task.kind,
    task,
    open: once(() => openSplit(task, config, places)),
    openShots: once(() => openSplit(task, pool, places, "--shots-from")),
  };
}

function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | null = null;
  return () => (made ??= make());
}

function pairsOf(checkpoint: CheckpointInPrecision, tasks: readonly OpenableTask[]): readonly Pair[] {
  if (checkpoint.kind === "generation") {
    const model = lazyModel(checkpoint.load, checkpoint.placements);
    return tasks.flatMap((each) =>
      each.kind === "generation" ? [generationPair({ ...each, checkpoint, model })] : [],
    );
  }
  const model = lazyModel(checkpoint.load, checkpoint.placements);
  return tasks.flatMap((each) =>
    each.kind === "retrieval" ? [retrievalPair({ checkpoint, model, task: each.task, open: each.open })] : [],
  );
}

function cannot(kind: CheckpointKind): string {
  return kind === "generation"
    ? "a checkpoint with a language model, which generates text and ranks nothing."
    : "a checkpoint for image-text retrieval, which generates no text.";
}

function tasksOf(kind: CheckpointKind, { tasks }: Catalog): readonly string[] {
  return tasks.filter((task) => task.kind === kind).map(({ name }) => name);
}
