/**
 * Weights of a conversion on disk: shard after shard, each read back before it gets its name. A journal says which are
 * whole, so that a conversion that was stopped goes on where it was.
 */
import { createHash } from "node:crypto";
import { readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import * as z from "zod";
import { hashContent } from "../../models/checkpoint/fingerprint.ts";
import { tensorBytes } from "../../models/checkpoint/safetensors.ts";
import { writeSafetensors } from "../../models/checkpoint/safetensors-writer.ts";
import { indexJson, intoShards, shardName, WEIGHT_INDEX } from "../../models/checkpoint/shards.ts";
import { CheckpointError } from "../../models/model.ts";
import { checkStorage } from "../../models/pytorch/torch-tensor.ts";
import { writeJson } from "./files-beside.ts";
import { numbersOf } from "./sources.ts";
import type { SourceTensor } from "./sources.ts";

/** In the folder until the conversion is whole. */
export const JOURNAL = "conversion.json";
/** A shard holds at most this much, so that a stop loses little. */
export const SHARD_BYTES = 2e9;

const journalSchema = z.object({ plan: z.string(), shards: z.record(z.string(), z.string()) });

export interface ShardsToWrite {
  readonly folder: string;
  readonly tensors: readonly SourceTensor[];
  /** Of the sources, in their order: with another, this is another conversion. */
  readonly digests: readonly string[];
  readonly shardBytes: number;
  /** Called after each shard. */
  readonly onWritten: (doneBytes: number, totalBytes: number) => void;
}

/** SHA-256 of each shard by its name. */
export async function writeShards(wanted: ShardsToWrite): Promise<ReadonlyMap<string, string>> {
  const { folder, tensors, onWritten } = wanted;
  const shards = intoShards(tensors, bytesOf, wanted.shardBytes);
  const plan = planDigest(wanted);
  const done = new Map(Object.entries(await readJournal(folder, plan)));
  const writeJournal = (): Promise<void> =>
    writeJson(path.join(folder, JOURNAL), { plan, shards: Object.fromEntries(done) });
  await writeJournal(); // before the first shard, which takes a while: it says whose folder this is
  const totalBytes = tensors.reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  const files = new Map<string, string>();
  let doneBytes = 0;
  for (const [index, shard] of shards.entries()) {
    const name = shardName(index + 1, shards.length);
    const known = done.get(name);
    if (known === undefined || (await digestIfThere(path.join(folder, name))) !== known) {
      done.set(name, await writeShard(path.join(folder, name), shard));
      await writeJournal();
    }
    for (const tensor of shard) files.set(tensor.name, name);
    doneBytes += shard.reduce((sum, tensor) => sum + bytesOf(tensor), 0);
    onWritten(doneBytes, totalBytes);
  }
  if (shards.length > 1) await writeJson(path.join(folder, WEIGHT_INDEX), indexJson(files, totalBytes));
  return done;
}

async function writeShard(file: string, tensors: readonly SourceTensor[]): Promise<string> {
  const part = `${file}.part`;
  await rm(part, { force: true });
  await checkStorages(tensors);
  const written = await writeSafetensors(
    part,
    tensors.map((tensor) => ({
      name: tensor.name,
      dtype: tensor.dtype,
      shape: tensor.shape,
      pieces: () => numbersOf(tensor),
    })),
  );
  const found = await hashContent(part);
  if (found !== written) {
    throw new CheckpointError(`${part}: read back, its SHA-256 is ${found}, expected ${written}. Is the disk failing?`);
  }
  await rename(part, file);
  return written;
}

/** Each storage once, however many tensors are views of it. */
async function checkStorages(tensors: readonly SourceTensor[]): Promise<void> {
  const storages = tensors.flatMap(({ parts }) => parts.flatMap((part) => (part === null ? [] : [part.storage])));
  const each = new Map(storages.map((storage) => [`${storage.offset} ${storage.file}`, storage]));
  for (const storage of each.values()) await checkStorage(storage);
}

async function readJournal(folder: string, plan: string): Promise<Readonly<Record<string, string>>> {
  const file = path.join(folder, JOURNAL);
  const content = await readFile(file, "utf8").catch(() => null);
  if (content === null) return {};
  const journal = readJson(content);
  if (journal === null) {
    throw new CheckpointError(
      `${file}: damaged, so what is done is not known. Remove ${folder}, or give another --output.`,
    );
  }
  if (journal.plan === plan) return journal.shards;
  throw new CheckpointError(
    `${file}: another conversion was begun here, of other files or with other flags. Give another --output.`,
  );
}

function readJson(text: string): z.infer<typeof journalSchema> | null {
  try {
    return journalSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

async function digestIfThere(file: string): Promise<string | null> {
  return hashContent(file).catch(() => null);
}

function planDigest({ tensors, digests, shardBytes }: ShardsToWrite): string {
  const named = tensors.map(({ name, dtype, shape }) => [name, dtype, shape]);
  return createHash("sha256")
    .update(JSON.stringify([digests, shardBytes, named]))
    .digest("hex");
}

function bytesOf({ dtype, shape }: SourceTensor): number {
  return tensorBytes(dtype, shape);
}
