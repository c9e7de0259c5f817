/**
 * The worker thread of following-digest.ts. It is told how far a file is written, reads the file up to there and adds
 * the bytes to the checksum. It reads from disk, so the checksum is that of the stored file.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { startDigest } from "./digest.ts";
import type { DigestReport, DigestRequest, DigestTask } from "./following-digest.ts";

const chunkBytes = 1 << 20; // fits in the processor's cache, so that hashing does not read from memory again

const { path, algorithm, sizeBytes } = workerData as DigestTask;
const file = openSync(path, "r");
const digest = startDigest(algorithm, sizeBytes);
const chunk = Buffer.allocUnsafe(chunkBytes);
let doneBytes = 0;

const report = (message: DigestReport): void => parentPort?.postMessage(message);

parentPort?.on("message", ({ untilBytes }: DigestRequest) => {
  while (doneBytes < untilBytes) {
    const read = readSync(file, chunk, 0, Math.min(chunkBytes, untilBytes - doneBytes), doneBytes);
    if (read === 0) throw new Error(`${path}: ended at ${doneBytes} bytes, expected ${untilBytes}`);
    digest.update(read === chunkBytes ? chunk : chunk.subarray(0, read));
    doneBytes += read;
  }
  const isLast = doneBytes === sizeBytes;
  report({ doneBytes, hex: isLast ? digest.digest("hex") : null });
  if (!isLast) return;
  closeSync(file);
  parentPort?.close();
});
