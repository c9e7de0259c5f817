/**
 * What pickles of torch.save hold: plain values of Python, and tensors that are views of storages. Names of Python are never
 * looked up: those that tensors are made with have a meaning here, every other is refused.
 *
 *   dict, OrderedDict       Map             list     Array          tuple        PickleTuple
 *   a tensor of a storage   TorchTensor     None     null           True, 3, "a" boolean, number or bigint, string
 */

/** Dicts, lists and tuples may hold each other, and themselves. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Map<PickleValue, PickleValue>
  | PickleValue[]
  | PickleTuple
  | PickleName
  | TorchStorage
  | TorchTensor;

export class PickleTuple {
  readonly parts: readonly PickleValue[];

  constructor(parts: readonly PickleValue[]) {
    this.parts = parts;
  }
}

/** A name of Python, `module` and what it has in it; never looked up. */
export class PickleName {
  readonly module: string;
  readonly name: string;

  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
  }
}

/** The numbers of one or more tensors, which lie apart from the pickle under `key`. */
export class TorchStorage {
  /** "Float" for torch.FloatStorage. */
  readonly type: string;
  readonly key: string;
  readonly elements: number;

  constructor(type: string, key: string, elements: number) {
    this.type = type;
    this.key = key;
    this.elements = elements;
  }
}

/** `offset` and `strides` count elements of the storage. */
export class TorchTensor {
  readonly storage: TorchStorage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];

  constructor(storage: TorchStorage, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

/** What is wrong with a pickle, without the name of its file. */
export class PickleError extends Error {
  override readonly name = "PickleError";
}

/** Of the elements of storages that this reader knows. */
const STORAGE_TYPES: ReadonlySet<string> = new Set(
  ["Float", "Half", "BFloat16", "Double", "Long", "Int", "Bool", "Byte"], // torch/storage.py, _new_dtypes and before
);
/** torch's own limit (c10/core/TensorImpl.h) is higher; no network has tensors of more axes. */
const MOST_AXES = 16;

/** Of GLOBAL. Throws a PickleError for every name but those that tensors are made with. */
export function knownName(module: string, name: string, at: number): PickleName {
  const isKnown =
    (module === "collections" && name === "OrderedDict") ||
    (module === "torch._utils" && (name === "_rebuild_tensor_v2" || name === "_rebuild_parameter")) ||
    (module === "torch" && name.endsWith("Storage") && STORAGE_TYPES.has(name.slice(0, -"Storage".length)));
  if (isKnown) return new PickleName(module, name);
  throw new PickleError(
    `at byte ${at} it names the Python object ${JSON.stringify(`${module}.${name}`)}, expected nothing but tensors and plain values`,
  );
}

/** Of BINPERSID: ("storage", torch.FloatStorage, "0", "cpu", 12): torch/serialization.py, persistent_id */
export function storageOf(id: PickleValue): TorchStorage {
  const [sort, type, key, , elements] = id instanceof PickleTuple ? id.parts : [];
  const isStorage = sort === "storage" && type instanceof PickleName && type.module === "torch";
  if (isStorage && typeof key === "string" && isCount(elements)) {
    return new TorchStorage(type.name.slice(0, -"Storage".length), key, elements);
  }
  throw new PickleError("it has a storage without type, key or number of elements");
}

/** What a known name makes of its arguments. */
export function built(callee: PickleValue | undefined, given: PickleValue | undefined): PickleValue {
  if (!(callee instanceof PickleName) || !(given instanceof PickleTuple)) {
    throw new PickleError("it calls what is no function");
  }
  const { parts } = given;
  switch (callee.name) {
    case "OrderedDict":
      if (parts.length > 0) throw new PickleError("it makes an OrderedDict of values, expected an empty one");
      return new Map();
    case "_rebuild_tensor_v2":
      return tensorOf(parts);
    case "_rebuild_parameter": {
      const [tensor] = parts;
      if (tensor instanceof TorchTensor) return tensor;
      throw new PickleError("it has a parameter without a tensor");
    }
    default:
      throw new PickleError(`it calls ${callee.module}.${callee.name}`);
  }
}

/** torch/_utils.py, _rebuild_tensor_v2: storage, storage_offset, size, stride, requires_grad, backward_hooks */
function tensorOf([storage, offset, shape, strides]: readonly PickleValue[]): TorchTensor {
  if (!(storage instanceof TorchStorage) || !isCount(offset))
    throw new PickleError("it has a tensor without a storage");
  const [sizes, steps] = [countsOf(shape), countsOf(strides)];
  if (sizes === null || sizes.length !== steps?.length || sizes.length > MOST_AXES) {
    throw new PickleError("it has a tensor whose size and stride do not fit together");
  }
  return new TorchTensor(storage, offset, sizes, steps);
}

function countsOf(value: PickleValue | undefined): readonly number[] | null {
  if (!(value instanceof PickleTuple)) return null;
  const counts = value.parts.filter(isCount);
  return counts.length === value.parts.length ? counts : null;
}

function isCount(value: PickleValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
