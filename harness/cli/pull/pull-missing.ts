/** Fetches the missing checkpoints for `run --pull` before the run begins. */
import { completeCode } from "../exit-code.ts";
import type { Surroundings } from "../declared-command.ts";
import { missingModels, pullModels } from "./pull-models.ts";
import { withNetwork } from "./with-network.ts";

/**
 * Gives the exit code. The hub is not contacted where all checkpoints are in the cache. `models`: values of --model.
 */
export async function pullMissing(
  models: readonly string[],
  { catalog, hub, terminal }: Pick<Surroundings, "catalog" | "hub" | "terminal">,
): Promise<number> {
  const settings = hub();
  const isBundled = (model: string): boolean => catalog.checkpoints.some(({ name }) => name === model);
  const named = models.filter((model) => !isBundled(model));
  const missing = await missingModels(named, settings.cacheFolder);
  if (missing.length === 0) return completeCode;
  const fetched = await withNetwork(settings.network, terminal, (fetching) =>
    pullModels(missing, fetching, { hub: settings, terminal }),
  );
  return "exitCode" in fetched ? fetched.exitCode : completeCode;
}
