/**
 * The tensors of a file that torch.save wrote (torch 1.6 or later): a zip archive of stored members, of which
 * `<name>/data.pkl` is a pickle that names the tensors, and `<name>/data/<key>` the numbers of one storage, little endian.
 * Only directory and pickle are read here; the numbers stay on disk (torch-tensor.ts).
 */
import { open, realpath } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { readBytes, tensorBytes } from "../checkpoint/safetensors.ts";
import type { SafetensorsType } from "../checkpoint/safetensors.ts";
import { CheckpointError } from "../model.ts";
import { readPickle } from "./pickle.ts";
import { PickleError, TorchTensor } from "./pickle-values.ts";
import type { PickleValue, TorchStorage } from "./pickle-values.ts";
import { refuseForeignFile } from "./foreign-file.ts";
import { readZipDirectory } from "./zip-directory.ts";
import type { ByteSource, ZipMember } from "./zip-directory.ts";

/** A tensor whose numbers lie in a storage, one behind the other or with strides; several may share a storage. */
export interface StoredTensor {
  readonly name: string;
  readonly dtype: SafetensorsType;
  readonly shape: readonly number[];
  /** Elements of the storage from one index of an axis to the next. */
  readonly strides: readonly number[];
  /** Its first element in the storage. */
  readonly firstElement: number;
  readonly storage: StorageBytes;
}

/** Where a storage's bytes lie. */
export interface StorageBytes {
  /** Real path: links are followed. */
  readonly file: string;
  readonly key: string;
  readonly offset: number;
  readonly byteLength: number;
  /** Of its bytes; 0: not recorded, as torch can be told (torch.serialization.set_crc32_options). */
  readonly crc32: number;
}

/** The pickle names tensors; megabytes are enough for a million of them. A broken length must not allocate gigabytes. */
const MOST_PICKLE_BYTES = 64 << 20;
/** Of a view with strides of 0, the shape alone says how many numbers there are. */
const MOST_TENSOR_BYTES = 16e9;

const DTYPES: Readonly<Record<string, SafetensorsType>> = {
  Float: "F32",
  Half: "F16",
  BFloat16: "BF16",
  Double: "F64",
  Long: "I64",
  Int: "I32",
  Bool: "BOOL",
  Byte: "U8",
};

/** The tensors of the state dict by their names there, in its order. Throws a CheckpointError for a file that is damaged, of another kind, or that holds more than tensors and plain values. */
export async function readTorchFile(file: string): Promise<ReadonlyMap<string, StoredTensor>> {
  const realFile = await realpath(file).catch((cause: unknown) => {
    throw new CheckpointError(`${file}: no such file.`, { cause });
  });
  await using handle = await open(realFile);
  await refuseForeignFile(file, handle);
  const members = await readZipDirectory(await sourceOf(file, handle));
  const archive = archiveOf(file, members);
  const stored = (name: string): Promise<StorageBytes> => locate({ file, realFile, handle }, archive.member(name));
  const order = archive.has("byteorder") ? await readMember(handle, await stored("byteorder")) : Buffer.from("little");
  if (order.toString("latin1") !== "little") {
    throw new CheckpointError(`${file}: byte order is ${JSON.stringify(order.toString("latin1"))}, expected "little".`);
  }
  const pickle = await stored("data.pkl");
  if (pickle.byteLength > MOST_PICKLE_BYTES) {
    throw new CheckpointError(
      `${file}: data.pkl has ${pickle.byteLength} bytes, expected at most ${MOST_PICKLE_BYTES}.`,
    );
  }
  const state = stateDict(file, unpickled(file, await readMember(handle, pickle)));

  const storages = new Map<string, StorageBytes>();
  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of state) {
    const { key } = tensor.storage;
    const storage = storages.get(key) ?? (await stored(`data/${key}`));
    storages.set(key, storage);
    tensors.set(name, checked(file, name, tensor, storage));
  }
  return tensors;
}

async function sourceOf(name: string, handle: FileHandle): Promise<ByteSource> {
  const { size: sizeBytes } = await handle.stat();
  const refusal = (message: string): Error => new CheckpointError(message);
  return { name, sizeBytes, refusal, read: (begin, end) => readBytes({ file: name, handle }, begin, end - begin) };
}

interface Archive {
  readonly has: (name: string) => boolean;
  readonly member: (name: string) => ZipMember;
}

