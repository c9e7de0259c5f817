/** What `run --pull` fetches before it runs. */
import { completeCode } from "../exit-code.ts";
import type { Surroundings } from "../declared-command.ts";
import { missingModels, pullModels } from "./pull-models.ts";
import { withNetwork } from "./with-network.ts";

/** Gives the exit code. Nothing is asked of the hub where all is here. `models`: as --model names them. */
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
