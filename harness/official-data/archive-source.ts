/** Gives byte ranges of a zip archive, from a file on disk or from a URL whose server supports range requests. */
import { open } from "node:fs/promises";
import { DatasetError } from "../../datasets/dataset.ts";
import { header } from "../pull/network/answer-headers.ts";
import { exchange, refuseLater } from "../pull/network/exchange.ts";
import { becameAnother, fetchRange } from "../pull/network/fetch-bytes.ts";
import type { Network } from "../pull/network/network.ts";
import { persist } from "../pull/network/persist.ts";
import type { ByteSource } from "../../models/pytorch/zip-directory.ts";

const refusal = (message: string): Error => new DatasetError(message);

export async function withFileSource<T>(path: string, work: (source: ByteSource) => Promise<T>): Promise<T> {
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const read = async (begin: number, end: number): Promise<Uint8Array> => {
      const bytes = new Uint8Array(end - begin);
      const { bytesRead } = await handle.read(bytes, 0, bytes.length, begin);
      return bytes.subarray(0, bytesRead);
    };
    return await work({ name: path, sizeBytes: size, refusal, read });
  } finally {
    await handle.close();
  }
}

/**
 * @throws NoRangesError, also while it is read, where the server sends whole files only
 * @throws PullIncompleteError while it is read, where the archive is another by then
 */
export async function remoteSource(network: Network, url: string): Promise<ByteSource> {
  const { totalBytes, etag } = await fetchRange(network, { what: url, url, begin: 0, end: 1, etag: null });
  const read = async (begin: number, end: number): Promise<Uint8Array> => {
    const found = await fetchRange(network, { what: url, url, begin, end, etag });
    if (found.totalBytes !== totalBytes) throw becameAnother(url);
    return found.bytes;
  };
  return { name: url, sizeBytes: totalBytes, refusal, read };
}

/** How many bytes the server says that it has there; null: it does not say. */
export async function remoteSize(network: Network, url: string): Promise<number | null> {
  return network.small(() =>
    persist(network, url, async () => {
      const answer = await exchange(network, { url, method: "HEAD" });
      await answer.body.discard();
      await refuseLater(answer);
      const length = header(answer.headers, "content-length");
      return answer.status === 200 && length !== null ? Number(length) : null;
    }),
  );
}
