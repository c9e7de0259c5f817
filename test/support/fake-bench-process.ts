/**
 * The process of the fake model that is benched. FAKE_BAD names the checkpoint that goes wrong, FAKE_HOW what it does behind its
 * 30th batch: crash, stall, or cannot be loaded (heavy).
 */
import { serveModel } from "../../harness/processes/serve-model.ts";
import { fakeModel } from "./fakes.ts";

const { FAKE_BATCH_MS: batchMs = "1", FAKE_BAD: bad, FAKE_HOW: how } = process.env;

serveModel(({ where }) => {
  const isBad = where === bad;
  if (isBad && how === "heavy") process.kill(process.pid, "SIGKILL");
  let batches = 0;
  const onBatch = (): void => {
    batches += 1;
    if (!isBad || batches <= 30) return;
    if (how === "crash") process.kill(process.pid, "SIGKILL");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600_000);
  };
  return Promise.resolve({ ...fakeModel({ batchMs: Number(batchMs), onBatch }), name: where });
});
