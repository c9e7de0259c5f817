/**
 * The thread of sleeper.ts: is told a time of process.hrtime, sleeps until then and says so. It waits in the kernel, to within
 * a tenth of a millisecond on an idle machine; the event loop's timers come in whole milliseconds.
 */
import { parentPort } from "node:worker_threads";

const never = new Int32Array(new SharedArrayBuffer(4)); // nobody notifies it

parentPort?.on("message", (timeNs: unknown) => {
  if (typeof timeNs !== "bigint") throw new Error("a message that is no time");
  const leftMs = Number(timeNs - process.hrtime.bigint()) / 1e6;
  if (leftMs > 0) Atomics.wait(never, 0, 0, leftMs);
  parentPort?.postMessage(timeNs);
});
