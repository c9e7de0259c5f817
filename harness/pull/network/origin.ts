/** Requests bytes of a file from its server, and remembers where the server redirects to. */
import { contentRange, header } from "./answer-headers.ts";
import { exchange, refuseLater, TransientError } from "./exchange.ts";
import type { Answer } from "./exchange.ts";
import { readBody, refuseAnswer } from "./fetch-bytes.ts";
import type { Network } from "./network.ts";
import type { Content } from "./partial-file.ts";
import { persist } from "./persist.ts";
import { NoRangesError, PullError } from "./pull-error.ts";
import type { Bytes } from "./receive-piece.ts";
import type { RemoteFile } from "./remote-file.ts";

/** The source of a file. It remembers the target of redirects until that URL stops working. */
export class Origin {
  readonly #network: Network;
  readonly #remote: RemoteFile;
  #redirected: string | null = null;
  #etag: string | null = null;

  constructor(network: Network, remote: RemoteFile) {
    this.#network = network;
    this.#remote = remote;
  }

  /** Size of the file and, where no checksum is known, its ETag. The server is asked for what is not known. */
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
      await answer.body.discard();
      if (!Number.isSafeInteger(total))
        throw new PullError(`${this.#remote.url}: the server does not say how long the file is.`);
      this.#etag = etag;
      return { sizeBytes: sizeBytes ?? total, etag };
    });
  }

  /** Requests the whole file. */
  async whole(): Promise<Answer> {
    const answer = await this.#ask(null, null);
    if (answer.status === 200) return answer;
    await answer.body.discard();
    throw new TransientError(`${new URL(answer.url).host}: answered ${answer.status}`);
  }

  /** Requests a range of bytes. */
  async bytes({ begin, end }: Bytes, signal: AbortSignal): Promise<Answer> {
    const answer = await this.#ask(`bytes=${begin}-${end - 1}`, signal);
    const { name, sizeBytes } = this.#remote;
    const range = contentRange(answer.headers);
    const total = range?.totalBytes ?? null;
    if (sizeBytes !== null && total !== null && total !== sizeBytes) {
      await answer.body.discard();
      throw new PullError(`${name}: has ${total} bytes on the server, expected ${sizeBytes}.`);
    }
    if (answer.status === 206 && range?.bytes?.begin === begin && range.bytes.end === end) return answer;
    await answer.body.discard();
    if (answer.status === 200) throw new NoRangesError(`${this.#remote.url}: the server sends whole files only.`);
    throw new TransientError(`${new URL(answer.url).host}: answered with other bytes than were asked for`);
  }

  async #ask(range: string | null, signal: AbortSignal | null): Promise<Answer> {
    const { url, refuse = refuseAnswer } = this.#remote;
    const asked = this.#redirected ?? url;
    const isStrong = this.#etag !== null && !this.#etag.startsWith("W/");
    const headers = range === null ? {} : { range, ...(isStrong && { "if-range": this.#etag }) };
    const answer = await exchange(this.#network, { url: asked, headers, ...(signal !== null && { signal }) });
    await refuseLater(answer);
    if (answer.status === 200 || answer.status === 206 || answer.status === 416) {
      this.#redirected = answer.url === url ? null : answer.url;
      return answer;
    }
    if (this.#redirected !== null) {
      this.#redirected = null; // the remembered signed URL has expired
      await answer.body.discard();
      throw new TransientError(`${new URL(asked).host}: answered ${answer.status}`, { waitMs: 0 });
    }
    return refuse(answer, (await readBody(this.#network, answer)).toString());
  }
}
