/**
 * A LoRA adapter's weights merged into the tensors of its base: W + scaling · B·A (Hu et al. 2021, arXiv 2106.09685,
 * section 4.1), as PEFT's merge_and_unload has it. Each sum is made in double precision and rounded once. What comes out is
 * written into our cache, like every weight that is computed from a checkpoint's (weight-cache.ts).
 *
 *   base_model.model.<module>.lora_A.weight      A [rank, from]
 *   base_model.model.<module>.lora_B.weight      B [to, rank]
 *   base_model.model.<module>.base_layer.bias    takes the base's place, like every name without lora_ in it
 */
import { readdir } from "node:fs/promises";
import path from "node:path";
import type { AdapterConfig } from "./adapter-config.ts";
import { FP32_FORMAT } from "./float-weights.ts";
import { CheckpointError } from "../model.ts";
import { readSafetensorsHeader, readTensor } from "./safetensors.ts";
import type { TensorEntry } from "./safetensors.ts";
import { canonicalName } from "./tensor-names.ts";
import { EMBEDDINGS, OUTPUT_HEAD } from "./tied-tensors.ts";
import { cachedWeights, contentKey } from "./weight-cache.ts";
import type { WeightCacheOptions } from "./weight-cache.ts";

export const ADAPTER_WEIGHTS = "adapter_model.safetensors";

interface AdaptedCheckpoint {
  readonly name: string;
  /** Of the adapter. */
  readonly folder: string;
  readonly config: AdapterConfig;
}

/** What becomes of one matrix: W + scaling · B·A */
interface Update {
  readonly name: string;
  readonly shape: readonly [to: number, from: number];
  readonly scaling: number;
  readonly parts: readonly [w: TensorEntry, a: TensorEntry, b: TensorEntry];
}

/** `tensors`: the base's, by name, each once (tied-tensors.ts). Throws CheckpointError where the adapter is for another. */
export async function mergeAdapter(
  { name, folder, config }: AdaptedCheckpoint,
  tensors: ReadonlyMap<string, TensorEntry>,
  options: WeightCacheOptions,
): Promise<ReadonlyMap<string, TensorEntry>> {
  const file = path.join(folder, ADAPTER_WEIGHTS);
  if (!(await readdir(folder)).includes(ADAPTER_WEIGHTS)) {
    throw new CheckpointError(
      `${file}: no such file. An adapter's weights are read as safetensors only: save_pretrained in PEFT writes them.`,
    );
  }
  const stored = new Map([...(await readSafetensorsHeader(file))].map(([key, entry]) => [moduleName(key), entry]));
  const replaced = new Map(tensors);
  for (const [own, entry] of stored) {
    if (!LORA.test(own)) await replace(replaced, own, entry);
  }
  const updates = findUpdates(stored, replaced, config);

  if (updates.length === 0) return replaced;
  const derived = updates.map(({ name, shape, scaling, parts }) => ({ description: [name, shape, scaling], parts }));
  const merged = await cachedWeights(
    {
      kind: "fp32",
      format: FP32_FORMAT,
      key: await contentKey(`${FP32_FORMAT}, adapter`, derived, options.cacheFolder),
      checkpoint: name,
      what: "weights with its adapter",
      tensors: updates.map((update) => ({
        name: update.name,
        dtype: "F32",
        shape: update.shape,
        read: () => mergedMatrix(update),
      })),
    },
    options,
  );
  return new Map([...replaced, ...merged]);
}

/** PEFT's name of a tensor → that of the base's it changes, with .lora_A.weight or .lora_B.weight behind it. */
function moduleName(key: string): string {
  return canonicalName(key.replace(/^base_model\.model\./, "").replace(/\.(?:base_layer|modules_to_save)\./, "."));
}

