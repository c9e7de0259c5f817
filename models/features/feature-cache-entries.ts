/** What lies in the cache of image features, for those who look after it: listed, verified, removed. */
import { readdir, readFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import { FEATURES_FORMAT } from "./encoder-key.ts";
import { FEATURE_EXTENSION, FEATURES_FOLDER, readFeaturesAbout } from "./feature-cache.ts";
import { parseFeatures } from "./feature-file.ts";
import type { FeatureShape } from "./feature-file.ts";

/** The features of one image encoder. */
export interface FeatureCacheEntry {
  readonly folder: string;
  readonly kind: typeof FEATURES_FOLDER;
  /** Those that were run with this encoder; null where the folder does not say. */
  readonly checkpoint: string | null;
  readonly what: string;
  readonly images: number;
  readonly sizeBytes: number;
  /** `outdated`: of another version of the code, which nobody reads. */
  readonly state: "finished" | "outdated";
  /** null where the folder does not say. */
  readonly shape: FeatureShape | null;
}

/** An image's features that are not what was written. */
export interface DamagedFeatures {
  readonly file: string;
  readonly damage: string;
  readonly sizeBytes: number;
}

export async function listFeatureCache(cacheFolder: string): Promise<readonly FeatureCacheEntry[]> {
  const parent = path.join(cacheFolder, FEATURES_FOLDER);
  const found = await readdir(parent, { withFileTypes: true }).catch(() => []); // no cache yet
  const entries: FeatureCacheEntry[] = [];
  for (const { name } of found.filter((each) => each.isDirectory())) {
    const folder = path.join(parent, name);
    const about = await readFeaturesAbout(folder);
    const files = await featureFiles(folder);
    const sizes = await Promise.all(files.map(sizeOf));
    entries.push({
      folder,
      kind: FEATURES_FOLDER,
      checkpoint: about?.checkpoints.join(", ") ?? null,
      what: `${about?.precision ?? "unknown"} features of ${files.length} ${files.length === 1 ? "image" : "images"}`,
      images: files.length,
      sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
      state: about?.format === FEATURES_FORMAT ? "finished" : "outdated",
      shape: about === undefined ? null : { tokens: about.tokens, hidden: about.hidden },
    });
  }
  const order = ({ checkpoint, folder }: FeatureCacheEntry): string => [checkpoint, folder].join();
  return entries.toSorted((a, b) => (order(a) < order(b) ? -1 : 1));
}

/** Every byte of every image's features is read. */
export async function verifyFeatureCacheEntry({
  folder,
  shape,
}: FeatureCacheEntry): Promise<readonly DamagedFeatures[]> {
  const damaged: DamagedFeatures[] = [];
  for (const file of await featureFiles(folder)) {
    const bytes = await readFile(file).catch((error: unknown) => String(error));
    if (typeof bytes === "string") damaged.push({ file, damage: `cannot be read: ${bytes}.`, sizeBytes: 0 });
    else {
      const found = parseFeatures(path.basename(file, FEATURE_EXTENSION), bytes, shape);
      if (found.status === "damaged") damaged.push({ file, damage: found.damage, sizeBytes: bytes.length });
    }
  }
  return damaged;
}

export async function removeDamagedFeatures(damaged: readonly DamagedFeatures[]): Promise<void> {
  for (const { file } of damaged) await rm(file, { recursive: true, force: true });
}

export async function removeFeatureCacheEntry({ folder }: FeatureCacheEntry): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

async function featureFiles(folder: string): Promise<readonly string[]> {
  const files: string[] = [];
  for (const part of await readdir(folder, { withFileTypes: true })) {
    if (!part.isDirectory()) continue;
    const names = await readdir(path.join(folder, part.name));
    const ours = names.filter((name) => name.endsWith(FEATURE_EXTENSION)).sort();
    files.push(...ours.map((name) => path.join(folder, part.name, name)));
  }
  return files;
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => null))?.size ?? 0;
}
