/** The command with the fake model, to be run as a process. FAKE_BATCH_MS, FAKE_LOAD_MS: how long it takes. FAKE_BREAKS: it does. */
import { setTimeout } from "node:timers/promises";
import { main } from "../harness/command.ts";
import { fakeCatalog, fakeModel } from "./fakes.ts";

const { FAKE_BATCH_MS: batchMs = "0", FAKE_LOAD_MS: loadMs = "0", FAKE_BREAKS: breaks } = process.env;

const catalog = fakeCatalog(async () => {
  await setTimeout(Number(loadMs));
  const onBatch = (): void => {
    if (breaks !== undefined) throw new Error("the fake model broke");
  };
  return fakeModel({ batchMs: Number(batchMs), onBatch });
});
process.exitCode = await main(process.argv.slice(2), catalog, process);
