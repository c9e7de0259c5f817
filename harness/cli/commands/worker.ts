/** `blip2-bench worker`: answers windows of a run that `run --queue` coordinates. It takes the flags of that run. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runName } from "../../../reports/records/run-record.ts";
import { prepare } from "../../evaluation/prepare.ts";
import type { RunConfig } from "../../evaluation/run-config.ts";
import { workOn } from "../../spread/queue/work.ts";
import type { Surroundings } from "../declared-command.ts";
import { completeCode } from "../exit-code.ts";
import { watchInterrupt } from "../interrupt.ts";
import { runConfigOf } from "../options/run.ts";
import type { WorkerValues } from "./declared/evaluate.ts";
import { queuePlace, refuseBeforeWindows, withListedPrompts } from "./spread-run.ts";

const windowsAWorker = 2; // the images of the second are read while the first is computed

/** Gives the exit code. */
export async function worker(
  values: WorkerValues,
  _words: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { catalog, terminal, hubCache } = surroundings;
  const place = queuePlace(surroundings);
  refuseBeforeWindows("worker", values);
  const interrupt = watchInterrupt(() => {
    terminal.message("Stopping after the windows at hand; Ctrl-C again stops at once.");
  });
  // Preparing a run takes a folder to lock; nothing is written into this one.
  const output = await mkdtemp(join(tmpdir(), "blip2-bench-worker-"));
  try {
    const planned = runConfigOf({ ...(await withListedPrompts(values)), output }, { ...surroundings, output });
    const config: RunConfig = { ...planned, firstSteps: 0, isApart: true };
    const onMessage = (message: string): void => {
      terminal.message(message);
    };
    const evaluations = await prepare(config, catalog, {
      hubCache,
      onMessage,
      onPreparation: (event) => {
        terminal.preparation(event);
      },
    });
    try {
      const runs = evaluations.flatMap(({ plan, answerable }) =>
        answerable === undefined ? [] : [{ name: runName(plan), plan, answerable }],
      );
      const windows = await workOn(runs, {
        place,
        atOnce: windowsAWorker * config.workers,
        once: values.once,
        idleExitMs: values.idleExit,
        isStopped: () => interrupt.exitCode() !== null,
        onMessage,
        onNote: (message) => {
          terminal.note(message);
        },
      });
      terminal.message(`${windows} windows answered.`);
      return interrupt.exitCode() ?? completeCode;
    } finally {
      for (const { folder, model } of evaluations) {
        await folder.close();
        await model.release();
      }
    }
  } finally {
    interrupt.dispose();
    await rm(output, { recursive: true, force: true });
  }
}
