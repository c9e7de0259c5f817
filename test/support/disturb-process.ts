/**
 * Disturbs the process that it is loaded into by `node --import`: at the n-th call of the file system below a folder the
 * process is killed, or the call fails. The environment variable DISTURBANCE says which, as JSON; see disturbance.ts.
 */
import { writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
import { asDisturbance, disturbanceVariable, observerOf } from "./disturbance.ts";
import { halves, watchFileCalls } from "./file-calls.ts";

const text = process.env[disturbanceVariable];
if (text !== undefined && isMainThread) {
  const disturbance = asDisturbance(text);
  const { of, isHalved, countIn } = disturbance;
  if (of === (process.send === undefined ? "command" : "worker")) {
    const { observe, counted } = observerOf(disturbance);
    await watchFileCalls(observe, isHalved ? halves : {});
    if (countIn !== undefined)
      process.on("exit", () => {
        writeFileSync(countIn, JSON.stringify(counted()));
      });
  }
}
