/**
 * Weights that are computed from a checkpoint's are written once into our cache, whole or not at all, whatever other processes
 * do. What is there is taken only if its hash is right.
 *
 *   <cacheFolder>/<kind>/<key>/weights.safetensors         key: a hash of what they are made from, and how
 *   <cacheFolder>/<kind>/<key>/weights.safetensors.sha256  for sha256sum -c
 *   <cacheFolder>/<kind>/<key>/about.json                  whose they are, for people
 */
import { createHash, randomUUID } from "node:crypto";
import { readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { hashFile } from "./fingerprint.ts";
import { makeFolder } from "./make-folder.ts";
import { CheckpointError } from "../model.ts";
import { readSafetensorsHeader, tensorBytes } from "./safetensors.ts";
import type { TensorEntry } from "./safetensors.ts";
import { writeSafetensors } from "./safetensors-writer.ts";
import type { TensorSource } from "./safetensors-writer.ts";

export const weightKinds = ["fp32", "fp16", "quantized"] as const;
export const WEIGHTS_FILE = "weights.safetensors";
export const ABOUT_FILE = "about.json";
/** What the data of a safetensors file is aligned to. */
export const ALIGNMENT = 8;

/** What happens while weights are prepared, to be shown to a user who waits. */
export type PreparationEvent =
  | { readonly kind: "damaged"; readonly message: string }
  | { readonly kind: "note"; readonly message: string }
  | { readonly kind: "written"; readonly what: string; readonly doneBytes: number; readonly totalBytes: number };

export interface WeightCacheOptions {
  readonly cacheFolder: string;
  readonly onPreparation?: (event: PreparationEvent) => void;
}

/** Tensors to be had from the cache, or to be made and put there. */
export interface CachedTensors {
  readonly kind: (typeof weightKinds)[number];
  readonly key: string;
  /** How they are made; what was made in another way is not looked for again. */
  readonly format: string;
  /** The checkpoint, and the words for what is made of it: "fp32 weights". */
  readonly checkpoint: string;
  readonly what: string;
  readonly tensors: readonly TensorSource[];
}

export async function cachedWeights(
  wanted: CachedTensors,
  options: WeightCacheOptions,
): Promise<ReadonlyMap<string, TensorEntry>> {
  const parent = path.join(options.cacheFolder, wanted.kind);
  const folder = path.join(parent, wanted.key);
  const found = await readCached(folder, wanted.tensors, options.cacheFolder);
  if (found.status === "whole") return found.tensors;
  if (found.status === "damaged") {
    options.onPreparation?.({ kind: "damaged", message: `${found.damage} The ${wanted.what} are made anew.` });
  }

  const temporary = path.join(parent, `${wanted.key}.${randomUUID()}.tmp`);
  const file = path.join(temporary, WEIGHTS_FILE);
  try {
    await makeFolder(temporary);
    await removeAbandoned(parent);
    const sha256 = await writeSafetensors(file, reported(wanted, options).flatMap(filled));
    await writeFile(`${file}.sha256`, `${sha256}  ${WEIGHTS_FILE}\n`);
    const about = { checkpoint: wanted.checkpoint, what: wanted.what, format: wanted.format };
    await writeFile(path.join(temporary, ABOUT_FILE), `${JSON.stringify(about)}\n`);
    await moveInto(temporary, folder, async () => {
      return (await readCached(folder, wanted.tensors, options.cacheFolder)).status === "whole";
    });
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined); // the first error is the one to tell
    if (cause instanceof CheckpointError) throw cause;
    throw new CheckpointError(
      `${parent}: cannot write the ${wanted.what} of ${wanted.checkpoint} ` +
        `(${describeSize(totalBytes(wanted.tensors))}): ${cause instanceof Error ? cause.message : String(cause)}. ` +
        "Use another cache folder (--cache), or one with more room.",
      { cause },
    );
  }
  const written = await readCached(folder, wanted.tensors, options.cacheFolder);
  if (written.status !== "whole") throw new Error(`${folder}: the ${wanted.what} just written cannot be read`);
  return written.tensors;
}

