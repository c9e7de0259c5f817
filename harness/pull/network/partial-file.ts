/**
 * An unfinished download on disk: a file with the received bytes at their final offsets, and beside it a note that says
 * how far each piece is written. The note is replaced as a whole, after the bytes it describes were written. So even if
 * the process is killed, the note never claims bytes that are missing.
 */
import { open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import * as z from "zod";
import { splitChunks } from "./chunks.ts";

/** Size of every piece but the last, in bytes. */
export const pieceBytes = 16 << 20;

/** Shortest time between two writes of the note. */
const noteMs = 500;

/** After this many new bytes the disk begins to write them, so that little is left to wait for at the end. */
const flushBytes = 64 << 20;

const note = z.object({
  pieceBytes: z.literal(pieceBytes),
  sizeBytes: z.number().int().nonnegative(),
  /** The server's ETag, where no checksum identifies the content. */
  etag: z.string().nullable(),
  /** All pieces before this one are complete. */
  wholePieces: z.number().int().nonnegative(),
  /** Bytes written of later pieces, by piece number. */
  begun: z.record(z.string(), z.number().int().nonnegative()),
});

/** Identifies the content: kept bytes of another content cannot be used. */
export interface Content {
  readonly sizeBytes: number;
  readonly etag: string | null;
}

export class PartialFile {
  readonly path: string;
  readonly content: Content;
  readonly #handle: FileHandle;
  /** Bytes written of each piece. */
  readonly #written: Float64Array;
  #wholePieces = 0;
  #notedMs = 0;
  #noting: Promise<void> = Promise.resolve();
  #unflushedBytes = 0;
  /** The flush under way; null: none is. */
  #flushing: Promise<void> | null = null;
  /** Why one failed; null: none did. The system tells a file of it once, so a later flush may succeed all the same. */
  #flushError: Error | null = null;

  /** Opens the file; resumes what an earlier process left, if it belongs to this content. */
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

  /** Begin and end of a piece in the file. */
  range(piece: number): { readonly begin: number; readonly end: number } {
    const begin = piece * pieceBytes;
    return { begin, end: Math.min(begin + pieceBytes, this.content.sizeBytes) };
  }

  /** Offset of the first missing byte of a piece; the end of the piece where none is missing. */
  next(piece: number): number {
    return this.range(piece).begin + this.#written[piece]!;
  }

  isWhole(piece: number): boolean {
    return this.next(piece) === this.range(piece).end;
  }

  /** Bytes written in all pieces. */
  get writtenBytes(): number {
    return this.#written.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** Bytes written from the start of the file without a gap. */
  get leadingBytes(): number {
    return this.#wholePieces === this.pieces ? this.content.sizeBytes : this.next(this.#wholePieces);
  }

  /** Writes the next bytes of a piece. */
  async write(piece: number, chunks: readonly Uint8Array[]): Promise<void> {
    let at = this.next(piece);
    for (let rest = chunks; rest.length > 0;) {
      const { bytesWritten } = await this.#handle.writev(rest, at);
      at += bytesWritten;
      [, rest] = splitChunks(rest, bytesWritten);
    }
    this.#unflushedBytes += at - this.next(piece);
    this.#written[piece] = at - this.range(piece).begin;
    this.#countWhole();
    if (this.#unflushedBytes >= flushBytes) this.#flush();
    if (performance.now() - this.#notedMs >= noteMs) await this.#note();
  }

  #countWhole(): void {
    while (this.#wholePieces < this.pieces && this.isWhole(this.#wholePieces)) this.#wholePieces += 1;
  }

  #flush(): void {
    if (this.#flushing !== null) return;
    this.#unflushedBytes = 0;
    this.#flushing = this.#handle
      .datasync()
      .catch((error: unknown) => {
        this.#flushError = error instanceof Error ? error : new Error(String(error));
      })
      .finally(() => {
        this.#flushing = null;
      });
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

  /** Discards all received bytes; the file counts as empty. */
  async clear(): Promise<void> {
    await this.#noting;
    await rm(notePath(this.path), { force: true });
    this.#written.fill(0);
    this.#wholePieces = 0;
    await this.#handle.truncate();
  }

  /** Saves the note and closes the file, for a later process to resume. */
  async keep(): Promise<void> {
    await this.#note();
    await this.#handle.close();
  }

  /** Moves the complete file to its final name. Throws where some of it could not be flushed to the disk. */
  async finish(path: string): Promise<void> {
    await this.#noting;
    await this.#flushing;
    if (this.#flushError !== null) throw this.#flushError;
    await this.#handle.sync(); // without it, a file that has its name could be empty after a power cut
    await this.#handle.close();
    await rename(this.path, path);
    await rm(notePath(this.path), { force: true });
  }

  /** Closes and deletes the file and its note. */
  async remove(): Promise<void> {
    await this.#noting;
    await this.#handle.close();
    await rm(this.path, { force: true });
    await rm(notePath(this.path), { force: true });
  }
}

/** Bytes that an earlier process received of a file, according to its note; 0 where there is none. */
export async function keptBytes(path: string): Promise<number> {
  const kept = await parseNote(path);
  if (kept === null) return 0;
  const begun = Object.values(kept.begun).reduce((sum, bytes) => sum + bytes, 0);
  return Math.min(kept.wholePieces * pieceBytes + begun, kept.sizeBytes);
}

/** Path of the note beside the file. */
function notePath(path: string): string {
  return `${path}.json`;
}

/** The note; null where it is missing, belongs to other content, or claims bytes that the file does not have. */
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
