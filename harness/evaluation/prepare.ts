/**
 * The door of a run: every name, file and folder of every model and task is checked before the first is computed. What
 * comes out needs weights and time, nothing else.
 */
import { join } from "node:path";
import type { Sample } from "../../datasets/dataset.ts";
import { readRecord, shardsName } from "../../reports/records/run-files.ts";
import { RunFolder } from "../../reports/records/run-folder.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { findTasks } from "../catalog/find-task.ts";
import { provenance } from "../catalog/provenance.ts";
import { UsageError } from "../catalog/usage-error.ts";
import { checkpointsToRun } from "./checkpoints.ts";
import { describeFeatureSizes } from "./feature-sizes.ts";
import type { PrepareOptions } from "./in-workers.ts";
import { placeOf, promptFolder, refuseOtherContent } from "./output-folder.ts";
import { pairsToRun } from "./pairs.ts";
import { defaultBatchSize } from "./run-config.ts";
import type { RunConfig } from "./run-config.ts";
import { shardName } from "./shard.ts";
import type { Evaluation, Pair, Preparation } from "./verbs.ts";

/** Every model on every task it can do, with every prompt: a model's tasks stand together, and of a task the prompts in their order. */
export async function prepare(
  config: RunConfig,
  catalog: Catalog,
  prepareOptions: PrepareOptions,
): Promise<readonly Evaluation[]> {
  const tasks = await findTasks(catalog, config.tasks);
  const checkpoints = await checkpointsToRun(withLoopOutside(config), catalog, prepareOptions);
  const pairs = pairsToRun(checkpoints, tasks, { config, catalog, hubCache: prepareOptions.hubCache });
  const variants = promptVariants(config);
  const isSingle = pairs.length === 1;
  if (!isSingle || variants.length > 1) await refuseOtherContent(config);
  refusePrompts(pairs, variants.length);

  const samples = new Map<Pair, readonly Sample[]>();
  for (const pair of pairs) samples.set(pair, (await pair.open()).samples);
  if (config.keepFeatures) {
    const message = describeFeatureSizes(pairs, (pair) => samples.get(pair)!, config);
    prepareOptions.onPreparation?.({ kind: "note", message });
  }
  const made = await provenance(config);
  const evaluations: Evaluation[] = [];
  try {
    for (const pair of pairs) {
      const { overwrite, shard, schedulerTask } = config;
      const shardFolder = shard === null ? [] : [shardsName, shardName(shard.windows)];
      for (const { config: own, folder } of variants) {
        const path = join(folder, ...(isSingle ? [] : placeOf(pair, config)), ...shardFolder);
        const openFolder: Preparation["openFolder"] = (plan, count) =>
          RunFolder.open(path, plan, {
            samples: count,
            overwrite,
            task: schedulerTask,
            taskFile: pair.task.file?.bytes ?? null,
          });
        evaluations.push(await pair.prepare({ config: own, made, openFolder, ...(await plannedBatchSize(own, path)) }));
      }
    }
    return evaluations;
  } catch (error) {
    for (const { folder } of evaluations) await folder.close();
    throw error;
  }
}

/** The config and the folder of the runs with each prompt. */
function promptVariants(config: RunConfig): readonly { readonly config: RunConfig; readonly folder: string }[] {
  const { prompts, overrides, output } = config;
  if (prompts.length === 0) return [{ config, folder: output }];
  return prompts.map((prompt, index) => {
    return { config: { ...config, overrides: { ...overrides, prompt } }, folder: join(output, promptFolder(index)) };
  });
}

/** Texts and images are ranked without a prompt. */
function refusePrompts(pairs: readonly Pair[], prompts: number): void {
  const ranking = pairs.find(({ task }) => task.kind === "retrieval");
  if (ranking === undefined || prompts === 1) return;
  throw new UsageError(
    `--prompt: ${prompts} prompts, and ${ranking.task.name} takes none. Name other tasks with --tasks.`,
  );
}

/** Candidates are read, not generated: there is no loop, and what reads them is loaded in its place. */
function withLoopOutside(config: RunConfig): RunConfig {
  return config.overrides.answers === "ranked" ? { ...config, generation: "stepwise" } : config;
}

/** Where the size is measured, a run that is continued takes the one that was found. */
async function plannedBatchSize(
  { batchSize, overwrite }: RunConfig,
  folder: string,
): Promise<Pick<Preparation, "batchSize" | "isBatchSizeOpen">> {
  if (batchSize !== "auto") return { batchSize, isBatchSizeOpen: false };
  const recorded = overwrite ? null : await readRecord(folder);
  const found = recorded?.config.batchSize; // of an imported run there is none
  if (found !== undefined) return { batchSize: found, isBatchSizeOpen: false };
  return { batchSize: defaultBatchSize, isBatchSizeOpen: true };
}