/** All members lie below one folder, whose name is the file's as it was saved, or "archive". */
function archiveOf(file: string, members: readonly ZipMember[]): Archive {
  const folders = members.flatMap(({ name }) =>
    /^[^/]+\/data\.pkl$/.test(name) ? [name.slice(0, -"data.pkl".length)] : [],
  );
  const [folder = ""] = folders;
  const byName = new Map(members.map((member) => [member.name, member]));
  if (byName.has(`${folder}constants.pkl`)) {
    throw new CheckpointError(
      `${file}: a TorchScript program, expected a state dict. Save one in torch: ` +
        'torch.save(torch.jit.load(FILE, map_location="cpu").state_dict(), NEW_FILE).',
    );
  }
  if (folders.length !== 1) {
    throw new CheckpointError(
      `${file}: a zip archive with ${folders.length} members data.pkl, expected one from torch.save.`,
    );
  }
  return {
    has: (name) => byName.has(folder + name),
    member: (name) => {
      const member = byName.get(folder + name);
      if (member?.isDeflated === false) return member;
      const what = member === undefined ? "is not there" : "is compressed, expected as it is";
      throw new CheckpointError(`${file}: member ${JSON.stringify(folder + name)} ${what}. Get the file again.`);
    },
  };
}

interface Opened {
  /** As it was given, for messages. */
  readonly file: string;
  readonly realFile: string;
  readonly handle: FileHandle;
}

/** A member's bytes begin behind its local header, whose extra fields move them to a multiple of 64. */
async function locate({ file, realFile, handle }: Opened, member: ZipMember): Promise<StorageBytes> {
  const { name, begin, end, sizeBytes, crc32 } = member;
  const header = await readBytes({ file, handle }, begin, 30);
  const offset = begin + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  if (header.readUInt32LE(0) !== 0x04034b50 || offset + sizeBytes > end) {
    throw new CheckpointError(`${file}: member ${JSON.stringify(name)} is not where it should be. Get the file again.`);
  }
  return { file: realFile, key: name.slice(name.lastIndexOf("/") + 1), offset, byteLength: sizeBytes, crc32 };
}

function readMember(handle: FileHandle, { file, offset, byteLength }: StorageBytes): Promise<Buffer> {
  return readBytes({ file, handle }, offset, byteLength);
}

function unpickled(file: string, bytes: Buffer): PickleValue {
  try {
    return readPickle(bytes);
  } catch (cause) {
    if (!(cause instanceof PickleError)) throw cause;
    throw new CheckpointError(
      `${file}: data.pkl cannot be read: ${cause.message}. ` +
        "If you trust the file, save its tensors alone, in torch: " +
        'torch.save(torch.load(FILE, map_location="cpu", weights_only=False)["model"], NEW_FILE).',
      { cause },
    );
  }
}

/** LAVIS keeps the state dict under "model", beside optimizer, config and epoch (runner_base.py:586-611). */
function stateDict(file: string, value: PickleValue): ReadonlyMap<string, TorchTensor> {
  const inner = value instanceof Map ? value.get("model") : undefined;
  const found = inner instanceof Map ? inner : value;
  const state = new Map<string, TorchTensor>();
  for (const [name, tensor] of found instanceof Map ? found : []) {
    if (typeof name !== "string") throw noStateDict(file, "a key is no text");
    if (!(tensor instanceof TorchTensor)) throw noStateDict(file, `${JSON.stringify(name)} is no tensor`);
    state.set(name, tensor);
  }
  if (state.size === 0) throw noStateDict(file, "there are no tensors by name");
  return state;
}

function noStateDict(file: string, why: string): CheckpointError {
  return new CheckpointError(`${file}: expected a state dict, alone or under the key "model", but ${why}.`);
}

/** A tensor must lie in its storage, and the storage have as many bytes as its elements. */
function checked(file: string, name: string, tensor: TorchTensor, storage: StorageBytes): StoredTensor {
  const { shape, strides, offset } = tensor;
  const dtype = dtypeOf(tensor.storage);
  const where = `${file}: tensor "${name}" of shape [${shape.join(", ")}]`;
  const held = storage.byteLength / tensorBytes(dtype, []);
  if (held !== tensor.storage.elements) {
    throw new CheckpointError(
      `${where}: its storage has ${held} numbers, expected ${tensor.storage.elements}. Get the file again.`,
    );
  }
  if (!(tensorBytes(dtype, shape) <= MOST_TENSOR_BYTES)) {
    throw new CheckpointError(`${where} has more than ${MOST_TENSOR_BYTES} bytes.`);
  }
  const isEmpty = shape.includes(0);
  const last = shape.reduce((sum, length, axis) => sum + (length - 1) * strides[axis]!, offset);
  if (!isEmpty && last >= held) {
    throw new CheckpointError(`${where} reaches to element ${last} of a storage of ${held}. Get the file again.`);
  }
  return { name, dtype, shape, strides, firstElement: offset, storage };
}

function dtypeOf({ type }: TorchStorage): SafetensorsType {
  return DTYPES[type]!; // pickle-values.ts knows no other
}
