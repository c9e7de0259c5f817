/** Fetches short answers into memory: a document, or a range of a large file. */
import { contentRange } from "./answer-headers.ts";
import type { Headers } from "./answer-headers.ts";
import { exchange, failureOf, refuseLater, TransientError } from "./exchange.ts";
import type { Answer } from "./exchange.ts";
import type { Network } from "./network.ts";
import { persist } from "./persist.ts";
import { PullError } from "./pull-error.ts";

export interface FetchedBytes {
  readonly headers: Headers;
  readonly bytes: Buffer;
}

/** Throws an error that explains a status other than success and those of `refuseLater`. */
export type Refuse = (answer: Answer, text: string) => never;

/** @param what name of the file, for messages */
export async function fetchBytes(
  network: Network,
  { what, url, refuse = refuseAnswer }: { readonly what: string; readonly url: string; readonly refuse?: Refuse },
): Promise<FetchedBytes> {
  return network.small(() =>
    persist(network, what, async () => {
      const answer = await exchange(network, { url });
      await refuseLater(answer);
      const bytes = await readBody(network, answer);
      if (answer.status !== 200) refuse(answer, bytes.toString());
      return { headers: answer.headers, bytes };
    }),
  );
}

/**
 * Bytes from `begin` up to, not including, `end`, and the size of the whole file. Fewer bytes where the file ends
 * before `end`.
 */
export async function fetchRange(
  network: Network,
  {
    what,
    url,
    begin,
    end,
  }: { readonly what: string; readonly url: string; readonly begin: number; readonly end: number },
): Promise<{ readonly bytes: Buffer; readonly totalBytes: number }> {
  return network.small(() =>
    persist(network, what, async () => {
      const answer = await exchange(network, { url, headers: { range: `bytes=${begin}-${end - 1}` } });
      await refuseLater(answer);
      if (answer.status !== 206) {
        if (answer.status !== 200) refuseAnswer(answer, (await readBody(network, answer)).toString());
        await answer.body.discard();
        throw new PullError(`${url}: the server sends whole files only, expected the bytes from ${begin} to ${end}.`);
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
      return { bytes, totalBytes: range.totalBytes };
    }),
  );
}

export async function readBody(network: Network, { body, url }: Answer): Promise<Buffer> {
  try {
    return await body.takeAll();
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
