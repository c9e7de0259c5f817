/**
 * The door of a run: every name, file and folder of every model and task is checked before the first is computed. What
 * comes out needs weights and time, nothing else.
 */
import { join } from "node:path";
import type { Sample } from "../../datasets/dataset.ts";
import { readRecord } from "../../reports/records/run-files.ts";
import { RunFolder } from "../../reports/records/run-folder.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { taskNamed } from "../catalog/find-checkpoint.ts";
import { provenance } from "../catalog/provenance.ts";
import { checkpointsToRun } from "./checkpoints.ts";
import { describeFeatureSizes } from "./feature-sizes.ts";
import type { PrepareOptions } from "./in-workers.ts";
import { placeOf, refuseOtherContent } from "./output-folder.ts";
import { pairsToRun } from "./pairs.ts";
import { defaultBatchSize } from "./run-config.ts";
import type { RunConfig } from "./run-config.ts";
import type { Evaluation, Pair, Preparation } from "./verbs.ts";

/** Every model on every task it can do: a model's tasks stand together. */
export async function prepare(
  config: RunConfig,
  catalog: Catalog,
  prepareOptions: PrepareOptions,
): Promise<readonly Evaluation[]> {
  const tasks = config.tasks.map((name) => taskNamed(catalog, name));
  const checkpoints = await checkpointsToRun(withLoopOutside(config), catalog, prepareOptions);
  const pairs = pairsToRun(checkpoints, tasks, { config, catalog, hubCache: prepareOptions.hubCache });
  const isSingle = pairs.length === 1;
  if (!isSingle) await refuseOtherContent(config);

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
      const path = isSingle ? config.output : join(config.output, ...placeOf(pair, config));
      const openFolder: Preparation["openFolder"] = (plan, count) =>
        RunFolder.open(path, plan, { samples: count, overwrite: config.overwrite });
      evaluations.push(await pair.prepare({ config, made, openFolder, ...(await plannedBatchSize(config, path)) }));
    }
    return evaluations;
  } catch (error) {
    for (const { folder } of evaluations) await folder.close();
    throw error;
  }
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
  if (recorded !== null) return { batchSize: recorded.config.batchSize, isBatchSizeOpen: false };
  return { batchSize: defaultBatchSize, isBatchSizeOpen: true };
}
