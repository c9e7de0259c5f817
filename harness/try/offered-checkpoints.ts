/**
 * The checkpoints that the page offers: those named on the command line, the bundled ones, and those in the Hugging
 * Face cache.
 */
import { abilitiesOf } from "../../models/checkpoint/checkpoint.ts";
import type { CheckpointAbilities, CheckpointOptions } from "../../models/checkpoint/checkpoint.ts";
import { repositoriesInHuggingFaceCache } from "../../models/checkpoint/hugging-face-cache.ts";
import { CheckpointError } from "../../models/model.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { checkpointPlace } from "../catalog/find-checkpoint.ts";
import type { OfferedCheckpoint, WorkKind } from "./wire.ts";

export interface Offered extends OfferedCheckpoint {
  /** A folder, or a name in the Hugging Face cache. */
  readonly where: string;
}

/** The bundled checkpoint that is selected at first; `caption` and `ask` use it by default, too. */
const usualName = "shapes-opt-base";

export interface Named {
  /** Values of --model. */
  readonly models: readonly string[];
  /** Checkpoints that runs were made with; those that no longer exist are left out. */
  readonly ofRuns: readonly string[];
}

/**
 * Each checkpoint once, those of --model first. Throws a UsageError or a CheckpointError for a model that cannot be
 * found or used.
 */
export async function offeredCheckpoints(
  { models, ofRuns }: Named,
  catalog: Catalog,
  options: CheckpointOptions,
): Promise<readonly Offered[]> {
  const bundled = catalog.checkpoints.map(({ name, folder, kind, writes = false }): Offered => {
    return { name, does: worksOf({ kind, writes }), from: "bundled", where: folder };
  });
  const offered: Offered[] = [];
  const add = (each: Offered): void => {
    if (!offered.some(({ where }) => where === each.where)) offered.push(each);
  };
  for (const name of models) {
    const { where } = checkpointPlace(catalog, name);
    const own = bundled.find((each) => each.where === where);
    add(own ?? { name, does: worksOf(await abilitiesOf(where, options)), from: "named by --model", where });
  }
  for (const each of bundled.filter(({ name }) => name === usualName)) add(each);
  for (const each of bundled) add(each);
  const bundledNames = bundled.map(({ name }) => name);
  for (const name of ofRuns.filter((each) => !bundledNames.includes(each))) {
    const does = await worksIfThere(name, options);
    if (does !== null) add({ name, does, from: "of a run", where: name });
  }
  for (const name of await repositoriesInHuggingFaceCache(options.hubCache, "models")) {
    const does = await worksIfThere(name, options);
    if (does !== null) add({ name, does, from: "in the Hugging Face cache", where: name });
  }
  return offered;
}

/** null: not a BLIP-2 checkpoint, or an incomplete one. */
async function worksIfThere(name: string, options: CheckpointOptions): Promise<Offered["does"] | null> {
  try {
    return worksOf(await abilitiesOf(name, options));
  } catch (error) {
    if (error instanceof CheckpointError) return null;
    throw error;
  }
}

/** A Q-Former that writes has learned to describe images, and to answer no questions. */
function worksOf({ kind, writes }: CheckpointAbilities): readonly WorkKind[] {
  if (kind === "generation") return ["caption", "ask", "chat"];
  return writes ? ["caption", "match"] : ["match"];
}
