/**
 * Images in memory, by the hash of their bytes. Each is checked when it is added; the least recently used are dropped
 * when there are too many.
 */
import { createHash } from "node:crypto";
import { checkSize, imageLimits } from "../../models/image/image-processor.ts";
import type { ImageLimits } from "../../models/image/image-processor.ts";
import { inspectImageBytes, noteOf } from "../../models/image/inspect-image.ts";
import type { KeptImage } from "./wire.ts";

export interface ImageStoreLimits {
  readonly count: number;
  readonly bytes: number;
  /** Limits of a single image. */
  readonly sizes: ImageLimits;
}

export const usualStoreLimits: ImageStoreLimits = {
  count: 64, // images; more than a user compares
  bytes: 256_000_000, // a dozen of the largest uploads
  sizes: imageLimits,
};

interface Kept {
  readonly image: KeptImage;
  readonly bytes: Buffer;
}

export class KeptImages {
  readonly #limits: ImageStoreLimits;
  /** Images by id, the least recently used first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(limits: ImageStoreLimits) {
    this.#limits = limits;
  }

  /**
   * `name`: name of the image in messages. Throws an ImageError for bytes that are not an image, or an image of too
   * many pixels.
   */
  async add(bytes: Buffer, name: string): Promise<KeptImage> {
    const id = createHash("sha256").update(bytes).digest("hex");
    const known = this.get(id);
    if (known !== null) return known.image;
    const facts = await inspectImageBytes(bytes, name);
    checkSize(name, facts, this.#limits.sizes);
    const { width, height, format } = facts;
    const note = noteOf(facts)?.replace(/^a/, "A") ?? null;
    const image = { id, width, height, format, note };
    this.#keep({ image, bytes });
    return image;
  }

  /** null: no such image was added, or it was dropped. */
  get(id: string): Kept | null {
    const found = this.#kept.get(id);
    if (found === undefined) return null;
    this.#kept.delete(id);
    this.#kept.set(id, found); // moves it to the end: now the most recently used
    return found;
  }

  #keep(kept: Kept): void {
    if (this.#kept.has(kept.image.id)) return; // it was added twice at the same time
    this.#kept.set(kept.image.id, kept);
    this.#bytes += kept.bytes.length;
    for (const [id, { bytes }] of this.#kept) {
      const isOver = this.#kept.size > this.#limits.count || this.#bytes > this.#limits.bytes;
      if (!isOver || id === kept.image.id) return;
      this.#kept.delete(id);
      this.#bytes -= bytes.length;
    }
  }
}
