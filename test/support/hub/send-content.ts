/** Sends a file or a range of it, as a server should (RFC 9110, sections 13.1.5 and 14), or in one of the ways in which servers go wrong. */
import type { IncomingMessage, ServerResponse } from "node:http";

export type Misbehaviour =
  /** Something else than what was asked for. */
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly text?: string;
    }
  /** The connection ends after so many bytes. */
  | { readonly kind: "cut"; readonly afterBytes: number }
  /** Nothing comes any more after so many bytes, and the connection stays; before the first byte, no answer at all. */
  | { readonly kind: "stuck"; readonly afterBytes: number }
  /** One byte of the file is another. */
  | { readonly kind: "flip"; readonly at: number }
  /** Content-Length is so much more than what is sent. */
  | { readonly kind: "lie"; readonly by: number }
  /** Ranges are not known: the whole file with 200. */
  | { readonly kind: "whole" }
  /** The range answered is that of bytes so much further on. */
  | { readonly kind: "other range"; readonly by: number }
  /** The file has become another. */
  | { readonly kind: "changed"; readonly bytes: Uint8Array }
  /** So many bytes a millisecond. */
  | { readonly kind: "slow"; readonly bytesPerMs: number };

export interface Sending {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly headers: Readonly<Record<string, string>>;
  readonly misbehaviour: Misbehaviour | null;
}

export function sendContent(stored: Uint8Array, { incoming, outgoing, headers, misbehaviour }: Sending): void {
  if (misbehaviour?.kind === "answer") {
    const { status, headers, text = "" } = misbehaviour;
    outgoing.writeHead(status, headers).end(text);
    return;
  }
  if (misbehaviour?.kind === "stuck" && misbehaviour.afterBytes === 0) return;
  const bytes = misbehaviour?.kind === "changed" ? misbehaviour.bytes : stored;
  const total = bytes.length;
  const ifRange = incoming.headers["if-range"];
  const isOther = ifRange !== undefined && ifRange !== headers["etag"];
  const isWhole = misbehaviour?.kind === "whole" || isOther;
  const asked = isWhole ? null : /^bytes=(\d+)-(\d*)$/.exec(incoming.headers.range ?? "");
  let [begin, end] = [0, total];
  if (asked !== null) {
    begin = Number(asked[1]);
    end = Math.min(total, asked[2] === "" ? total : Number(asked[2]) + 1);
    if (begin >= total) {
      outgoing.writeHead(416, { ...headers, "content-range": `bytes */${total}` }).end();
      return;
    }
  }
  if (misbehaviour?.kind === "other range") [begin, end] = [begin + misbehaviour.by, end + misbehaviour.by];
  let body = Buffer.from(bytes.subarray(begin, end));
  if (misbehaviour?.kind === "flip" && misbehaviour.at >= begin && misbehaviour.at < end) {
    body[misbehaviour.at - begin] = body[misbehaviour.at - begin]! ^ 1;
  }
  const extra = misbehaviour?.kind === "lie" ? misbehaviour.by : 0;
  outgoing.writeHead(asked === null ? 200 : 206, {
    ...headers,
    "accept-ranges": "bytes",
    "content-length": body.length + extra,
    ...(asked !== null && { "content-range": `bytes ${begin}-${end - 1}/${total}` }),
  });
  if (incoming.method === "HEAD") {
    outgoing.end();
    return;
  }
  if (misbehaviour?.kind === "cut" || misbehaviour?.kind === "stuck") {
    body = body.subarray(0, misbehaviour.afterBytes);
    const isCut = misbehaviour.kind === "cut";
    outgoing.write(body, () => {
      if (isCut) outgoing.destroy();
    });
    return;
  }
  if (misbehaviour?.kind === "slow") {
    sendSlowly(body, outgoing, misbehaviour.bytesPerMs);
    return;
  }
  if (extra !== 0) outgoing.write(body, () => outgoing.destroy());
  else outgoing.end(body);
}

const beatMs = 5;

function sendSlowly(body: Buffer, outgoing: ServerResponse, bytesPerMs: number): void {
  let sent = 0;
  const step = Math.max(1, Math.round(bytesPerMs * beatMs));
  const timer = setInterval(() => {
    outgoing.write(body.subarray(sent, sent + step));
    sent += step;
    if (sent < body.length) return;
    clearInterval(timer);
    outgoing.end();
  }, beatMs);
  outgoing.on("close", () => {
    clearInterval(timer);
  });
}
