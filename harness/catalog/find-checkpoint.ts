/** What a command names → a checkpoint: one that is bundled, in a folder, or in the Hugging Face cache. */
import { existsSync } from "node:fs";
import type { LoadOptions } from "../../models/load-blip2.ts";
import type { Catalog, FoundCheckpoint } from "./catalog.ts";
import { unknownName, UsageError } from "./usage-error.ts";

/** By a bundled name first, then as a folder, then in the Hugging Face cache. */
export async function findCheckpoint(catalog: Catalog, name: string, options: LoadOptions): Promise<FoundCheckpoint> {
  const place = checkpointPlace(catalog, name);
  const found = await catalog.findCheckpoint(place.where, options);
  return place.isBundled ? { ...found, source: "bundled" } : found;
}

/** Where a checkpoint that was named is to be looked for. `flag`: what stands before its name in a message. */
export function checkpointPlace(
  catalog: Catalog,
  name: string,
  flag = "--model ",
): { readonly where: string; readonly isBundled: boolean } {
  const bundled = catalog.checkpoints.find((checkpoint) => checkpoint.name === name);
  if (bundled !== undefined) return { where: bundled.folder, isBundled: true };
  if (!/[\\/]/.test(name) && !existsSync(name)) {
    const names = catalog.checkpoints.map((checkpoint) => checkpoint.name);
    const otherwise = " Or give a folder, or a name in the Hugging Face cache such as Salesforce/blip2-opt-2.7b.";
    throw unknownName(`${flag}${name}`, "checkpoint", { name, names, otherwise });
  }
  return { where: name, isBundled: false };
}

/**
 * What a run's checkpoint can be found by: its bundled name, its folder, or its name on the hub, whose revision runs record as
 * `Salesforce/blip2-opt-2.7b at 51572668da0eb669e01a189dc22abe6088589a24`. An adapter is found by its own place, without that of its
 * base. null: the run is imported, by no checkpoint here.
 */
export function recordedPlace({
  name,
  source,
}: {
  readonly name: string;
  readonly source?: string | undefined;
}): string | null {
  if (source === undefined) return null;
  if (source === "bundled") return name;
  const own = existsSync(source) ? source : source.replace(/ on .*$/, ""); // a folder may have " on " in its name
  return own.replace(/ at ([0-9a-f]{40})$/, "@$1");
}

export function refuseSameNames(checkpoints: readonly Pick<FoundCheckpoint, "name" | "source">[]): void {
  const sources = new Map<string, string>();
  for (const { name, source } of checkpoints) {
    const before = sources.get(name);
    if (before !== undefined && before !== source) {
      throw new UsageError(`--model: ${before} and ${source} are both called ${name}. Run them one after the other.`);
    }
    sources.set(name, source);
  }
}
