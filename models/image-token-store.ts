/**
 * Image tokens between the two passes of retrieval: all images are embedded before the first is matched, and what a thousand
 * of them leave behind (ViT-g at 364 pixels: 3.8 MB each) is too much to hold. They go to a scratch file, which the operating
 * system caches where it has the memory. What does not fit is not kept: its image is encoded again.
 */
import { randomUUID } from "node:crypto";
import { open, rm, statfs } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import path from "node:path";
import { CheckpointError } from "./model.ts";
import { makeFolder } from "./checkpoint/make-folder.ts";
import { readBytes } from "./checkpoint/safetensors.ts";

export class ImageTokenStore {
  readonly #folder: string;
  readonly #byteLength: number;
  readonly #limitBytes: number | null;
  readonly #freeShare: number;
  readonly #slots = new Map<string, number>();
  /** Of images that were dropped; the next ones take them. */
  readonly #freeSlots: number[] = [];
  #file: FileHandle | null = null;
  #capacity = 0;

  /**
   * @param byteLength of one image's tokens
   * @param limitBytes of the scratch file; null is a share of the free space of its disk
   * @param freeShare that share: half, or less where several have such a file
   */
  constructor(
    folder: string,
    {
      byteLength,
      limitBytes,
      freeShare = 0.5,
    }: { readonly byteLength: number; readonly limitBytes: number | null; readonly freeShare?: number },
  ) {
    this.#freeShare = freeShare;
    this.#folder = folder;
    this.#byteLength = byteLength;
    this.#limitBytes = limitBytes;
  }

  async put(image: string, tokens: Float32Array): Promise<void> {
    if (tokens.byteLength !== this.#byteLength) {
      throw new RangeError(`image tokens of ${tokens.byteLength} bytes, expected ${this.#byteLength}`);
    }
    try {
      this.#file ??= await this.#open();
      const slot = this.#slots.get(image) ?? this.#freeSlots.at(-1) ?? this.#slots.size;
      if (slot >= this.#capacity) return;
      if (slot === this.#freeSlots.at(-1)) this.#freeSlots.pop();
      const bytes = new Uint8Array(tokens.buffer, tokens.byteOffset, tokens.byteLength);
      let done = 0;
      while (done < bytes.length) {
        done += (await this.#file.write(bytes, done, bytes.length - done, slot * bytes.length + done)).bytesWritten;
      }
      this.#slots.set(image, slot);
    } catch (cause) {
      throw new CheckpointError(
        `${this.#folder}: cannot write the tokens of image ${image}: ${cause instanceof Error ? cause.message : String(cause)}. ` +
          "Use another cache folder (--cache), or one with more room.",
        { cause },
      );
    }
  }

  /** null: not kept. */
  async get(image: string): Promise<Float32Array | null> {
    const slot = this.#slots.get(image);
    if (slot === undefined || this.#file === null) return null;
    const scratch = { file: this.#folder, handle: this.#file };
    const bytes = await readBytes(scratch, slot * this.#byteLength, this.#byteLength);
    return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  }

  /** Another image takes its room. */
  drop(image: string): void {
    const slot = this.#slots.get(image);
    if (slot === undefined) return;
    this.#slots.delete(image);
    this.#freeSlots.push(slot);
  }

  async release(): Promise<void> {
    this.#slots.clear();
    this.#freeSlots.length = 0;
    await this.#file?.close();
    this.#file = null;
  }

  /** The file loses its name at once and lives as long as it is open, so nothing is left behind, whatever happens. */
  async #open(): Promise<FileHandle> {
    await makeFolder(this.#folder);
    const { bavail, bsize } = await statfs(this.#folder);
    this.#capacity = Math.floor((this.#limitBytes ?? bavail * bsize * this.#freeShare) / this.#byteLength);
    const name = path.join(this.#folder, `image-tokens-${randomUUID()}.tmp`);
    const file = await open(name, "wx+");
    await rm(name);
    return file;
  }
}
