/**
 * Which checkpoint does which task: one with a language model generates, one without ranks. Pairs that do not fit are left
 * out where others do; a checkpoint or a task that fits none is refused.
 */
import type { Sample } from "../../datasets/dataset.ts";
import type { Precision } from "../../models/checkpoint/precision.ts";
import { placementOf } from "../../models/device/placement-profile.ts";
import type { NodePlacement } from "../../models/device/placement-profile.ts";
import type { ImageTextScorer, VisionLanguageModel } from "../../models/model.ts";
import type { RunMeasured } from "../../reports/records/run-record.ts";
import type { GenerationTask, RetrievalTask, Task } from "../../tasks/task.ts";
import type { Catalog, FoundCheckpoint, FoundGenerator, FoundScorer } from "../catalog/catalog.ts";
import type { ChosenDevice } from "../catalog/device.ts";
import type { LazyModel } from "./evaluate.ts";
import { peakMemoryBytes, resetPeakMemory } from "./peak-memory.ts";
import { UsageError } from "../catalog/usage-error.ts";

/** A checkpoint in one of the precisions that were asked for; another one is another checkpoint here. */
export type AskedCheckpoint = FoundCheckpoint & Asked;

interface Asked {
  readonly precision: Precision;
  readonly chosen: ChosenDevice;
  /** By graph, as they run for the first time: see placement-profile.ts. Empty on the CPU. */
  readonly placements: ReadonlyMap<string, NodePlacement>;
}

export interface GenerationPair {
  readonly kind: "generation";
  readonly checkpoint: FoundGenerator & Asked;
  readonly task: GenerationTask<Sample>;
  readonly model: LazyModel<VisionLanguageModel>;
}

export interface RetrievalPair {
  readonly kind: "retrieval";
  readonly checkpoint: FoundScorer & Asked;
  readonly task: RetrievalTask;
  readonly model: LazyModel<ImageTextScorer>;
}

export type Pair = GenerationPair | RetrievalPair;

/** `areTasksNamed`: by the user, who then wants each of them done. */
export function pairsToRun(
  checkpoints: readonly AskedCheckpoint[],
  tasks: readonly Task[],
  { areTasksNamed, catalog }: { readonly areTasksNamed: boolean; readonly catalog: Catalog },
): readonly Pair[] {
  const pairs = checkpoints.flatMap((checkpoint) => pairsOf(checkpoint, tasks));
  for (const checkpoint of checkpoints) {
    if (pairs.some((pair) => pair.checkpoint === checkpoint)) continue;
    const names = tasksOf(checkpoint.kind, catalog);
    throw new UsageError(`--model ${checkpoint.name}: ${cannot(checkpoint.kind)} Its tasks: ${names.join(", ")}.`);
  }
  for (const task of areTasksNamed ? tasks : []) {
    if (pairs.some((pair) => pair.task === task)) continue;
    const names = [...new Set(checkpoints.map(({ name }) => name))].join(", ");
    const needed = task.kind === "generation" ? "one with a language model" : "one for retrieval, such as shapes-itm";
    throw new UsageError(
      `--tasks ${task.name}: ${names} cannot do it. Name a checkpoint that can with --model: ${needed}.`,
    );
  }
  return pairs;
}

function pairsOf(checkpoint: AskedCheckpoint, tasks: readonly Task[]): readonly Pair[] {
  if (checkpoint.kind === "generation") {
    const model = lazyModel(checkpoint.load, checkpoint.placements);
    return tasks.flatMap((task): Pair[] =>
      task.kind === "generation" ? [{ kind: "generation", checkpoint, task, model }] : [],
    );
  }
  const model = lazyModel(checkpoint.load, checkpoint.placements);
  return tasks.flatMap((task): Pair[] =>
    task.kind === "retrieval" ? [{ kind: "retrieval", checkpoint, task, model }] : [],
  );
}

function cannot(kind: FoundCheckpoint["kind"]): string {
  return kind === "generation"
    ? "a checkpoint with a language model, which generates text and ranks nothing."
    : "a checkpoint for image-text retrieval, which generates no text.";
}

function tasksOf(kind: FoundCheckpoint["kind"], { tasks }: Catalog): readonly string[] {
  return tasks.filter((task) => task.kind === kind).map(({ name }) => name);
}

interface Releasable {
  readonly weightsBytes?: number;
  readonly release: () => Promise<void>;
}

function lazyModel<Model extends Releasable>(
  load: () => Promise<Model>,
  placements: ReadonlyMap<string, NodePlacement>,
): LazyModel<Model> {
  let model: Promise<Model> | null = null;
  let measured: RunMeasured | null = null;
  const loadMeasured = async (): Promise<Model> => {
    const memorySince = resetPeakMemory();
    const memoryBeforeBytes = process.memoryUsage.rss();
    const startMs = performance.now();
    const loaded = await load();
    const memory = peakMemoryBytes(memorySince);
    measured = {
      loadMs: performance.now() - startMs,
      weightsBytes: loaded.weightsBytes ?? null,
      memoryBeforeBytes,
      loadedMemoryBytes: memory,
      peakMemoryBytes: memory,
      memorySince,
      stagesMs: null,
    };
    return loaded;
  };
  return {
    load: () => (model ??= loadMeasured()),
    measured: () => {
      if (measured === null) return null;
      const placement = placements.size === 0 ? {} : { placement: placementOf([...placements.values()]) };
      return { ...measured, peakMemoryBytes: peakMemoryBytes(measured.memorySince), ...placement };
    },
    release: async () => {
      const loaded = model;
      model = null;
      measured = null;
      await (await loaded)?.release();
    },
  };
}
