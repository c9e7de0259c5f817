/** Makes an app listen on an address, or throws an error that says why it cannot. */
import { once } from "node:events";
import { Server } from "node:http";
import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";
import { UsageError } from "../catalog/usage-error.ts";

export interface Listening {
  readonly port: number;
  /** Stops listening and closes open connections. */
  readonly close: () => Promise<void>;
}

/** `port` 0 takes any free port. Throws a UsageError where the address cannot be used. */
export async function listen(
  app: Hono,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Listening> {
  const server = createAdaptorServer({ fetch: app.fetch });
  if (!(server instanceof Server)) throw new Error("another server than that of HTTP");
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    throw new UsageError(whyNot(error, host, port), { cause: error });
  }
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function whyNot(error: unknown, host: string, port: number): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
  if (code === "EADDRINUSE") {
    return `--port ${port}: in use by another program, or by another try. End that one, or give another --port, such as ${port + 1}.`;
  }
  if (code === "EACCES") return `--port ${port}: not allowed to this user. Give a --port from 1024 on.`;
  if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND") {
    return `--host ${host}: no address of this machine (${code}). Leave it out, or give one that it has.`;
  }
  return `--host ${host} --port ${port}: cannot listen there (${code}). Give others.`;
}
