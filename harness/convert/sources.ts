/** What a conversion takes tensors from: a file of PyTorch, or a checkpoint in the hub's layout. */
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import path from "node:path";
import { openCheckpoint } from "../../models/checkpoint/checkpoint.ts";
import type { Checkpoint, CheckpointOptions } from "../../models/checkpoint/checkpoint.ts";
import { hashFile } from "../../models/checkpoint/fingerprint.ts";
import { tensorBytes } from "../../models/checkpoint/safetensors.ts";
import type { SafetensorsType, TensorEntry } from "../../models/checkpoint/safetensors.ts";
import { canonicalTensors } from "../../models/checkpoint/tensor-names.ts";
import type { JoinedTensor } from "../../models/checkpoint/tensor-names.ts";
import { CheckpointError } from "../../models/model.ts";
import { readTorchFile } from "../../models/pytorch/torch-file.ts";
import type { StoredTensor } from "../../models/pytorch/torch-file.ts";
import { storedNumbers } from "../../models/pytorch/torch-tensor.ts";

/** A tensor as it will be written: its parts end to end, null for zeros, as many as the first part has numbers. */
export interface SourceTensor {
  /** Of transformers 5.12.1. */
  readonly name: string;
  readonly dtype: SafetensorsType;
  readonly shape: readonly number[];
  readonly parts: readonly (StoredTensor | null)[];
}

export interface Source {
  /** For people: a file's name, or a checkpoint's name and commit. */
  readonly label: string;
  readonly tensors: ReadonlyMap<string, SourceTensor>;
  /** The names in a file of PyTorch, as they stand there; of a checkpoint those of `tensors`. */
  readonly storedNames: ReadonlySet<string>;
  /** null for a file of PyTorch. */
  readonly checkpoint: Checkpoint | null;
  /** SHA-256 of the file, or the fingerprint of the checkpoint. */
  readonly digest: () => Promise<string>;
}

/** A file, a folder, or a name in the Hugging Face cache. */
export async function openSource(where: string, options: CheckpointOptions): Promise<Source> {
  const found = await stat(where).catch(() => null);
  if (found?.isFile() === true) return openTorchFiles([where], path.basename(where), options);
  return openHubSource(where, options);
}

async function openHubSource(where: string, options: CheckpointOptions): Promise<Source> {
  const checkpoint = await openCheckpoint(where, options);
  const tensors = [...checkpoint.tensors.values()].map(fromEntry).map(whole);
  const joined = checkpoint.joined.map(({ parts, ...named }) => ({
    ...named,
    parts: parts.map((part) => (part === null ? null : fromEntry(part))),
  }));
  return {
    label: checkpoint.source,
    tensors: byName([...tensors, ...joined.map(joinedTensor)]),
    storedNames: new Set(checkpoint.tensors.keys()),
    checkpoint,
    digest: () => checkpoint.fingerprint(),
  };
}

/** Files whose tensors belong together, by the names of transformers. Tensors that are one and the same are there once. */
export async function openTorchFiles(
  files: readonly string[],
  label: string,
  { cacheFolder }: Pick<CheckpointOptions, "cacheFolder">,
): Promise<Source> {
  const stored: StoredTensor[] = [];
  for (const file of files) stored.push(...asInLavis([...(await readTorchFile(file)).values()]));
  const named = canonicalTensors(label, stored);
  return {
    label,
    tensors: byName([...[...named.tensors.values()].map(whole), ...named.joined.map(joinedTensor)]),
    storedNames: new Set(stored.map(({ name }) => name)),
    checkpoint: null,
    digest: async () => {
      const digests: string[] = [];
      for (const file of files) digests.push(await hashFile(file, cacheFolder));
      return digests.join(" ");
    },
  };
}

/**
 * Files of EVA's and CLIP's image encoders have nothing but those, and their names begin with none (eva_vit.py:442-449,
 * clip_vit.py:251-258). CLIP's own file, with its text encoder, has them behind "visual.".
 */
function asInLavis(stored: readonly StoredTensor[]): readonly StoredTensor[] {
  const names = new Set(stored.map(({ name }) => name));
  const isImageEncoder = names.has("patch_embed.proj.weight") || names.has("conv1.weight");
  const prefixed = stored.map((tensor): StoredTensor => {
    const { name } = tensor;
    return {
      ...tensor,
      name: isImageEncoder ? `visual_encoder.${name}` : name.replace(/^visual\./, "visual_encoder."),
    };
  });
  return prefixed.map(withAxesInFront);
}

/** CLIP's class token and positions lack the axes of batch and tokens that EVA's have. */
function withAxesInFront(tensor: StoredTensor): StoredTensor {
  const { name, shape, strides } = tensor;
  if (!/^visual_encoder\.(?:class|positional)_embedding$/.test(name)) return tensor;
  const added = new Array<number>(Math.max(0, 3 - shape.length)).fill(1);
  return { ...tensor, shape: [...added, ...shape], strides: [...added, ...strides] };
}

function whole(tensor: StoredTensor): SourceTensor {
  const { name, dtype, shape } = tensor;
  return { name, dtype, shape, parts: [tensor] };
}

function joinedTensor({ name, shape, parts }: JoinedTensor<StoredTensor>): SourceTensor {
  const dtypes = new Set(parts.flatMap((part) => (part === null ? [] : [part.dtype])));
  const [dtype] = dtypes;
  if (dtype !== undefined && dtypes.size === 1) return { name, dtype, shape, parts };
  throw new CheckpointError(`tensor "${name}" is stored in parts of ${[...dtypes].join(" and ")}, expected one type.`);
}

/** A tensor of a safetensors file is all of a storage. */
function fromEntry({ name, dtype, shape, file, offset, byteLength }: TensorEntry): StoredTensor {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, length) => product * length, 1));
  return { name, dtype, shape, strides, firstElement: 0, storage: { file, key: name, offset, byteLength, crc32: 0 } };
}

function byName(tensors: readonly SourceTensor[]): ReadonlyMap<string, SourceTensor> {
  return new Map(tensors.map((tensor) => [tensor.name, tensor]));
}

/** The bytes of a tensor, a piece at a time. */
export async function* numbersOf({ parts }: SourceTensor): AsyncGenerator<Uint8Array, void> {
  const [first] = parts;
  for (const part of parts) {
    if (part !== null) yield* storedNumbers(part);
    else if (first) yield new Uint8Array(tensorBytes(first.dtype, first.shape)); // a bias of zeros
  }
}

export async function haveSameNumbers(a: SourceTensor, b: SourceTensor): Promise<boolean> {
  if (a.dtype !== b.dtype || a.shape.join() !== b.shape.join()) return false;
  const [digestA, digestB] = [await digestOf(a), await digestOf(b)];
  return digestA === digestB;
}

async function digestOf(tensor: SourceTensor): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of numbersOf(tensor)) hash.update(piece);
  return hash.digest("hex");
}
