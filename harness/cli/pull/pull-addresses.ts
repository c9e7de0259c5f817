/** Fetches the images that own data names by their addresses, for `run --pull`. */
import type { Sample } from "../../../datasets/dataset.ts";
import { missingImages } from "../../catalog/fetched-images.ts";
import type { MissingImage, UnfetchedImages } from "../../catalog/fetched-images.ts";
import { findTasks } from "../../catalog/find-task.ts";
import { isOwnData, openSplit } from "../../catalog/open-split.ts";
import type { RunConfig } from "../../evaluation/run-config.ts";
import { pullAddressedImages } from "../../official-data/pull-addressed-images.ts";
import { PullError } from "../../pull/network/pull-error.ts";
import type { Surroundings } from "../declared-command.ts";
import { withNetwork } from "./with-network.ts";
import type { Fetched } from "./with-network.ts";

/**
 * Those of the samples that are asked. Gives the addresses that gave no image, and why. Throws a PullError where nothing may be
 * fetched, and what opening the data throws.
 */
export async function pullAddresses(
  config: RunConfig,
  { catalog, hub, hubCache, terminal }: Pick<Surroundings, "catalog" | "hub" | "hubCache" | "terminal">,
): Promise<Fetched<UnfetchedImages>> {
  const missing = new Map<string, MissingImage>();
  for (const task of await findTasks(catalog, config.tasks)) {
    if (!isOwnData(task.dataset)) continue;
    const choice = { ...config, unfetched: new Map<string, string>() };
    const { samples } = await openSplit<Sample>(task, choice, { catalog, hubCache });
    for (const image of await missingImages(samples)) missing.set(image.path, image);
  }
  const images = [...missing.values()];
  const [first] = images;
  if (first === undefined) return { value: new Map() };
  const { isOffline, network: settings } = hub();
  if (isOffline) {
    throw new PullError(
      `own data: ${first.where}: the image ${first.url} is not in the cache, one of ${images.length} that are missing. ` +
        "HF_HUB_OFFLINE is set, so that nothing is fetched.",
    );
  }
  terminal.message(
    `${images.length} images are fetched by their addresses, the first from ${new URL(first.url).host}.`,
  );
  // addresses come from the data, which is not to get the token of the hub
  return withNetwork({ ...settings, credentials: null }, terminal, ({ network }) =>
    pullAddressedImages(network, images, {
      onImage: (done) => {
        terminal.progress({ run: "images", before: 0, done, samples: images.length, failed: 0 });
      },
    }),
  );
}
