/** Downloads a large file in several parallel pieces, while a thread computes the checksum of what is written. */
import { FollowingDigest } from "./following-digest.ts";
import type { Network } from "./network.ts";
import { PartialFile } from "./partial-file.ts";
import { persist } from "./persist.ts";
import { NoRangesError } from "./pull-error.ts";
import { receive } from "./receive-piece.ts";
import { refuseOtherContent } from "./remote-file.ts";
import type { Downloaded, Place, RemoteFile } from "./remote-file.ts";
import { Origin } from "./origin.ts";

/**
 * Downloads a file. With a wrong checksum it is fetched once more, since bytes kept on disk may have been damaged
 * there.
 */
export async function downloadLarge(network: Network, remote: RemoteFile, place: Place): Promise<Downloaded> {
  const origin = new Origin(network, remote);
  const content = await origin.content();
  const { sizeBytes } = content;
  for (;;) {
    const file = await PartialFile.open(place.partial, content);
    const resumed = file.writtenBytes;
    if (resumed > 0) network.tell({ kind: "resumed", file: remote.name, bytes: resumed });
    const hex = await fillKept({ network, remote, file, origin });
    try {
      refuseOtherContent(remote, { sizeBytes, hex });
    } catch (error) {
      await file.remove();
      if (resumed === 0) throw error;
      network.tell({ kind: "discarded", file: remote.name, bytes: sizeBytes, checkedBytes: sizeBytes });
      network.tell({ kind: "message", text: `${remote.name}: what was kept of it is damaged; starting again` });
      continue;
    }
    await file.finish(place.path);
    network.tell({ kind: "finished", file: remote.name, sizeBytes });
    return { sizeBytes, hex };
  }
}

interface Filling {
  readonly network: Network;
  readonly remote: RemoteFile;
  readonly file: PartialFile;
  readonly origin: Origin;
}

/** Fetches the file and returns its checksum. After an error, received bytes are kept for a later process. */
async function fillKept(filling: Filling): Promise<string> {
  try {
    return await fill(filling).catch((error: unknown) => {
      if (error instanceof NoRangesError) return fillWhole(filling);
      throw error;
    });
  } catch (error) {
    await filling.file.keep();
    throw error;
  }
}

/** Fetches the missing pieces, and returns the checksum of the whole file. */
async function fill(filling: Filling): Promise<string> {
  const { network, file } = filling;
  const missing = Array.from({ length: file.pieces }, (_, piece) => piece).filter((piece) => !file.isWhole(piece));
  return whileDigesting(filling, async (onWritten) => {
    const stop = new AbortController();
    const fetching = missing.map((piece) =>
      network.pieces(() => {
        stop.signal.throwIfAborted();
        return fetchPiece(piece, { ...filling, onWritten, signal: stop.signal });
      }),
    );
    try {
      await Promise.all(fetching);
    } catch (error) {
      stop.abort(error);
      await Promise.allSettled(fetching);
      throw error;
    }
  });
}

type OnWritten = (bytes: number) => void;

async function fetchPiece(
  piece: number,
  {
    network,
    remote,
    file,
    origin,
    onWritten,
    signal,
  }: Filling & { readonly onWritten: OnWritten; readonly signal: AbortSignal },
): Promise<void> {
  await persist(network, remote.name, async (advance) => {
    if (file.isWhole(piece)) return;
    const bytes = { begin: file.next(piece), end: file.range(piece).end };
    const answer = await origin.bytes(bytes, signal);
    const onPieceWritten = (newBytes: number): void => {
      advance();
      onWritten(newBytes);
    };
    await receive(answer, bytes, { network, file, onWritten: onPieceWritten });
  });
}

/** For servers without range requests: each attempt starts again at the first byte. */
async function fillWhole(filling: Filling): Promise<string> {
  const { network, remote, file, origin } = filling;
  const { sizeBytes } = file.content;
  return persist(network, remote.name, async () => {
    const discarded = file.writtenBytes;
    if (discarded > 0) network.tell({ kind: "discarded", file: remote.name, bytes: discarded, checkedBytes: 0 });
    await file.clear();
    return whileDigesting(filling, async (onWritten) => {
      const answer = await origin.whole();
      await receive(answer, { begin: 0, end: sizeBytes }, { network, file, onWritten });
    });
  });
}

/** Runs the download and the checksum thread together; returns the checksum. */
async function whileDigesting(
  { network, remote, file }: Filling,
  work: (onWritten: OnWritten) => Promise<void>,
): Promise<string> {
  const { name } = remote;
  const { sizeBytes } = file.content;
  let checkedBytes = 0;
  const digest = new FollowingDigest(
    { path: file.path, algorithm: remote.digest?.algorithm ?? "sha256", sizeBytes },
    (bytes) => {
      checkedBytes += bytes;
      network.tell({ kind: "checked", file: name, bytes });
    },
  );
  try {
    digest.advance(file.leadingBytes);
    const working = work((bytes) => {
      network.tell({ kind: "received", file: name, bytes });
      digest.advance(file.leadingBytes);
    });
    working.catch(() => undefined); // if the checksum thread fails first, the download's error must not be unhandled
    await Promise.race([working, digest.failure]);
    return await digest.hex;
  } catch (error) {
    await digest.stop();
    if (checkedBytes > 0) network.tell({ kind: "discarded", file: name, bytes: 0, checkedBytes });
    throw error;
  }
}
