/**
 * Fetches data sets for `pull`. Their terms of use are shown before the first download and, where required, must be
 * accepted.
 */
import { resolve } from "node:path";
import type { Dataset, Sample } from "../../../datasets/dataset.ts";
import type { OfficialSplit } from "../../catalog/official-data.ts";
import { UsageError, unknownName } from "../../catalog/usage-error.ts";
import { pullData } from "../../official-data/pull-data.ts";
import type { PulledData } from "../../official-data/pull-data.ts";
import { completeCode, usageCode } from "../exit-code.ts";
import type { PullValues } from "../commands/declared/look-after.ts";
import type { Surroundings } from "../declared-command.ts";
import { withNetwork } from "./with-network.ts";

/** Gives the exit code. */
export async function pullDataset(
  dataset: Dataset<Sample>,
  { split: wanted, limit, output, acceptTerms }: PullValues,
  { catalog, hub, terminal, isJson }: Pick<Surroundings, "catalog" | "hub" | "terminal" | "isJson">,
): Promise<number> {
  const official = catalog.officialData.find(({ name }) => name === dataset.name);
  if (official === undefined) throw new UsageError(`pull ${dataset.name}: no address of its files is known.`);
  const split = splitNamed(dataset.name, official.splits, wanted);
  const folder = resolve(output ?? `data/${dataset.name}`);
  terminal.message(`${dataset.name}: ${official.licence}. ${official.terms}`);
  if (official.isAcceptanceAsked && !acceptTerms) {
    throw new UsageError(`pull ${dataset.name}: read the terms above, and accept them with --accept-terms.`);
  }
  const settings = hub();
  const network = { ...settings.network, credentials: null }; // the hub's token must not be sent to other servers
  const fetched = await withNetwork(network, terminal, ({ network: open, progress }) =>
    pullData(open, {
      dataset,
      official: split,
      folder,
      limit,
      onWork: (work, bytes) => {
        progress.begin(work, bytes);
      },
    }),
  );
  if ("exitCode" in fetched) return fetched.exitCode;
  const pulled = { dataset: dataset.name, split: split.split, folder, ...fetched.value };
  terminal.result(isJson ? JSON.stringify(pulled, null, 2) : describe(pulled));
  return pulled.why === null ? completeCode : usageCode;
}

function splitNamed(name: string, splits: readonly OfficialSplit[], wanted: string | null): OfficialSplit {
  const found = wanted === null ? splits[0] : splits.find(({ split }) => split === wanted);
  if (found !== undefined) return found;
  const names = splits.map(({ split }) => split);
  throw unknownName(`--split ${wanted ?? ""}: pull ${name}`, "split", { name: wanted ?? "", names });
}

interface Pulled extends PulledData {
  readonly dataset: string;
  readonly split: string;
  readonly folder: string;
}

function describe({ dataset, split, folder, samples, images, fetchedImages, why }: Pulled): string {
  const fetched = fetchedImages === 0 ? "all was here" : `${fetchedImages} fetched`;
  const what = why ?? `${images} images, ${fetched}`;
  return `${dataset} ${split}: ${samples} samples; ${what}\nuse it with --data ${folder}`;
}
