/**
 * The command with the fake model, to be run as a process. FAKE_BATCH_MS, FAKE_LOAD_MS: how long it takes. FAKE_BREAKS: it
 * does. FAKE_LOST: the device is, over that image.
 */
import { setTimeout } from "node:timers/promises";
import { runCommand } from "../../harness/cli/command.ts";
import { DeviceLostError } from "../../models/device/device-error.ts";
import { fakeCatalog, fakeModel } from "./fakes.ts";
import type { FakeOptions } from "./fakes.ts";
import { fakePace } from "./queue-pace.ts";

const { FAKE_BATCH_MS: batchMs = "0", FAKE_LOAD_MS: loadMs = "0", FAKE_BREAKS: breaks, FAKE_LOST: lost } = process.env;

const catalog = fakeCatalog(async () => {
  await setTimeout(Number(loadMs));
  const onBatch: FakeOptions["onBatch"] = (requests) => {
    if (requests.some(({ image }) => image.id === lost))
      throw new DeviceLostError("graph decoder on webgpu: the device was lost");
    if (breaks !== undefined) throw new Error("the fake model broke");
  };
  return fakeModel({ batchMs: Number(batchMs), onBatch });
});
await runCommand(catalog, process, fakePace(process.env));
