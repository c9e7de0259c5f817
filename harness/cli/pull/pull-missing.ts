/** Fetches what `run --pull` misses before the run begins: checkpoints, and the mirror that --data names. */
import { partsNamed } from "../../../datasets/parquet/split-names.ts";
import { parseMirrorName } from "../../../models/checkpoint/hugging-face-cache.ts";
import type { HubName } from "../../../models/checkpoint/hugging-face-cache.ts";
import { isInRows } from "../../catalog/data-folder.ts";
import type { RunConfig } from "../../evaluation/run-config.ts";
import { cachedParts } from "../../pull/hub/cached-revisions.ts";
import type { FileChoice } from "../../pull/hub/list-files.ts";
import { mirrorFiles } from "../../pull/hub/mirror-files.ts";
import { findPulled } from "../../pull/hub/pull-repository.ts";
import { completeCode } from "../exit-code.ts";
import type { Surroundings } from "../declared-command.ts";
import { pullMirror } from "./pull-mirror.ts";
import { missingModels, pullModels } from "./pull-models.ts";
import { withNetwork } from "./with-network.ts";

/** Gives the exit code. The hub is not contacted where everything is in the cache. */
export async function pullMissing(
  config: Pick<RunConfig, "models" | "tasks" | "data" | "split">,
  { catalog, hub, terminal }: Pick<Surroundings, "catalog" | "hub" | "terminal">,
): Promise<number> {
  const settings = hub();
  const isBundled = (model: string): boolean => catalog.checkpoints.some(({ name }) => name === model);
  const named = config.models.filter((model) => !isBundled(model));
  const models = await missingModels(named, settings.cacheFolder);
  const mirrors = await missingMirrors(config, { catalog, cacheFolder: settings.cacheFolder });
  if (models.length + mirrors.length === 0) return completeCode;
  const fetched = await withNetwork(settings.network, terminal, async (fetching) => {
    await pullModels(models, fetching, { hub: settings, terminal });
    for (const mirror of mirrors) await pullMirror(mirror, fetching, { hub: settings, terminal });
  });
  return "exitCode" in fetched ? fetched.exitCode : completeCode;
}

interface MissingMirror {
  readonly name: HubName;
  readonly choice: FileChoice;
}

/** The mirror that --data names, once for each split that a task reads of it and that is not complete in the cache. */
async function missingMirrors(
  { tasks, data, split }: Pick<RunConfig, "tasks" | "data" | "split">,
  { catalog, cacheFolder }: Pick<Surroundings, "catalog"> & { readonly cacheFolder: string },
): Promise<readonly MissingMirror[]> {
  const name = parseMirrorName(data ?? "");
  if (name === null) return [];
  const missing = new Map<string, MissingMirror>();
  for (const task of tasks) {
    const { dataset } = catalog.tasks.find((each) => each.name === task) ?? {};
    if (dataset === undefined) continue; // the run itself says that there is no such task
    const wanted = split ?? dataset.splits[0] ?? ""; // a user's own data name their splits themselves
    const isWhole = isInRows({ dataset, split: wanted });
    if (isWhole && (await cachedParts(cacheFolder, name)).length > 0) continue; // what the rows hold shows when they are read
    const choice = mirrorFiles(isWhole ? null : partsNamed(wanted));
    if ((await findPulled(cacheFolder, name, choice)) !== null) continue;
    missing.set(isWhole ? "" : wanted, { name, choice });
  }
  return [...missing.values()];
}
