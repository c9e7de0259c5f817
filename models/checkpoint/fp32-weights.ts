/**
 * Weights as the networks take them: fp32, each tensor where it can be mapped. What a checkpoint stores as such stays where
 * it is; the rest (fp16, bf16, badly aligned, in parts) is written once into our cache, never into the checkpoint.
 *
 *   <cacheFolder>/fp32/<key>/weights.safetensors         key: a hash of what is converted
 *   <cacheFolder>/fp32/<key>/weights.safetensors.sha256  for sha256sum -c
 */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Checkpoint } from "./checkpoint.ts";
import { hashFile } from "./fingerprint.ts";
import { CheckpointError } from "../model.ts";
import { readSafetensorsHeader, readTensor, tensorBytes } from "./safetensors.ts";
import type { TensorEntry } from "./safetensors.ts";
import { writeSafetensors } from "./safetensors-writer.ts";
import type { TensorSource } from "./safetensors-writer.ts";

/** To be raised when what is written for the same input changes. */
const FORMAT = 1;
const FILE = "weights.safetensors";
/** What the data of a safetensors file is aligned to. */
const ALIGNMENT = 8;
const FLOATS: readonly string[] = ["F32", "F16", "BF16"];

/** A tensor to be converted: its parts end to end, null for zeros. */
interface Conversion {
  readonly name: string;
  readonly shape: readonly number[];
  readonly parts: readonly (TensorEntry | null)[];
}

/** Every float tensor of the checkpoint as an aligned F32 entry, by name. */
export async function fp32Weights(
  checkpoint: Checkpoint,
  { cacheFolder }: { readonly cacheFolder: string },
): Promise<ReadonlyMap<string, TensorEntry>> {
  const { tensors, joined } = checkpoint;
  const inPlace = [...tensors].filter(([, entry]) => isUsable(entry) || !FLOATS.includes(entry.dtype));
  const conversions: Conversion[] = [
    ...[...tensors.values()]
      .filter((entry) => !isUsable(entry) && FLOATS.includes(entry.dtype))
      .map((entry) => ({ name: entry.name, shape: entry.shape, parts: [entry] })),
    ...joined,
  ];
  if (conversions.length === 0) return tensors;
  const converted = await convert(checkpoint.name, conversions, cacheFolder);
  return new Map([...inPlace, ...converted]);
}

function isUsable({ dtype, offset }: TensorEntry): boolean {
  return dtype === "F32" && offset % ALIGNMENT === 0;
}

async function convert(
  checkpoint: string,
  conversions: readonly Conversion[],
  cacheFolder: string,
): Promise<ReadonlyMap<string, TensorEntry>> {
  const parent = path.join(cacheFolder, "fp32");
  const folder = path.join(parent, await conversionKey(conversions, cacheFolder));
  const known = await readConverted(folder, conversions);
  if (known !== null) return known;

  const temporary = path.join(parent, `${path.basename(folder)}.${randomUUID()}.tmp`);
  const file = path.join(temporary, FILE);
  try {
    await mkdir(temporary, { recursive: true });
    await removeAbandoned(parent);
    const sha256 = await writeSafetensors(file, conversions.flatMap(sources));
    await writeFile(`${file}.sha256`, `${sha256}  ${FILE}\n`);
    await moveInto(temporary, folder, async () => (await readConverted(folder, conversions)) !== null);
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined); // the first error is the one to tell
    if (cause instanceof CheckpointError) throw cause;
    const gigabytes = conversions.reduce((sum, { shape }) => sum + tensorBytes("F32", shape), 0) / 1e9;
    throw new CheckpointError(
      `${parent}: cannot write the fp32 weights of ${checkpoint} (${gigabytes.toFixed(2)} GB): ${String(cause)}. ` +
        "Use another cache folder, or one with more room.",
      { cause },
    );
  }
  const written = await readConverted(folder, conversions);
  if (written === null) throw new Error(`${folder}: the fp32 weights just written cannot be read`);
  return written;
}

/** The same for the same bytes converted in the same way, wherever they lie. */
async function conversionKey(conversions: readonly Conversion[], cacheFolder: string): Promise<string> {
  const key = createHash("sha256").update(`format ${FORMAT}\n`);
  const hashes = new Map<string, string>();
  for (const { parts } of conversions) {
    for (const file of parts.flatMap((part) => part?.file ?? [])) {
      if (!hashes.has(file)) hashes.set(file, await hashFile(file, cacheFolder));
    }
  }
  for (const { name, shape, parts } of conversions) {
    key.update(`${JSON.stringify([name, shape])}\n`);
    for (const part of parts) {
      const source = part && [hashes.get(part.file), part.dtype, part.offset, part.byteLength];
      key.update(`${JSON.stringify(source)}\n`);
    }
  }
  return key.digest("hex");
}

/** The tensor, and behind one of an odd count four bytes that align the next. */
function sources({ name, shape, parts }: Conversion): readonly TensorSource[] {
  const byteLength = tensorBytes("F32", shape);
  const read = async (): Promise<Float32Array> => {
    const [only] = parts;
    if (parts.length === 1 && only) return readTensor(only);
    const joined = new Float32Array(byteLength / 4);
    const partLength = joined.length / parts.length;
    for (const [index, part] of parts.entries()) {
      if (part !== null) joined.set(await readTensor(part), index * partLength);
    }
    return joined;
  };
  const gap = (ALIGNMENT - (byteLength % ALIGNMENT)) % ALIGNMENT;
  const filling: TensorSource = {
    name: `${name}.filling`,
    dtype: "U8",
    shape: [gap],
    read: () => Promise.resolve(new Uint8Array(gap)),
  };
  return [{ name, dtype: "F32", shape, read }, ...(gap > 0 ? [filling] : [])];
}

/** What was written before, if it is whole and what is wanted; null otherwise, and it will be written anew. */
async function readConverted(
  folder: string,
  conversions: readonly Conversion[],
): Promise<ReadonlyMap<string, TensorEntry> | null> {
  let header: ReadonlyMap<string, TensorEntry>;
  try {
    header = await readSafetensorsHeader(path.join(folder, FILE)); // compares the file's size with what it should hold
  } catch (error) {
    if (error instanceof CheckpointError) return null;
    throw error;
  }
  const entries = new Map<string, TensorEntry>();
  for (const { name, shape } of conversions) {
    const entry = header.get(name);
    if (entry === undefined || !isUsable(entry) || entry.shape.join() !== shape.join()) return null;
    entries.set(name, entry);
  }
  return entries;
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

/** Folders of processes that died while writing; one that is a day old is nobody's. */
async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.endsWith(".tmp")) continue;
    const folder = path.join(parent, name);
    const found = await stat(folder).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > DAY_MS) await rm(folder, { recursive: true, force: true });
  }
}
