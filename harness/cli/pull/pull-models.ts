/** Fetches checkpoints from the hub, for `pull` and `run --pull`. */
import { stat } from "node:fs/promises";
import { parseHubName } from "../../../models/checkpoint/hugging-face-cache.ts";
import type { HubName } from "../../../models/checkpoint/hugging-face-cache.ts";
import { adapterBase } from "../../../models/checkpoint/checkpoint.ts";
import type { HubSettings } from "../../pull/hub/hub.ts";
import { checkpointFiles } from "../../pull/hub/checkpoint-files.ts";
import { findPulled, pullRepository } from "../../pull/hub/pull-repository.ts";
import type { PulledRepository, PullPlan } from "../../pull/hub/pull-repository.ts";
import type { Terminal } from "../terminal.ts";
import { readableBytes } from "../../catalog/readable-bytes.ts";
import type { Fetching } from "./with-network.ts";

/** Fetches each checkpoint; for an adapter also its base model, where that is not in the cache. */
export async function pullModels(
  names: readonly HubName[],
  { network, progress }: Fetching,
  { hub, terminal }: { readonly hub: HubSettings; readonly terminal: Terminal },
): Promise<readonly PulledRepository[]> {
  const choice = checkpointFiles;
  const onPlan = announce(progress, terminal);
  const pulled: PulledRepository[] = [];
  for (const name of names) {
    const checkpoint = await pullRepository(network, hub, { name, choice, onPlan });
    pulled.push(checkpoint);
    const base = await adapterBase(checkpoint.folder);
    if (base === null) continue;
    const [missing] = await missingModels([base], hub.cacheFolder);
    if (missing === undefined) continue;
    terminal.note(`${checkpoint.repository} is an adapter of ${base}`);
    pulled.push(await pullRepository(network, hub, { name: missing, choice, onPlan }));
  }
  return pulled;
}

/** Says what will be fetched, and begins to show how far it is. */
export function announce(progress: Fetching["progress"], terminal: Terminal): (plan: PullPlan) => void {
  return ({ name, commit, files, totalBytes, missingBytes }) => {
    const here = missingBytes === 0 ? "all here" : `${readableBytes(missingBytes)} to fetch`;
    terminal.note(`${name} at ${commit}: ${files} files, ${readableBytes(totalBytes)}, ${here}`);
    progress.begin(name, missingBytes);
  };
}

/** The values of --model that are hub names and not complete in the cache. */
export async function missingModels(models: readonly string[], cacheFolder: string): Promise<readonly HubName[]> {
  const missing: HubName[] = [];
  for (const model of models) {
    const name = parseHubName(model);
    // an existing folder has precedence over a hub name
    const isFolder = (await stat(model).catch(() => null))?.isDirectory() === true;
    if (name === null || isFolder) continue;
    const found = await findPulled(cacheFolder, name, checkpointFiles);
    const base = found === null ? null : await adapterBase(found.folder);
    if (found === null) missing.push(name);
    else if (base !== null) missing.push(...(await missingModels([base], cacheFolder)));
  }
  return missing;
}
