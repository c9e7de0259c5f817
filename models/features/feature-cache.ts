/**
 * Features of one image encoder on disk, an entry an image: read by whichever checkpoint has that encoder.
 *
 *   <cacheFolder>/image-features/<key>/about.json          whose they are, for people
 *   <cacheFolder>/image-features/<key>/<xx>/<name>.f32     feature-file.ts; xx: the name's first two letters
 *
 * A file an image and no packed one: a rename makes an entry whole or not there at all, so processes that write at once need
 * no lock, one entry that is damaged costs one image, and 40,000 files in 256 folders are nothing to a file system. Nothing is
 * synced: what a power cut leaves is found by its checksum, as is any other damage.
 */
import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import path from "node:path";
import * as z from "zod";
import type { PreparationEvent } from "../checkpoint/weight-cache.ts";
import { bytesOf, featureHeader, parseFeatures } from "./feature-file.ts";
import type { FeatureShape } from "./feature-file.ts";

export const FEATURES_FOLDER = "image-features";
export const FEATURE_EXTENSION = ".f32";
export const FEATURES_ABOUT = "about.json";

export const featuresAboutSchema = z.object({
  /** FEATURES_FORMAT of those who wrote it. */
  format: z.string(),
  /** Names of the checkpoints that were run with this encoder. */
  checkpoints: z.array(z.string()),
  /** What the image encoder computes in. */
  precision: z.string(),
  tokens: z.int(),
  hidden: z.int(),
});

export interface FeatureCacheParts {
  readonly cacheFolder: string;
  /** What decides the features but for the image: encoder-key.ts. */
  readonly key: string;
  readonly format: string;
  readonly checkpoint: string;
  readonly precision: string;
  readonly shape: FeatureShape;
  readonly onEvent: (event: PreparationEvent) => void;
  /** Bytes of the disk that are left free for others; unset: RESERVE_BYTES. */
  readonly reserveBytes?: number;
}

/** The run writes its predictions to what may be the same disk; those must not fail for want of room. */
const RESERVE_BYTES = 256e6;

/** Bytes that may wait to be written before the next are taken: a few images of the largest encoder. */
const WAITING_BYTES = 32e6;
/** Damaged entries that are named one by one. */
const DAMAGED_NAMED = 3;
const DAY_MS = 24 * 60 * 60 * 1000;

export class FeatureCache {
  readonly #parts: FeatureCacheParts;
  readonly #folder: string;
  /** Entries on their way to the disk, by name. */
  readonly #waiting = new Map<string, { readonly values: Float32Array; readonly written: Promise<void> }>();
  #waitingBytes = 0;
  #isAnnounced = false;
  #isGivenUp = false;
  #damaged = 0;

  constructor(parts: FeatureCacheParts) {
    this.#parts = parts;
    this.#folder = path.join(parts.cacheFolder, FEATURES_FOLDER, parts.key);
  }

