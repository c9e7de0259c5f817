/** Gives byte ranges of a zip archive, from a file on disk or from a URL whose server supports range requests. */
import { open } from "node:fs/promises";
import { fetchRange } from "../pull/network/fetch-bytes.ts";
import type { Network } from "../pull/network/network.ts";
import type { ByteSource } from "./zip-directory.ts";

export async function withFileSource<T>(path: string, work: (source: ByteSource) => Promise<T>): Promise<T> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const read = async (begin: number, end: number): Promise<Uint8Array> => {
      const bytes = new Uint8Array(end - begin);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, begin);
      return bytes.subarray(0, bytesRead);
    };
    return await work({ name: path, sizeBytes: size, read });
  } finally {
    await handle.close();
  }
}

/** Throws a PullError where the server does not support range requests. */
export async function remoteSource(network: Network, url: string): Promise<ByteSource> {
  const { totalBytes } = await fetchRange(network, { what: url, url, begin: 0, end: 1 });
  const read = async (begin: number, end: number): Promise<Uint8Array> => {
    return (await fetchRange(network, { what: url, url, begin, end })).bytes;
  };
  return { name: url, sizeBytes: totalBytes, read };
}
