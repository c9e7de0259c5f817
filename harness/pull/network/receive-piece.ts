/**
 * Writes the body of an answer into a partial file. Chunks are gathered into larger writes; one write runs while the
 * next is gathered.
 */
import { failureOf, TransientError } from "./exchange.ts";
import type { Answer } from "./exchange.ts";
import type { Network } from "./network.ts";
import { pieceBytes } from "./partial-file.ts";
import type { PartialFile } from "./partial-file.ts";

/**
 * Bytes of one write. It divides the piece size, so that writes which start at the begin of a piece never cross its
 * end.
 */
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
  let [filling, resting] = [Buffer.allocUnsafe(writeBytes), Buffer.allocUnsafe(writeBytes)];
  let filled = 0;
  let missing = end - begin;
  let at = begin;

  const flush = async (): Promise<void> => {
    await writing;
    const bytes = filling.subarray(0, filled);
    const piece = Math.floor(at / pieceBytes);
    at += filled;
    [filling, resting] = [resting, filling];
    filled = 0;
    writing = file.write(piece, bytes).then(() => {
      onWritten(bytes.length);
    });
    writing.catch(() => undefined); // the error is thrown where the write is awaited
  };

  try {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      if (chunk.length > missing) throw new TransientError(`${host}: sent more bytes than were asked for`);
      for (let from = 0; from < chunk.length;) {
        const copied = chunk.copy(filling, filled, from);
        filled += copied;
        from += copied;
        if (filled === writeBytes) await flush();
      }
      missing -= chunk.length;
    }
  } catch (cause) {
    network.signal.throwIfAborted();
    throw cause instanceof TransientError ? cause : failureOf(cause, answer.url);
  } finally {
    if (filled > 0) await flush();
    await writing;
  }
  if (missing > 0) throw new TransientError(`${host}: the answer ended early`);
}
