/**
 * The thread of following-digest.ts: is told how far a file is written, reads it up to there and adds it to the checksum. It
 * reads what the disk has, so that what is checked is what is kept.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { startDigest } from "./digest.ts";
import type { DigestReport, DigestRequest, DigestTask } from "./following-digest.ts";

const chunkBytes = 1 << 20; // stays in the processor's cache between the reading and the adding

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
