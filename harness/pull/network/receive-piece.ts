/**
 * Writes the body of an answer into a partial file. Chunks are gathered into larger writes; one write runs while the
 * next is gathered.
 */
import { countBytes, splitChunks } from "./chunks.ts";
import { failureOf, TransientError } from "./exchange.ts";
import type { Answer } from "./exchange.ts";
import type { Network } from "./network.ts";
import { pieceBytes } from "./partial-file.ts";
import type { PartialFile } from "./partial-file.ts";

/** Bytes that are gathered before they are written; only the last write of an answer has fewer. */
const writeBytes = 1 << 20;

export interface Receiving {
  readonly network: Network;
  readonly file: PartialFile;
  /** Called after each write with the number of bytes written. */
  readonly onWritten: (bytes: number) => void;
}

export interface Bytes {
  readonly begin: number;
  readonly end: number;
}

/**
 * Writes the answer's bytes, which begin at this offset of the file: inside one piece, or at the begin of a piece.
 * Bytes received before an error are written, too.
 */
export async function receive(
  answer: Answer,
  { begin, end }: Bytes,
  { network, file, onWritten }: Receiving,
): Promise<void> {
  const { host } = new URL(answer.url);
  let writing: Promise<void> = Promise.resolve();
  let at = begin;

  const write = async (chunks: readonly Uint8Array[]): Promise<void> => {
    for (let rest = chunks; rest.length > 0;) {
      const piece = Math.floor(at / pieceBytes);
      const [now, later] = splitChunks(rest, (piece + 1) * pieceBytes - at);
      await file.write(piece, now);
      const bytes = countBytes(now);
      at += bytes;
      onWritten(bytes);
      rest = later;
    }
  };

  let missing = end - begin;
  try {
    for (;;) {
      const chunks = await answer.body.take(writeBytes);
      missing -= countBytes(chunks);
      if (missing < 0) throw new TransientError(`${host}: sent more bytes than were asked for`);
      await writing;
      if (chunks.length === 0) {
        if (missing > 0) throw new TransientError(`${host}: the answer ended early`);
        return;
      }
      writing = write(chunks);
      writing.catch(() => undefined); // it is waited for above and below
    }
  } catch (cause) {
    network.signal.throwIfAborted();
    const failure = cause instanceof TransientError ? cause : failureOf(cause, answer.url);
    answer.body.abort(failure);
    throw failure;
  } finally {
    await writing;
  }
}
