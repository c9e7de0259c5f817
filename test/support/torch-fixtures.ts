/** Files of test/fixtures/torch, and checkpoints of the hub's layout that have what those lack, in the sizes of make.py there. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeRandomCheckpoint } from "../../models/checkpoint/random-checkpoint.ts";
import type { RandomShape } from "../../models/checkpoint/random-shapes.ts";
import { readTorchFile } from "../../models/pytorch/torch-file.ts";
import { storedNumbers } from "../../models/pytorch/torch-tensor.ts";
import type { StoredTensor } from "../../models/pytorch/torch-file.ts";
import { bundledCheckpoint } from "./changed-checkpoint.ts";
import { projectRoot } from "./project.ts";
import { temporaryFolder } from "./temporary-files.ts";

export const torchFolder = join(projectRoot, "test", "fixtures", "torch");
export const torchFile = (name: string): string => join(torchFolder, name);

/** What torch says of a tensor: its shape, its first three numbers, and the sum of all. */
interface ExpectedTensor {
  readonly shape: readonly number[];
  readonly first: readonly number[];
  readonly sum: number;
}

export const expectedTensors = JSON.parse(readFileSync(torchFile("expected.json"), "utf8")) as Readonly<
  Record<string, Readonly<Record<string, ExpectedTensor>>>
>;

/** Bytes of a tensor of one of the files. */
export async function bytesOf(tensor: StoredTensor): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of storedNumbers(tensor)) pieces.push(piece);
  return Buffer.concat(pieces);
}

export async function tensorIn(file: string, name: string): Promise<StoredTensor> {
  const tensor = (await readTorchFile(torchFile(file))).get(name);
  if (tensor === undefined) throw new Error(`${file} has no ${name}`);
  return tensor;
}

const sizes = {
  imageSize: 28,
  patch: 14,
  queries: 4,
  vision: { hidden: 16, mlp: 32, layers: 2, heads: 2 },
  qFormer: { hidden: 24, mlp: 40, layers: 2, heads: 2 },
};

const shapes = {
  itm: { ...sizes, text: { kind: "retrieval", width: 8, vocabulary: 191, positions: 64 } },
  opt: { ...sizes, text: { kind: "opt", vocabulary: 512, positions: 64, hidden: 32, mlp: 32, layers: 1, heads: 2 } },
  t5: {
    ...sizes,
    text: { kind: "t5", width: 32, keyWidth: 8, mlp: 32, layers: 1, heads: 2, buckets: 8, vocabulary: 360 },
  },
} satisfies Record<string, RandomShape>;

const tokenizers = { itm: "shapes-itm", opt: "shapes-opt-small", t5: "shapes-t5-small" };

/** A new folder with a checkpoint of random weights, of these sizes; always with equal numbers, which golden.json depends on. */
export async function hubCheckpoint(kind: "itm" | "opt" | "t5", folder = temporaryFolder()): Promise<string> {
  const tokenizerFrom = bundledCheckpoint(tokenizers[kind]);
  await writeRandomCheckpoint(folder, shapes[kind], { seed: 3, tokenizerFrom, shardBytes: 1e9 });
  return folder;
}
