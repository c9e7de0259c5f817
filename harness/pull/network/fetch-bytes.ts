/** Fetches short answers into memory: a document, or a range of a large file. */
import { readableBytes } from "../../catalog/readable-bytes.ts";
import { contentRange, header } from "./answer-headers.ts";
import type { Headers } from "./answer-headers.ts";
import { exchange, failureOf, refuseLater, TransientError } from "./exchange.ts";
import type { Answer } from "./exchange.ts";
import type { Network } from "./network.ts";
import { persist } from "./persist.ts";
import { NoRangesError, PullError, PullIncompleteError } from "./pull-error.ts";

export interface FetchedBytes {
  readonly headers: Headers;
  readonly bytes: Buffer;
}

/** Throws an error that explains a status other than success and those of `refuseLater`. */
export type Refuse = (answer: Answer, text: string) => never;

export interface AskedBytes {
  /** Name of the file, for messages. */
  readonly what: string;
  readonly url: string;
  readonly refuse?: Refuse;
  /** A longer answer is a PullError, and is not read to its end. */
  readonly mostBytes?: number;
}

export async function fetchBytes(
  network: Network,
  { what, url, refuse = refuseAnswer, mostBytes = Infinity }: AskedBytes,
): Promise<FetchedBytes> {
  return network.small(() =>
    persist(network, what, async () => {
      const answer = await exchange(network, { url });
      await refuseLater(answer);
      const bytes = await readBody(network, answer, mostBytes);
      if (answer.status !== 200) refuse(answer, bytes.toString());
      return { headers: answer.headers, bytes };
    }),
  );
}

export interface AskedRange {
  /** For messages. */
  readonly what: string;
  readonly url: string;
  readonly begin: number;
  /** Not with it. */
  readonly end: number;
  /** What the server called the content before; null: it was not asked yet, or has no name for it. */
  readonly etag: string | null;
}

export interface FetchedRange {
  /** Fewer than asked for at the end of the content. */
  readonly bytes: Buffer;
  /** Of the content. */
  readonly totalBytes: number;
  readonly etag: string | null;
}

/**
 * A few bytes of what lies there.
 * @throws NoRangesError where the server sends all of it instead
 * @throws PullIncompleteError where the content is another by now
 */
export async function fetchRange(network: Network, { what, url, begin, end, etag }: AskedRange): Promise<FetchedRange> {
  return network.small(() =>
    persist(network, what, async () => {
      const headers = { range: `bytes=${begin}-${end - 1}`, ...(isStrong(etag) && { "if-range": etag }) };
      const answer = await exchange(network, { url, headers });
      await refuseLater(answer);
      const foundEtag = header(answer.headers, "etag");
      if (answer.status !== 206) {
        if (answer.status !== 200) refuseAnswer(answer, (await readBody(network, answer)).toString());
        await answer.body.discard();
        if (isStrong(etag) && foundEtag !== etag) throw becameAnother(url);
        throw new NoRangesError(
          `${url}: the server sends whole files only, expected the bytes from ${begin} to ${end}.`,
        );
      }
      const range = contentRange(answer.headers);
      if (range?.bytes?.begin !== begin || range.bytes.end > end || range.totalBytes === null) {
        await answer.body.discard();
        throw new TransientError(`${new URL(url).host}: answered with other bytes than were asked for`);
      }
      const bytes = await readBody(network, answer);
      if (bytes.length !== range.bytes.end - begin) {
        throw new TransientError(`${new URL(url).host}: the answer was not as long as announced`);
      }
      return { bytes, totalBytes: range.totalBytes, etag: foundEtag };
    }),
  );
}

/** Of content that is read piece by piece: the pieces would not fit together. */
export function becameAnother(url: string): PullIncompleteError {
  return new PullIncompleteError(
    `${url}: has become another file while it was read. What is here is whole; give the same command again.`,
  );
}

/** Whether it may stand in If-Range (RFC 9110, section 13.1.5): it tells any two contents apart. */
function isStrong(etag: string | null): etag is string {
  return etag !== null && !etag.startsWith("W/");
}

export async function readBody(network: Network, { body, url }: Answer, mostBytes = Infinity): Promise<Buffer> {
  try {
    const bytes = await body.takeAll(mostBytes);
    if (bytes === null) throw new PullError(`${url}: is larger than ${readableBytes(mostBytes)}, which is the most.`);
    return bytes;
  } catch (cause) {
    network.signal.throwIfAborted();
    throw failureOf(cause, url);
  }
}

/** The default Refuse: an error with the status and the server's text. */
export function refuseAnswer({ status, url }: Answer, text: string): never {
  const said = text.replaceAll(/\s+/g, " ").trim().slice(0, 200);
  throw new PullError(`${url}: answered ${status}${said === "" ? "" : `: ${said}`}`);
}
