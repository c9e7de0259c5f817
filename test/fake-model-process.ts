/**
 * The process of the fake model. What it is loaded from says what it does: `fake` answers; `fake broken` has no checkpoint;
 * `fake crash` ends in the middle of a batch with an image "crash"; `fake heavy` cannot be loaded for want of memory.
 */
import { CheckpointError } from "../models/model.ts";
import { serveModel } from "../harness/model-process/serve-model.ts";
import { fakeModel } from "./fakes.ts";

serveModel((place) => {
  if (place.where === "fake broken") throw new CheckpointError("fake broken: no config.json in it.");
  if (place.where === "fake heavy") process.kill(process.pid, "SIGKILL");
  const onBatch: NonNullable<Parameters<typeof fakeModel>[0]>["onBatch"] = (requests) => {
    if (requests.some(({ image }) => image.id === "wrong")) throw new Error("the fake model broke");
    if (!requests.some(({ image }) => image.id === "crash")) return;
    process.stderr.write("terminate called\n");
    process.kill(process.pid, "SIGKILL");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000);
  };
  return Promise.resolve({ ...fakeModel({ onBatch }), name: place.where });
});
