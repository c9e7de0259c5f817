/**
 * The process of the fake model. What it is loaded from says what it does: `fake` answers, `fake broken` has no checkpoint,
 * `fake heavy` cannot be loaded for want of memory. It dies over images called `crash`, or as FAKE_CRASH has it: with
 * `1953` always over that image, with `1953 marker` the first time, after which the file `marker` is there. FAKE_LOST is the
 * same for a device that is lost. Over images called `stall` it computes until it is killed.
 */
import { existsSync, writeFileSync } from "node:fs";
import { serveModel } from "../../harness/processes/serve-model.ts";
import { DeviceLostError } from "../../models/device/device-error.ts";
import { CheckpointError } from "../../models/model.ts";
import { fakeModel } from "./fakes.ts";
import type { FakeOptions } from "./fakes.ts";

const { FAKE_BATCH_MS: batchMs = "0", FAKE_CRASH: crash = "crash", FAKE_LOST: lost } = process.env;
const [image, marker] = (lost ?? crash).split(" ");

serveModel((place) => {
  if (place.where === "fake broken") throw new CheckpointError("fake broken: no config.json in it.");
  if (place.where === "fake heavy") process.kill(process.pid, "SIGKILL");
  const onBatch: FakeOptions["onBatch"] = (requests) => {
    if (requests.some(({ image }) => image.id === "wrong")) throw new Error("the fake model broke");
    if (requests.some(({ image }) => image.id === "stall")) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000);
    }
    if (!requests.some(({ image: { id } }) => id === image)) return;
    if (marker !== undefined && existsSync(marker)) return;
    if (marker !== undefined) writeFileSync(marker, "");
    if (lost !== undefined) throw new DeviceLostError("graph decoder on webgpu: the device was lost");
    process.stderr.write("terminate called\n");
    process.kill(process.pid, "SIGKILL");
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000);
  };
  return Promise.resolve({ ...fakeModel({ batchMs: Number(batchMs), onBatch }), name: place.where });
});
