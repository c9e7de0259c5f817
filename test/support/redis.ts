/** A Redis for one test, from Debian's package redis-server; tests that need one are skipped where it is not installed. */
import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import type { Context } from "mocha";
import { Redis } from "ioredis";
import { endsWithTest } from "./child-processes.ts";
import { temporaryFolder } from "./temporary-files.ts";

export const redisPassword = "a-secret-of-this-test";

export interface TestRedis {
  readonly url: string;
  /** A connection of the test's own. */
  readonly client: Redis;
}

export function skipWithoutRedis(this: Context): void {
  if (spawnSync("redis-server", ["--version"]).error !== undefined) this.skip(); // apt-get install redis-server
}

/** `settings`: words of the command line, such as --maxmemory-policy allkeys-lru. */
export async function startRedis(settings: readonly string[] = []): Promise<TestRedis> {
  const port = await freePort();
  const words = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--requirepass", redisPassword];
  endsWithTest(spawn("redis-server", [...words, "--dir", temporaryFolder(), ...settings], { stdio: "ignore" }));
  const client = new Redis({ port, password: redisPassword, maxRetriesPerRequest: null, retryStrategy: () => 50 });
  client.on("error", () => undefined); // until it listens
  await client.ping();
  return { url: `redis://:${redisPassword}@127.0.0.1:${port}`, client };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
