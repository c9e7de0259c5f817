/**
 * Which checkpoint does which task: one with a language model generates, one without ranks and, with a head for it, writes
 * captions by its Q-Former. Here, and nowhere after, it is
 * asked which of the two a checkpoint is for. Pairs that do not fit are left out where others do; a checkpoint or a task that
 * fits none is refused.
 */
import type { RetrievalSample, Sample } from "../../datasets/dataset.ts";
import type { WriterFamily } from "../../models/model.ts";
import { askedOf } from "../../tasks/task.ts";
import type { GenerationTask, RetrievalTask, Task } from "../../tasks/task.ts";
import type { Catalog, FoundCheckpoint, FoundGenerator } from "../catalog/catalog.ts";
import { openSplit } from "../catalog/open-split.ts";
import type { DataPlaces, OpenedSplit, SplitChoice } from "../catalog/open-split.ts";
import { UsageError } from "../catalog/usage-error.ts";
import { generatorOf } from "./checkpoints.ts";
import type { CheckpointInPrecision, InPrecision } from "./checkpoints.ts";
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
  const pairs: Pair[] = [];
  for (const checkpoint of checkpoints) {
    const own = pairsOf(checkpoint, openable);
    pairs.push(...own);
    if (own.length > 0) continue;
    const names = tasksOf(checkpoint, catalog);
    throw new UsageError(`--model ${checkpoint.name}: ${cannot(checkpoint)} Its tasks: ${names.join(", ")}.`);
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
  // an image of a shot is read for its caption only, which fails where there is no image
  const { unfetched = new Map<string, string>() } = config;
  const pool = { ...config, split: config.overrides?.shotsFrom ?? usualShots, limit: null, unfetched };
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
  const generator = generatorOf(checkpoint);
  const writing = generator === null ? [] : generationPairs(generator, tasks);
  if (checkpoint.kind === "generation") return writing;
  const model = lazyModel(checkpoint.load, checkpoint.placements);
  const ranking = tasks.flatMap((each) =>
    each.kind === "retrieval" ? [retrievalPair({ checkpoint, model, task: each.task, open: each.open })] : [],
  );
  return [...writing, ...ranking];
}

function generationPairs(checkpoint: FoundGenerator & InPrecision, tasks: readonly OpenableTask[]): readonly Pair[] {
  const model = lazyModel(checkpoint.load, checkpoint.placements);
  return tasks.flatMap((each) =>
    each.kind === "generation" && canAsk(each.task, checkpoint.family)
      ? [generationPair({ ...each, checkpoint, model })]
      : [],
  );
}

function canAsk({ protocols }: GenerationTask<Sample>, family: WriterFamily): boolean {
  return Object.values(protocols).every((protocol) => askedOf(protocol, family) !== null);
}

function cannot(checkpoint: FoundCheckpoint): string {
  if (checkpoint.kind === "generation")
    return "a checkpoint with a language model, which generates text and ranks nothing.";
  return checkpoint.writer === undefined
    ? "a checkpoint for image-text retrieval, which generates no text."
    : "a checkpoint for image-text retrieval, whose Q-Former writes captions and answers no questions.";
}

function tasksOf(checkpoint: FoundCheckpoint, { tasks }: Catalog): readonly string[] {
  const { kind, family } = checkpoint.kind === "generation" ? checkpoint : (checkpoint.writer ?? checkpoint);
  const able = tasks.filter((task) =>
    task.kind === "generation" ? kind === task.kind && canAsk(task, family) : checkpoint.kind === task.kind,
  );
  return able.map(({ name }) => name);
}
