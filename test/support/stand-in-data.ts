/** A server of official files: ranges as a server should give them, and what was asked of it and sent. Misbehaves when told to. */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { sendContent } from "./hub/send-content.ts";
import type { Misbehaviour } from "./hub/send-content.ts";

export interface DataServer {
  /** http://localhost:… */
  readonly origin: string;
  readonly requests: { readonly path: string; readonly range: string | null }[];
  /** Of all answers together, with their headers. */
  readonly sentBytes: () => number;
  readonly close: () => Promise<void>;
}

export async function startDataServer(
  files: Readonly<Record<string, Uint8Array>>,
  misbehave: (path: string, count: number) => Misbehaviour | null = () => null,
): Promise<DataServer> {
  const requests: DataServer["requests"] = [];
  const sockets: Socket[] = [];
  const server = createServer((incoming, outgoing) => {
    const path = (incoming.url ?? "/").slice(1);
    requests.push({ path, range: incoming.headers.range ?? null });
    const stored = files[path];
    if (stored === undefined) {
      outgoing.writeHead(404).end("no such file");
      return;
    }
    const count = requests.filter((each) => each.path === path).length;
    const misbehaviour = misbehave(path, count);
    const content = misbehaviour?.kind === "changed" ? misbehaviour.bytes : stored;
    const headers = { etag: `"${createHash("sha1").update(content).digest("hex")}"` };
    sendContent(stored, { incoming, outgoing, headers, misbehaviour });
  });
  server.on("connection", (socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    requests,
    sentBytes: () => sockets.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}
