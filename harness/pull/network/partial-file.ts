/**
 * A file that is not all there yet, on disk: its bytes at their places, and a note beside it that says which pieces of it are
 * written how far. The note is replaced whole, after the bytes that it tells of; so a process that is killed at any moment
 * leaves a note that promises too little, never too much.
 */
import { open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import * as z from "zod";
import { splitChunks } from "./chunks.ts";

/** Bytes of one piece; all but the last have as many. */
export const pieceBytes = 16 << 20;

/** Less often than this the note is not written anew while bytes come. */
const noteMs = 500;

const note = z.object({
  pieceBytes: z.literal(pieceBytes),
  sizeBytes: z.number().int().nonnegative(),
  /** The server's name for this content, where nothing else tells one from another. */
  etag: z.string().nullable(),
  /** Pieces before this one are written whole. */
  wholePieces: z.number().int().nonnegative(),
  /** Of those after them: how many bytes are written. */
  begun: z.record(z.string(), z.number().int().nonnegative()),
});

/** What the content must be, or what was kept is not of use. */
export interface Content {
  readonly sizeBytes: number;
  readonly etag: string | null;
}

export class PartialFile {
  readonly path: string;
  readonly content: Content;
  readonly #handle: FileHandle;
  /** Of each piece: how many of its bytes are written. */
  readonly #written: Float64Array;
  #wholePieces = 0;
  #notedMs = 0;
  #noting: Promise<void> = Promise.resolve();

  /** Takes up what an earlier process left, where it is of this content. */
  static async open(path: string, content: Content): Promise<PartialFile> {
    const kept = await readNote(path, content);
    if (kept === null) await rm(notePath(path), { force: true });
    const handle = await open(path, kept === null ? "w+" : "r+");
    const file = new PartialFile(path, content, handle);
    if (kept !== null) file.#takeUp(kept);
    return file;
  }

  private constructor(path: string, content: Content, handle: FileHandle) {
    this.path = path;
    this.content = content;
    this.#handle = handle;
    this.#written = new Float64Array(Math.ceil(content.sizeBytes / pieceBytes));
  }

  #takeUp({ wholePieces, begun }: z.infer<typeof note>): void {
    for (let piece = 0; piece < this.#written.length; piece += 1) {
      const { begin, end } = this.range(piece);
      this.#written[piece] = piece < wholePieces ? end - begin : Math.min(begun[piece] ?? 0, end - begin);
    }
    this.#countWhole();
  }

  get pieces(): number {
    return this.#written.length;
  }

  /** Where a piece begins and ends in the file. */
  range(piece: number): { readonly begin: number; readonly end: number } {
    const begin = piece * pieceBytes;
    return { begin, end: Math.min(begin + pieceBytes, this.content.sizeBytes) };
  }

  /** Where the first byte of the piece goes that is not written yet; its end, where all are. */
  next(piece: number): number {
    return this.range(piece).begin + this.#written[piece]!;
  }

  isWhole(piece: number): boolean {
    return this.next(piece) === this.range(piece).end;
  }

  /** Bytes written, wherever they are. */
  get writtenBytes(): number {
    return this.#written.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Bytes written from the beginning without a gap. */
  get leadingBytes(): number {
    return this.#wholePieces === this.pieces ? this.content.sizeBytes : this.next(this.#wholePieces);
  }

  /** The next bytes of a piece. */
  async write(piece: number, chunks: readonly Uint8Array[]): Promise<void> {
    let at = this.next(piece);
    for (let rest = chunks; rest.length > 0;) {
      const { bytesWritten } = await this.#handle.writev(rest, at);
      at += bytesWritten;
      [, rest] = splitChunks(rest, bytesWritten);
    }
    this.#written[piece] = at - this.range(piece).begin;
    this.#countWhole();
    if (performance.now() - this.#notedMs >= noteMs) await this.#note();
  }

  #countWhole(): void {
    while (this.#wholePieces < this.pieces && this.isWhole(this.#wholePieces)) this.#wholePieces += 1;
  }

  #note(): Promise<void> {
    this.#notedMs = performance.now();
    const begun = [...this.#written.entries()].filter(([piece, bytes]) => piece >= this.#wholePieces && bytes > 0);
    const { sizeBytes, etag } = this.content;
    const text = JSON.stringify({
      pieceBytes,
      sizeBytes,
      etag,
      wholePieces: this.#wholePieces,
      begun: Object.fromEntries(begun),
    } satisfies z.infer<typeof note>);
    const path = notePath(this.path);
    this.#noting = this.#noting.then(async () => {
      await writeFile(`${path}.tmp`, text);
      await rename(`${path}.tmp`, path);
    });
    return this.#noting;
  }

  /** Nothing is written any more. */
  async clear(): Promise<void> {
    await this.#noting;
    await rm(notePath(this.path), { force: true });
    this.#written.fill(0);
    this.#wholePieces = 0;
    await this.#handle.truncate();
  }

  /** Leaves it for a later process. */
  async keep(): Promise<void> {
    await this.#note();
    await this.#handle.close();
  }

  /** Gives the whole file its name. */
  async finish(path: string): Promise<void> {
    await this.#noting;
    await this.#handle.close();
    await rename(this.path, path);
    await rm(notePath(this.path), { force: true });
  }

  /** Nothing of it is of use. */
  async remove(): Promise<void> {
    await this.#noting;
    await this.#handle.close();
    await rm(this.path, { force: true });
    await rm(notePath(this.path), { force: true });
  }
}

/** How many bytes of a file an earlier process has left there, as far as its note tells; 0 where there is none. */
export async function keptBytes(path: string): Promise<number> {
  const kept = await parseNote(path);
  if (kept === null) return 0;
  const begun = Object.values(kept.begun).reduce((sum, bytes) => sum + bytes, 0);
  return Math.min(kept.wholePieces * pieceBytes + begun, kept.sizeBytes);
}

/** Beside the file. */
function notePath(path: string): string {
  return `${path}.json`;
}

/** Null: there is none, or what it tells of is not this content, or not there. */
async function readNote(path: string, content: Content): Promise<z.infer<typeof note> | null> {
  const kept = await parseNote(path);
  if (kept === null || kept.sizeBytes !== content.sizeBytes || kept.etag !== content.etag) return null;
  return (await stat(path).catch(() => null)) === null ? null : kept;
}

async function parseNote(path: string): Promise<z.infer<typeof note> | null> {
  const text = await readFile(notePath(path), "utf8").catch(() => null);
  if (text === null) return null;
  try {
    return note.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