  /** [tokens, hidden]; null where they are to be made: there are none, or they are damaged, which is said. */
  async get(name: string): Promise<Float32Array | null> {
    const waiting = this.#waiting.get(name);
    if (waiting !== undefined) return waiting.values;
    const file = this.#file(name);
    let bytes: Buffer;
    try {
      bytes = await readFile(file);
    } catch (error) {
      if (!isMissing(error)) this.#sayDamaged(file, `cannot be read: ${String(error)}.`);
      return null;
    }
    const found = parseFeatures(name, bytes, this.#parts.shape);
    if (found.status === "damaged") this.#sayDamaged(file, found.damage);
    if (found.status === "whole") await this.#announce(); // this checkpoint has the encoder, too
    return found.status === "whole" ? found.values : null;
  }

  /** Written while the model computes; `values` must stay as they are. Waits only while much is on its way already. */
  async put(name: string, values: Float32Array): Promise<void> {
    if (this.#isGivenUp || this.#waiting.has(name)) return;
    while (this.#waitingBytes > WAITING_BYTES)
      await Promise.race([...this.#waiting.values()].map((one) => one.written));
    this.#waitingBytes += values.byteLength;
    const written = this.#write(name, values).then(() => {
      this.#waitingBytes -= values.byteLength;
      this.#waiting.delete(name);
    });
    this.#waiting.set(name, { values, written });
  }

  /** When all that was put is on disk, or given up. */
  async settled(): Promise<void> {
    await Promise.all([...this.#waiting.values()].map(({ written }) => written));
  }

  #file(name: string): string {
    return path.join(this.#folder, name.slice(0, 2), `${name}${FEATURE_EXTENSION}`);
  }

  async #write(name: string, values: Float32Array): Promise<void> {
    const file = this.#file(name);
    const temporary = path.join(this.#folder, `${randomUUID()}.tmp`);
    try {
      await this.#announce();
      await mkdir(path.dirname(file), { recursive: true });
      await this.#checkRoom(values.byteLength);
      await writeParts(temporary, [featureHeader(name, this.#parts.shape, values), bytesOf(values)]);
      await rename(temporary, file);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined); // the first error is the one to tell
      this.#giveUp(error);
    }
  }

  async #checkRoom(byteLength: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.#folder);
    const reserveBytes = this.#parts.reserveBytes ?? RESERVE_BYTES;
    if (bavail * bsize - byteLength >= reserveBytes) return;
    const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
    throw new Error(
      `${megabytes(bavail * bsize)} of the disk are free, and ${megabytes(reserveBytes)} are left to the run`,
    );
  }

  /** Adds the checkpoint to those whose features these are. Of two processes that do so at once one may be left out. */
  async #announce(): Promise<void> {
    if (this.#isAnnounced || this.#isGivenUp) return;
    this.#isAnnounced = true;
    const { format, checkpoint, precision, shape } = this.#parts;
    const file = path.join(this.#folder, FEATURES_ABOUT);
    const temporary = path.join(this.#folder, `${randomUUID()}.tmp`);
    try {
      await mkdir(this.#folder, { recursive: true });
      await removeAbandoned(this.#folder);
      const { checkpoints: others = [] } = (await readFeaturesAbout(this.#folder)) ?? {};
      if (others.includes(checkpoint)) return;
      const checkpoints = [...others, checkpoint].sort();
      await writeFile(temporary, `${JSON.stringify({ format, checkpoints, precision, ...shape })}\n`);
      await rename(temporary, file);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined); // the first error is the one to tell
      this.#giveUp(error);
    }
  }

  #sayDamaged(file: string, damage: string): void {
    this.#damaged += 1;
    if (this.#damaged > DAMAGED_NAMED) return;
    const more = this.#damaged === DAMAGED_NAMED ? " Should there be more, they are made anew without a word." : "";
    this.#parts.onEvent({
      kind: "damaged",
      message: `${file}: ${damage} The features of this image are made anew.${more}`,
    });
  }

  /** The run continues without writing: what is kept is read, nothing more is kept. */
  #giveUp(error: unknown): void {
    if (this.#isGivenUp) return;
    this.#isGivenUp = true;
    this.#parts.onEvent({
      kind: "damaged",
      message:
        `${this.#folder}: cannot write image features: ${error instanceof Error ? error.message : String(error)}. The run goes on and keeps no more of them. ` +
        "Make room, or name another folder with --cache.",
    });
  }
}

/** undefined where there is none, or none that can be read. */
export async function readFeaturesAbout(folder: string): Promise<z.infer<typeof featuresAboutSchema> | undefined> {
  try {
    return featuresAboutSchema.safeParse(JSON.parse(await readFile(path.join(folder, FEATURES_ABOUT), "utf8"))).data;
  } catch {
    return undefined;
  }
}

async function writeParts(file: string, parts: readonly Uint8Array[]): Promise<void> {
  await using handle = await open(file, "wx");
  for (const part of parts) {
    for (let done = 0; done < part.length;) done += (await handle.write(part, done)).bytesWritten;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

/** Files of processes that died while writing; no process still writes one that is a day old. */
async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith(".tmp")) continue;
    const file = path.join(folder, name);
    const found = await stat(file).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > DAY_MS) await rm(file, { recursive: true, force: true });
  }
}
