/** A large file in pieces, several at once, while a thread computes the checksum of what is written. */
import { contentRange, header } from "./answer-headers.ts";
import { discard, exchange, refuseLater, TransientError } from "./exchange.ts";
import type { Answer } from "./exchange.ts";
import { readBody, refuseAnswer } from "./fetch-bytes.ts";
import { FollowingDigest } from "./following-digest.ts";
import type { Network } from "./network.ts";
import { PartialFile } from "./partial-file.ts";
import type { Content } from "./partial-file.ts";
import { persist } from "./persist.ts";
import { PullError } from "./pull-error.ts";
import { receive } from "./receive-piece.ts";
import { refuseOtherContent } from "./remote-file.ts";
import type { Downloaded, Place, RemoteFile } from "./remote-file.ts";

/** Damaged content is fetched again once: the first may have been damaged on this disk. */
export async function downloadLarge(network: Network, remote: RemoteFile, place: Place): Promise<Downloaded> {
  const origin = new Origin(network, remote);
  const content = await origin.content();
  const { sizeBytes } = content;
  for (;;) {
    const file = await PartialFile.open(place.partial, content);
    const resumed = file.writtenBytes;
    if (resumed > 0) network.tell({ kind: "resumed", file: remote.name, bytes: resumed });
    const hex = await fill(file, origin, { network, remote });
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
}

/** Fetches what is missing, and gives the checksum of all. What has come is kept, however this ends. */
async function fill(file: PartialFile, origin: Origin, { network, remote }: Filling): Promise<string> {
  const { name } = remote;
  const digest = new FollowingDigest(
    { path: file.path, algorithm: remote.digest?.algorithm ?? "sha256", sizeBytes: file.content.sizeBytes },
    (bytes) => {
      network.tell({ kind: "checked", file: name, bytes });
    },
  );
  const onWritten = (bytes: number): void => {
    network.tell({ kind: "received", file: name, bytes });
    digest.advance(file.leadingBytes);
  };
  try {
    digest.advance(file.leadingBytes);
    const stop = new AbortController();
    const fetching = missingPieces(file).map((piece) =>
      network.pieces(() => {
        stop.signal.throwIfAborted();
        return fetchPiece(piece, { network, remote, file, origin, onWritten, signal: stop.signal });
      }),
    );
    try {
      await Promise.race([Promise.all(fetching), digest.hex]); // the checksum fails where the disk does
    } catch (error) {
      stop.abort(error);
      await Promise.allSettled(fetching);
      throw error;
    }
    return await digest.hex;
  } catch (error) {
    await digest.stop();
    await file.keep();
    throw error;
  }
}

function missingPieces(file: PartialFile): readonly number[] {
  return Array.from({ length: file.pieces }, (_, piece) => piece).filter((piece) => !file.isWhole(piece));
}

interface FetchingPiece extends Filling {
  readonly file: PartialFile;
  readonly origin: Origin;
  readonly onWritten: (bytes: number) => void;
  readonly signal: AbortSignal;
}

async function fetchPiece(
  piece: number,
  { network, remote, file, origin, onWritten, signal }: FetchingPiece,
): Promise<void> {
  await persist(network, remote.name, async (advance) => {
    if (file.isWhole(piece)) return;
    const answer = await origin.bytes({ begin: file.next(piece), end: file.range(piece).end }, signal);
    await receive(answer, piece, {
      network,
      file,
      onWritten: (bytes) => {
        advance();
        onWritten(bytes);
      },
    });
  });
}

/** Where a file comes from. Remembers where redirects led, until that address answers no more. */
class Origin {
  readonly #network: Network;
  readonly #remote: RemoteFile;
  #redirected: string | null = null;
  #etag: string | null = null;

  constructor(network: Network, remote: RemoteFile) {
    this.#network = network;
    this.#remote = remote;
  }

  /** Size and, where no checksum tells contents apart, the server's own name for it. Asked of the server where not known. */
  async content(): Promise<Content> {
    const { sizeBytes, digest, name } = this.#remote;
    if (sizeBytes !== null && digest !== null) return { sizeBytes, etag: null };
    return persist(this.#network, name, async () => {
      const answer = await this.#ask("bytes=0-0", null);
      const total =
        answer.status === 200
          ? Number(header(answer.headers, "content-length") ?? NaN)
          : (contentRange(answer.headers)?.totalBytes ?? NaN);
      const etag = header(answer.headers, "etag");
      await discard(answer);
      if (!Number.isSafeInteger(total))
        throw new PullError(`${this.#remote.url}: the server does not say how long the file is.`);
      this.#etag = etag;
      return { sizeBytes: sizeBytes ?? total, etag };
    });
  }

  /** The bytes from one to another. */
  async bytes({ begin, end }: { readonly begin: number; readonly end: number }, signal: AbortSignal): Promise<Answer> {
    const answer = await this.#ask(`bytes=${begin}-${end - 1}`, signal);
    const { name, sizeBytes } = this.#remote;
    const range = contentRange(answer.headers);
    const total = range?.totalBytes ?? null;
    if (sizeBytes !== null && total !== null && total !== sizeBytes) {
      await discard(answer);
      throw new PullError(`${name}: has ${total} bytes on the server, expected ${sizeBytes}.`);
    }
    if (answer.status === 206 && range?.bytes?.begin === begin && range.bytes.end === end) return answer;
    await discard(answer);
    throw new TransientError(`${new URL(answer.url).host}: answered with other bytes than were asked for`);
  }

  async #ask(range: string, signal: AbortSignal | null): Promise<Answer> {
    const { url, refuse = refuseAnswer } = this.#remote;
    const asked = this.#redirected ?? url;
    const headers = { range, ...(this.#etag !== null && !this.#etag.startsWith("W/") && { "if-range": this.#etag }) };
    const answer = await exchange(this.#network, { url: asked, headers, ...(signal !== null && { signal }) });
    await refuseLater(answer);
    if (answer.status === 200 || answer.status === 206 || answer.status === 416) {
      this.#redirected = answer.url === url ? null : answer.url;
      return answer;
    }
    if (this.#redirected !== null) {
      this.#redirected = null; // a signed address that has expired
      await discard(answer);
      throw new TransientError(`${new URL(asked).host}: answered ${answer.status}`, { waitMs: 0 });
    }
    return refuse(answer, (await readBody(this.#network, answer)).toString());
  }
}
