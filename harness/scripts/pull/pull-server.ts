/**
 * The server of bench:pull, a separate process. It serves `/large` and `/small/<n>`, whose sizes are given on its
 * command line, and supports range requests; and `/cpu`, the processor time that it has used, in seconds. Where a folder with key.pem and certificate.pem is given, it serves over https.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { patternBytes } from "./pattern.ts";

const [, , large = "0", small = "0", certified] = process.argv;
const [largeBytes, smallBytes] = [Number(large), Number(small)];
/** Every file is this block, repeated. */
const pattern = patternBytes();

const answer: RequestListener = (incoming, outgoing) => {
  if (incoming.url === "/cpu") {
    const { user, system } = process.cpuUsage();
    outgoing.end(String((user + system) / 1e6));
    return;
  }
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
};

const server =
  certified === undefined
    ? createServer(answer)
    : createSecureServer(
        { key: readFileSync(join(certified, "key.pem")), cert: readFileSync(join(certified, "certificate.pem")) },
        answer,
      );
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
