/** Images in memory, by the hash of their bytes: each checked when it comes, the least used forgotten when there are too many. */
import { createHash } from "node:crypto";
import { checkSize, imageLimits } from "../../models/image/image-processor.ts";
import type { ImageLimits } from "../../models/image/image-processor.ts";
import { inspectImageBytes, noteOf } from "../../models/image/inspect-image.ts";
import type { KeptImage } from "./wire.ts";

export interface ImageStoreLimits {
  readonly count: number;
  readonly bytes: number;
  /** Of an image. */
  readonly sizes: ImageLimits;
}

export const usualStoreLimits: ImageStoreLimits = {
  count: 64, // more than anybody looks at side by side
  bytes: 256_000_000, // a dozen of the largest uploads
  sizes: imageLimits,
};

interface Kept {
  readonly image: KeptImage;
  readonly bytes: Buffer;
}

export class KeptImages {
  readonly #limits: ImageStoreLimits;
  /** The least used first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(limits: ImageStoreLimits) {
    this.#limits = limits;
  }

  /** `name`: for the message. Throws an ImageError for what is no image, or one of too many pixels. */
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

  /** null: it never came, or was forgotten. */
  get(id: string): Kept | null {
    const found = this.#kept.get(id);
    if (found === undefined) return null;
    this.#kept.delete(id);
    this.#kept.set(id, found); // the last to be forgotten now
    return found;
  }

  #keep(kept: Kept): void {
    if (this.#kept.has(kept.image.id)) return; // it came twice at a time
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
