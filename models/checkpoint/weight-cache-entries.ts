/** What lies in the cache of weights, for those who look after it: listed, verified, removed. */
import { readdir, readFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import * as z from "zod";
import { hashContent } from "./fingerprint.ts";
import { FP16_FORMAT, FP32_FORMAT } from "./float-weights.ts";
import { QUANTIZED_FORMAT } from "./quantized-weights.ts";
import { ABOUT_FILE, findDamage, weightKinds } from "./weight-cache.ts";

const formats = { fp32: FP32_FORMAT, fp16: FP16_FORMAT, quantized: QUANTIZED_FORMAT } as const;

export interface WeightCacheEntry {
  readonly folder: string;
  readonly kind: (typeof weightKinds)[number];
  /** null where the folder does not say whose weights they are. */
  readonly checkpoint: string | null;
  readonly what: string | null;
  readonly sizeBytes: number;
  /** `unfinished`: being written, or left by a process that died; `outdated`: of another version, which nobody reads. */
  readonly state: "finished" | "outdated" | "unfinished";
}

const aboutSchema = z.object({ checkpoint: z.string(), what: z.string(), format: z.string() });

/** In the order of kinds, checkpoints, precisions. */
export async function listWeightCache(cacheFolder: string): Promise<readonly WeightCacheEntry[]> {
  const entries: WeightCacheEntry[] = [];
  for (const kind of weightKinds) {
    const parent = path.join(cacheFolder, kind);
    const found = await readdir(parent, { withFileTypes: true }).catch(() => []); // no cache yet
    for (const { name } of found.filter((each) => each.isDirectory())) {
      const folder = path.join(parent, name);
      const about = await readAbout(folder);
      const state = name.endsWith(".tmp") ? "unfinished" : about?.format === formats[kind] ? "finished" : "outdated";
      const { checkpoint = null, what = null } = about ?? {};
      entries.push({ folder, kind, checkpoint, what, sizeBytes: await folderBytes(folder), state });
    }
  }
  const order = ({ kind, checkpoint, what, folder }: WeightCacheEntry): string =>
    [kind, checkpoint, what, folder].join();
  return entries.toSorted((a, b) => (order(a) < order(b) ? -1 : 1));
}

/** What is wrong with a finished entry, null where nothing is. Every byte is read: no remembered hash is trusted. */
export async function verifyWeightCacheEntry({ folder }: WeightCacheEntry): Promise<string | null> {
  return findDamage(folder, hashContent);
}

export async function removeWeightCacheEntry({ folder }: WeightCacheEntry): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

async function readAbout(folder: string): Promise<z.infer<typeof aboutSchema> | undefined> {
  try {
    return aboutSchema.safeParse(JSON.parse(await readFile(path.join(folder, ABOUT_FILE), "utf8"))).data;
  } catch {
    return undefined; // written before there were such files, or damaged
  }
}

async function folderBytes(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const sizes = await Promise.all(names.map(async (name) => stat(path.join(folder, name)).catch(() => null)));
  return sizes.reduce((sum, found) => sum + (found?.size ?? 0), 0);
}
