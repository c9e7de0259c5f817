/**
 * The server of bench:pull, a separate process. It serves `/large` and `/small/<n>`, whose sizes are given on its
 * command line, and supports range requests.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { patternBytes } from "./pattern.ts";

const [largeBytes = 0, smallBytes = 0] = process.argv.slice(2).map(Number);
/** Every file is this block, repeated. */
const pattern = patternBytes();

const server = createServer((incoming, outgoing) => {
  const total = incoming.url === "/large" ? largeBytes : smallBytes;
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(incoming.headers.range ?? "") ?? [];
  const [begin, end] = first === undefined ? [0, total] : [Number(first), Number(last) + 1];
  outgoing.writeHead(first === undefined ? 200 : 206, {
    "content-length": end - begin,
    ...(first !== undefined && { "content-range": `bytes ${begin}-${end - 1}/${total}` }),
  });
  let at = begin;
  const send = (): void => {
    while (at < end) {
      const from = at % pattern.length;
      const bytes = pattern.subarray(from, Math.min(pattern.length, from + end - at));
      at += bytes.length;
      if (!outgoing.write(bytes)) {
        outgoing.once("drain", send);
        return;
      }
    }
    outgoing.end();
  };
  send();
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
