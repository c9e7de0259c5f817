/**
 * Two image encoders share features if they give the same ones, bit for bit, of every image file. The key is a
 * hash of all that decides: weights as they are computed with, graph, preprocessing, and the code and processor that compute.
 */
import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { arch, cpus } from "node:os";
import path from "node:path";
import sharp from "sharp";
import { hashFile } from "../checkpoint/fingerprint.ts";
import type { UsedWeight } from "../checkpoint/weights.ts";
import type { Device } from "../device/device.ts";
import type { Graph } from "../graph/graph.ts";
import type { PixelSettings } from "../image/preprocessor-config.ts";
import { env } from "../onnxruntime.ts";

/**
 * Those of the code that features are made by. The first number is to be raised when the same image file would become other
 * pixels, or its features be filed otherwise.
 */
export const FEATURES_FORMAT = `image features 1, onnxruntime ${env.versions.node ?? ""}, vips ${sharp.versions.vips}`;

export interface EncoderParts {
  /** What the graph was made of. */
  readonly weights: readonly UsedWeight[];
  readonly graph: Graph;
  readonly pixels: PixelSettings;
  readonly device: Device;
}

export async function encoderKey(
  { weights, graph, pixels, device }: EncoderParts,
  cacheFolder: string,
): Promise<string> {
  const decides = {
    format: FEATURES_FORMAT,
    weights: await weightsHash(weights, cacheFolder),
    graph: graph.structure(),
    pixels: [pixels.width, pixels.height, pixels.resample, pixels.rescaleFactor, pixels.mean, pixels.standardDeviation],
    // ONNX Runtime has kernels for each family of processors, and they round differently.
    processor: [arch(), cpus()[0]?.model],
    ...(device.provider !== "cpu" && { device: [device.provider, device.name] }),
  };
  return createHash("sha256").update(JSON.stringify(decides)).digest("hex");
}

/**
 * Whether an image's features are the same whatever other images are encoded with it. Rows of a matrix product do not know of
 * each other, except where int8 rounds them by one scale for all rows (DynamicQuantizeMatMul).
 */
export function isBatchInvariant(weights: readonly UsedWeight[]): boolean {
  return weights.every(({ kind }) => kind !== "int8");
}

/**
 * A hash of the tensors' own bytes, so that checkpoints that lie in other files agree. Gigabytes take a while: the hash is
 * remembered for these places in files of these contents.
 */
async function weightsHash(weights: readonly UsedWeight[], cacheFolder: string): Promise<string> {
  const files = new Map<string, string>();
  const places = createHash("sha256");
  for (const { name, kind, entries } of weights) {
    for (const { file, dtype, shape, offset, byteLength } of entries) {
      if (!files.has(file)) files.set(file, await hashFile(file, cacheFolder));
      places.update(`${JSON.stringify([name, kind, files.get(file), dtype, shape, offset, byteLength])}\n`);
    }
  }
  const memo = path.join(cacheFolder, "encoder-hashes", places.digest("hex"));
  const known = /^[0-9a-f]{64}(?=\n$)/.exec(await readFile(memo, "utf8").catch(() => ""))?.[0];
  if (known !== undefined) return known;

  const hash = createHash("sha256");
  for (const { name, kind, entries } of weights) {
    for (const { file, dtype, shape, offset, byteLength } of entries) {
      hash.update(`${JSON.stringify([name, kind, dtype, shape])}\n`);
      if (byteLength === 0) continue;
      const bytes = createReadStream(file, { start: offset, end: offset + byteLength - 1, highWaterMark: 1 << 20 });
      for await (const chunk of bytes) hash.update(chunk as Uint8Array);
    }
  }
  const found = hash.digest("hex");
  await remember(memo, found).catch(() => undefined); // a full disk costs the hash again, not the run
  return found;
}

async function remember(memo: string, hash: string): Promise<void> {
  const temporary = `${memo}.${randomUUID()}.tmp`;
  await mkdir(path.dirname(memo), { recursive: true });
  await writeFile(temporary, `${hash}\n`);
  await rename(temporary, memo);
}
