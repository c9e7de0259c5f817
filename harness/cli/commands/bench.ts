/** `blip2-bench bench`: measures how fast checkpoints answer, in the scenarios of MLPerf LoadGen. */
import { BenchFolder } from "../../../reports/records/bench/bench-folder.ts";
import type { BenchRun } from "../../../reports/records/bench/bench-run.ts";
import { formatBenchTable } from "../../../reports/findings/bench-table.ts";
import { threeDigits } from "../../../reports/tables/numbers.ts";
import { findTask } from "../../catalog/find-task.ts";
import { isTaskPath } from "../../catalog/task-file/read-task-file.ts";
import { completeCode, incompleteCode } from "../exit-code.ts";
import { watchInterrupt } from "../interrupt.ts";
import type { Surroundings } from "../declared-command.ts";
import { benchConfigOf } from "../options/load.ts";
import type { BenchValues } from "./declared/measure-speed.ts";
import type { BenchConfig } from "../../bench/sweep/bench-config.ts";
import { prepareAllWeights, prepareSweep } from "../../bench/sweep/prepare-sweep.ts";
import { sweep } from "../../bench/sweep/sweep.ts";
import type { SweepWatcher } from "../../bench/sweep/sweep.ts";
import type { Terminal } from "../terminal.ts";

/** Gives the exit code. */
export async function bench(
  values: BenchValues,
  _words: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { catalog, terminal, hubCache, isJson } = surroundings;
  const file = values.tasks.find(isTaskPath);
  const config = benchConfigOf(values, catalog, file === undefined ? null : (await findTask(catalog, file)).kind);
  const interrupt = watchInterrupt(() => {
    terminal.message("Stopping after this query; Ctrl-C again stops at once.");
  });
  try {
    const onMessage = terminal.message.bind(terminal);
    const onPreparation = terminal.preparation.bind(terminal);
    const prepared = await prepareSweep(config, catalog, { hubCache, onMessage, onPreparation });
    const folder = await BenchFolder.open(config.output, prepared.record, config);
    try {
      const runs = prepared.points.length * config.restarts;
      terminal.note(`Writing to ${config.output}: ${prepared.points.length} points, ${runs} runs`);
      for (const warning of prepared.record.machine.warnings) terminal.message(`The machine is not quiet: ${warning}.`);
      const isReal = catalog.processEntry === undefined;
      const weights = isReal
        ? await prepareAllWeights(prepared, { hubCache, cacheFolder: config.cache, onPreparation })
        : new Map<string, number>();
      const entry = catalog.processEntry;
      const work = { config, prepared, folder, hubCache, weights, ...(entry !== undefined && { entry }) };
      const points = await sweep(
        work,
        watcherOf(terminal, config, () => interrupt.exitCode() !== null),
      );
      if (points === null) {
        await folder.writeRecord({ status: "interrupted" });
        terminal.message(
          `Interrupted: what was measured is kept in ${folder.path}. The same command with --output goes on.`,
        );
        return interrupt.exitCode() ?? incompleteCode;
      }
      const { record } = folder;
      if (isJson)
        terminal.result(JSON.stringify({ format: "blip2-bench-bench-result/1", bench: record, points }, null, 2));
      else terminal.result(formatBenchTable(record, points));
      return record.status === "complete" ? completeCode : incompleteCode;
    } finally {
      await folder.close();
    }
  } finally {
    interrupt.dispose();
  }
}

function watcherOf(terminal: Terminal, { restarts }: BenchConfig, isStopped: () => boolean): SweepWatcher {
  return {
    isStopped,
    onProgress: (run, done, total) => {
      if (done > 0) terminal.progress({ run, before: 0, done, samples: Math.max(total, done + 1), failed: 0 });
    },
    onNote: (text) => {
      terminal.note(text);
    },
    onRun: (run) => {
      terminal.note(runLine(run, restarts));
    },
    onProblem: (problem) => {
      terminal.error(problem);
    },
  };
}

/** `shapes-opt-small-fp32-b1-t2-single-stream, run 1 of 5: p50 12.3 ms, 80.2 samples a second, VALID` */
function runLine({ point, restart, summary }: BenchRun, restarts: number): string {
  const { medianLatencyNs, samplesPerSecond, validity, percentileLatencyNs } = summary;
  const parts = [
    ...(medianLatencyNs === null || percentileLatencyNs === null
      ? []
      : [`p50 ${threeDigits(medianLatencyNs / 1e6)} ms`]),
    ...(samplesPerSecond === null ? [] : [`${threeDigits(samplesPerSecond)} samples a second`]),
    validity,
  ];
  return `${point}, run ${restart} of ${restarts}: ${parts.join(", ")}`;
}