function describeSize(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** A tensor that is made from tensors of the checkpoint; null stands for zeros. */
export interface Derived {
  /** Everything that decides what is made of them. */
  readonly description: unknown;
  readonly parts: readonly (TensorEntry | null)[];
}

/** A hash of the bytes that are converted and of the way, which `format` names; where the files lie does not matter. */
export async function contentKey(format: string, all: readonly Derived[], cacheFolder: string): Promise<string> {
  const key = createHash("sha256").update(`${format}\n`);
  const hashes = new Map<string, string>();
  for (const { description, parts } of all) {
    key.update(`${JSON.stringify(description)}\n`);
    for (const part of parts) {
      if (part !== null && !hashes.has(part.file)) hashes.set(part.file, await hashFile(part.file, cacheFolder));
      const source = part && [hashes.get(part.file), part.dtype, part.offset, part.byteLength];
      key.update(`${JSON.stringify(source)}\n`);
    }
  }
  return key.digest("hex");
}

/** The tensor, and behind one whose bytes end crookedly some that align the next. */
function filled(tensor: TensorSource): readonly TensorSource[] {
  const gap = (ALIGNMENT - (tensorBytes(tensor.dtype, tensor.shape) % ALIGNMENT)) % ALIGNMENT;
  if (gap === 0) return [tensor];
  const read = (): Promise<Uint8Array> => Promise.resolve(new Uint8Array(gap));
  return [tensor, { name: `${tensor.name}.filling`, dtype: "U8", shape: [gap], read }];
}

/** The tensors unchanged, with an event as each is read that says how many are done. */
function reported({ what, checkpoint, tensors }: CachedTensors, options: WeightCacheOptions): readonly TensorSource[] {
  const total = totalBytes(tensors);
  let doneBytes = 0;
  return tensors.map((tensor) => ({
    ...tensor,
    read: async () => {
      const values = await tensor.read();
      doneBytes += values.byteLength;
      options.onPreparation?.({ kind: "written", what: `${checkpoint}: ${what}`, doneBytes, totalBytes: total });
      return values;
    },
  }));
}

function totalBytes(tensors: readonly TensorSource[]): number {
  return tensors.reduce((sum, { dtype, shape }) => sum + tensorBytes(dtype, shape), 0);
}

type Cached =
  | { readonly status: "missing" }
  | { readonly status: "damaged"; readonly damage: string }
  | { readonly status: "whole"; readonly tensors: ReadonlyMap<string, TensorEntry> };

/** What was written before, if it is whole and what is wanted. */
async function readCached(folder: string, wanted: readonly TensorSource[], cacheFolder: string): Promise<Cached> {
  if ((await stat(folder).catch(() => null)) === null) return { status: "missing" };
  const damage = await findDamage(folder, (file) => hashFile(file, cacheFolder));
  if (damage !== null) return { status: "damaged", damage };
  const header = await readSafetensorsHeader(path.join(folder, WEIGHTS_FILE));
  const tensors = new Map<string, TensorEntry>();
  for (const { name, dtype, shape } of wanted) {
    const entry = header.get(name);
    if (entry?.dtype !== dtype || entry.shape.join() !== shape.join() || entry.offset % ALIGNMENT !== 0) {
      return { status: "damaged", damage: `${folder}: ${WEIGHTS_FILE} lacks the tensor "${name}" of this shape.` };
    }
    tensors.set(name, entry);
  }
  return { status: "whole", tensors };
}

/** What is wrong with a folder of the cache, in a sentence; null where it holds what was once written into it. */
export async function findDamage(folder: string, hash: (file: string) => Promise<string>): Promise<string | null> {
  const file = path.join(folder, WEIGHTS_FILE);
  const noted = await readFile(`${file}.sha256`, "utf8").catch(() => null);
  const expected = noted === null ? undefined : /^[0-9a-f]{64}(?= {2}weights\.safetensors\n$)/.exec(noted)?.[0];
  if (expected === undefined) return `${file}.sha256: missing or unreadable, expected the hash of the file beside it.`;
  try {
    await readSafetensorsHeader(file); // says more than a hash where the file is cut short
  } catch (error) {
    if (error instanceof CheckpointError)
      return error.message.replace(/ (?:Download it again|Is the download.*)\.?$/, "");
    throw error;
  }
  const found = await hash(file);
  return found === expected ? null : `${file}: damaged: found SHA-256 ${found}, expected ${expected}.`;
}

/** Puts a finished folder in its place, unless another process was first and has it right. */
async function moveInto(temporary: string, folder: string, isRight: () => Promise<boolean>): Promise<void> {
  try {
    await rename(temporary, folder); // atomic; refused where a folder that is not empty has the place
  } catch (error) {
    if (await isRight()) {
      await rm(temporary, { recursive: true });
      return;
    }
    if ((await stat(folder).catch(() => null)) === null) throw error;
    const damaged = `${folder}.${randomUUID()}.tmp`;
    await rename(folder, damaged);
    await rm(damaged, { recursive: true });
    await rename(temporary, folder);
  }
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Folders of processes that died while writing; no process still writes one that is a day old. */
async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.endsWith(".tmp")) continue;
    const folder = path.join(parent, name);
    const found = await stat(folder).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > DAY_MS) await rm(folder, { recursive: true, force: true });
  }
}
