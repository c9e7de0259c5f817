/** The process of a fake checkpoint that `try` serves. FAKE_LOAD_MS: what loading takes. */
import { setTimeout } from "node:timers/promises";
import { serveCheckpoint } from "../../harness/try/serve-checkpoint.ts";
import { fakeTried } from "./fake-try.ts";

const { FAKE_LOAD_MS: loadMs = "0" } = process.env;

serveCheckpoint(async ({ where, precision }) => {
  await setTimeout(Number(loadMs));
  return fakeTried(where, precision);
});
