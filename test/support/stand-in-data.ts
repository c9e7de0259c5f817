/** A server of official files: ranges as a server should give them, and what was asked of it and sent. Misbehaves when told to. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { sendContent } from "./hub/send-content.ts";
import type { Misbehaviour } from "./hub/send-content.ts";

export interface DataServer {
  /** http://localhost:… */
  readonly origin: string;
  readonly requests: { readonly path: string; readonly range: string | null }[];
  /** Of all bodies together. */
  readonly sentBytes: () => number;
  readonly close: () => Promise<void>;
}

export async function startDataServer(
  files: Readonly<Record<string, Uint8Array>>,
  misbehave: (path: string, count: number) => Misbehaviour | null = () => null,
): Promise<DataServer> {
  const requests: DataServer["requests"] = [];
  let sent = 0;
  const server = createServer((incoming, outgoing) => {
    const path = (incoming.url ?? "/").slice(1);
    requests.push({ path, range: incoming.headers.range ?? null });
    const stored = files[path];
    if (stored === undefined) {
      outgoing.writeHead(404).end("no such file");
      return;
    }
    outgoing.on("close", () => {
      sent += Number(outgoing.getHeader("content-length") ?? 0);
    });
    const count = requests.filter((each) => each.path === path).length;
    sendContent(stored, { incoming, outgoing, headers: {}, misbehaviour: misbehave(path, count) });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    sentBytes: () => sent,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}
