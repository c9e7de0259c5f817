/** `blip2-bench bench`: how fast checkpoints answer, by the scenarios of MLPerf LoadGen. */
import { join } from "node:path";
import { BenchFolder } from "../../../reports/records/bench/bench-folder.ts";
import type { BenchRun } from "../../../reports/records/bench/bench-run.ts";
import { formatBenchTable } from "../../../reports/findings/bench-table.ts";
import { threeDigits } from "../../../reports/tables/numbers.ts";
import { usableProcessors } from "../../catalog/usable-processors.ts";
import { completeCode, incompleteCode } from "../exit-code.ts";
import { withDeviceFlags } from "../../catalog/device.ts";
import {
  cacheHelp,
  dataHelp,
  list,
  maxPixelsHelp,
  refuseExcess,
  refuseFlagsAsValues,
  withOutputFlags,
} from "../flags.ts";
import type { AddCommand, OutputFlags, Surroundings } from "../flags.ts";
import { watchInterrupt } from "../interrupt.ts";
import { readBenchConfig } from "../../bench/sweep/bench-config.ts";
import type { BenchConfig, BenchFlags } from "../../bench/sweep/bench-config.ts";
import { prepareAllWeights, prepareSweep } from "../../bench/sweep/prepare-sweep.ts";
import { sweep } from "../../bench/sweep/sweep.ts";
import type { SweepWatcher } from "../../bench/sweep/sweep.ts";
import type { Terminal } from "../terminal.ts";

export const addBench: AddCommand = (program, called) => {
  const command = program
    .command("bench")
    .description("measure latency and throughput by LoadGen's scenarios; goes on with a sweep that was stopped");
  command
    .option("-m, --model <names>", "checkpoints (default: all bundled that do the task)", list)
    .option("--precision <names>", "as in run, several with commas (default: fp32)", list)
    .option(
      "--scenarios <names>",
      "single-stream, multi-stream, server, offline (default: the first and the last)",
      list,
    )
    .option("-t, --tasks <name>", "the task whose samples are asked (default: vqav2)", list)
    .option("-b, --batch-sizes <n>", "samples the model gets at once, several with commas (default: 8)", list)
    .option("--threads <n>", "threads to compute with, several with commas (default: all)", list)
    .option("--restarts <n>", "processes a point is measured in (default: 5; 2 with --quick)")
    .option("--quick", "a short run for daily use, marked as such")
    .option("--target-qps <x>", "server: queries a second")
    .option("--latency-bound <time>", "server: bound of the 99th percentile (default: 100ms)")
    .option(
      "--find-peak",
      "server: look for the highest rate that holds the bound, from --target-qps on where it is given",
    )
    .option("--min-duration <time>", "of a run (default: 10s; 1s with --quick; mlperf.conf has 10min)")
    .option("--max-duration <time>", "of a run (default: 10min)")
    .option("--min-queries <n>", "of a run; offline: samples (default: LoadGen's)")
    .option("--sample-choice <how>", "equal-issue, with-replacement, unique or same (default: equal-issue)")
    .option("--seed <n>", "of arrivals and samples (default: those of mlperf.conf)")
    .option("--stall <time>", "a model that gives no answer for so long is ended (default: 2min)")
    .option("--trace", "write each run's mlperf_log_trace.json, for chrome://tracing and ui.perfetto.dev")
    .option("--no-accuracy", "do not ask each sample once more, untimed, to score and compare the answers")
    .option("-o, --output <folder>", "the bench folder (default: bench/<date-time>)")
    .option("--data <folder>", dataHelp)
    .option("--images <folder>", "its images (default: where the official archives put them)")
    .option("--max-pixels <n>", maxPixelsHelp)
    .option("--split <name>", "part of the data set (default: its first)")
    .option("--protocol <name>", "paper or lavis (default: paper)")
    .option("--limit <n>", "only the first n samples, or a fraction of them (default: all; 64 with --quick)")
    .option("--rerank <n>", "retrieval: texts that are matched with each image; 0 is none (default: the protocol's)")
    .option("--cache <folder>", cacheHelp)
    .option("--overwrite", "start again in a folder that holds a sweep");
  withOutputFlags(withDeviceFlags(command)).action(() => {
    refuseExcess(command, 0);
    refuseFlagsAsValues(command);
    const flags = command.opts<BenchFlags & OutputFlags>();
    called({ flags, perform: (surroundings) => bench(configOf(flags, surroundings), surroundings) });
  });
};

function configOf(flags: BenchFlags, { catalog, cacheFolder }: Surroundings): BenchConfig {
  return readBenchConfig(flags, {
    models: (task) => {
      const able = catalog.tasks.find(({ name }) => name === task)?.kind ?? "generation";
      return catalog.checkpoints.filter(({ kind }) => kind === able).map(({ name }) => name);
    },
    output: join("bench", new Date().toISOString().slice(0, 19).replaceAll(":", "-")),
    threads: usableProcessors(),
    cache: cacheFolder,
  });
}

/** Gives the exit code. */
async function bench(config: BenchConfig, surroundings: Surroundings): Promise<number> {
  const { catalog, terminal, hubCache, isJson } = surroundings;
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