/** A whole tensor. What is tied to others cannot be replaced alone; PEFT stores such a table as it was, beside its update. */
async function replace(tensors: Map<string, TensorEntry>, name: string, entry: TensorEntry): Promise<void> {
  const base = baseOf(tensors, name, entry);
  if (base.shape.join() !== entry.shape.join()) throw misshapen(entry, `[${base.shape.join(", ")}], the base's`);
  const isTied = EMBEDDINGS.includes(name) || base.name !== name;
  if (!isTied) tensors.set(name, { ...entry, name });
  else if (!(await hasSameNumbers(base, entry))) {
    throw new CheckpointError(
      `${entry.file}: tensor "${entry.name}" has other word embeddings than the base, which more than one layer uses. ` +
        "Call merge_and_unload in PEFT, and save the whole model.",
    );
  }
}

const LORA = /\.lora_\w+(?:\.weight)?$/;
const LORA_A = /\.lora_A\.weight$/;

function findUpdates(
  stored: ReadonlyMap<string, TensorEntry>,
  tensors: ReadonlyMap<string, TensorEntry>,
  { scaling }: AdapterConfig,
): readonly Update[] {
  const used = new Set<string>();
  const updates: Update[] = [];
  for (const [own, a] of [...stored].filter(([each]) => LORA_A.test(each))) {
    const module = own.replace(LORA_A, "");
    const [name, other] = [`${module}.weight`, `${module}.lora_B.weight`];
    const b = stored.get(other);
    if (b === undefined)
      throw new CheckpointError(`${a.file}: tensor "${a.name}" has no lora_B. Is the download complete?`);
    const w = baseOf(tensors, name, a);
    const [to = 0, from = 0] = w.shape;
    const [rank = 0] = a.shape;
    if (w.shape.length !== 2 || a.shape.join() !== [rank, from].join()) throw misshapen(a, `[rank, ${from}]`);
    if (b.shape.join() !== [to, rank].join()) throw misshapen(b, `[${to}, ${rank}]`);
    updates.push({ name, shape: [to, from], scaling: scaling(module, rank), parts: [w, a, b] });
    for (const each of [own, other]) used.add(each);
  }
  const strange = [...stored].find(([own]) => LORA.test(own) && !used.has(own))?.[1];
  if (strange === undefined) return updates;
  throw new CheckpointError(
    `${strange.file}: tensor "${strange.name}" is no update of a linear layer, expected lora_A and lora_B only. ` +
      "Call merge_and_unload in PEFT, and save the whole model.",
  );
}

/** What the adapter changes; for an output matrix that is not stored, the embeddings it is tied to. */
function baseOf(tensors: ReadonlyMap<string, TensorEntry>, name: string, entry: TensorEntry): TensorEntry {
  const names = name === OUTPUT_HEAD || EMBEDDINGS.includes(name) ? [name, ...EMBEDDINGS] : [name];
  const found = names.map((each) => tensors.get(each)).find((each) => each !== undefined);
  if (found !== undefined) return found;
  throw new CheckpointError(
    `${entry.file}: tensor "${entry.name}" changes "${name}", which the base does not have. Was the adapter trained on another model?`,
  );
}

function misshapen({ file, name, shape }: TensorEntry, expected: string): CheckpointError {
  return new CheckpointError(
    `${file}: tensor "${name}" has shape [${shape.join(", ")}], expected ${expected}. Was the adapter trained on another model?`,
  );
}

async function hasSameNumbers(a: TensorEntry, b: TensorEntry): Promise<boolean> {
  const [first, second] = [await readTensor(a), await readTensor(b)];
  return first.every((number, index) => number === second[index]);
}

/** W [to, from] + scaling · B [to, rank] · A [rank, from] */
async function mergedMatrix({ shape: [to, from], scaling, parts }: Update): Promise<Float32Array> {
  const [w, a, b] = [await readTensor(parts[0]), await readTensor(parts[1]), await readTensor(parts[2])];
  const rank = a.length / from;
  const row = new Float64Array(from);
  for (let i = 0; i < to; i += 1) {
    row.fill(0);
    for (let k = 0; k < rank; k += 1) {
      const factor = b[i * rank + k]!;
      for (let j = 0; j < from; j += 1) row[j]! += factor * a[k * from + j]!;
    }
    for (let j = 0; j < from; j += 1) w[i * from + j]! += scaling * row[j]!;
  }
  return w;
}
