/** Options of `bench`: which load is generated, for how long and how often; and the BenchConfig made from them. */
import { join, resolve } from "node:path";
import * as z from "zod";
import { scenarios } from "../../../reports/records/bench/bench-record.ts";
import type { Scenario } from "../../../reports/records/bench/bench-record.ts";
import { checkBenchConfig } from "../../bench/sweep/bench-config.ts";
import type { BenchConfig } from "../../bench/sweep/bench-config.ts";
import { sampleChoices } from "../../bench/loadgen/settings.ts";
import { unknownName, UsageError } from "../../catalog/usage-error.ts";
import { usableProcessors } from "../../catalog/usable-processors.ts";
import { decimal, readValue, unexpected, wholeFrom } from "../../catalog/values.ts";
import { defaultBatchSize } from "../../evaluation/run-config.ts";
import type { CheckpointKind } from "../../../models/model.ts";
import type { Catalog } from "../../catalog/catalog.ts";
import { choice, choicesOf, duration, namesOrPaths, single, value } from "./kinds.ts";
import { optionsUnder } from "./option.ts";
import type { Kind, Values } from "./option.ts";
import { outputFolder, overwrite } from "./output.ts";
import { cache, device, deviceOf } from "./speed.ts";
import { protocol } from "./text.ts";
import { modelOption, precision, rankingAndScore, samples } from "./what-to-run.ts";

const underOutput = optionsUnder("Output");
const underSpeed = optionsUnder("Speed");
const underWhatToRun = optionsUnder("What to run");
const quickLimit = 64; // samples: LoadGen's early-stopping statistic needs 64 for a 90th percentile
const quickDurationMs = 1000;

const wholeNumbers = choicesOf(null, (name, where) => readValue(wholeFrom(1), name, where));

const rate: Kind<number> = single(z.number().positive(), null, (typed, where) => {
  const found = decimal(typed);
  if (found > 0 && Number.isFinite(found)) return found;
  throw unexpected(where, typed, "queries a second, above 0");
});

const seed: Kind<bigint> = single(z.union([z.int().min(0), z.string()]), null, (typed, where) => {
  if (/^\d{1,20}$/.test(typed) && BigInt(typed) < 2n ** 64n) return BigInt(typed);
  throw unexpected(where, typed, "a whole number from 0 to 2^64 - 1");
});

function scenarioNamed(name: string, where: string): Scenario {
  const found = scenarios.find((scenario) => scenario === name || scenario.replace("-", "") === name.toLowerCase());
  if (found !== undefined) return found;
  throw unknownName(`${where} ${name}`, "scenario", { name, names: scenarios });
}

export const benchOptions = {
  model: modelOption("all bundled that do the task", "checkpoints"),
  tasks: underWhatToRun.option("-t, --tasks <name>", "the task whose samples are asked, or a task file", {
    kind: namesOrPaths("tasks"),
    usual: "vqav2",
    otherwise: ["vqav2"],
  }),
  precision,
  ...samples,
  limit: { ...samples.limit, help: "only the first n samples, or a fraction of them (default: all; 64 with --quick)" },
  rerank: {
    ...rankingAndScore.rerank,
    help: "retrieval: texts that are matched with each image; 0 is none (default: the protocol's)",
  },
  protocol,
  scenarios: underSpeed.option("--scenarios <names>", "single-stream, multi-stream, server, offline", {
    kind: choicesOf(scenarios, scenarioNamed),
    usual: "the first and the last",
    otherwise: ["single-stream", "offline"] as const,
  }),
  batchSizes: underSpeed.option("-b, --batch-sizes <n>", "samples the model gets at once, several with commas", {
    kind: wholeNumbers,
    usual: String(defaultBatchSize),
    otherwise: [defaultBatchSize],
  }),
  threads: underSpeed.option("--threads <n>", "threads to compute with, several with commas", {
    kind: wholeNumbers,
    usual: "all",
    otherwiseIn: () => [usableProcessors()],
  }),
  restarts: underSpeed.option("--restarts <n>", "processes a point is measured in", {
    kind: value(wholeFrom(1)),
    usual: "5; 2 with --quick",
  }),
  quick: underSpeed.toggle("--quick", "a short run for daily use, marked as such"),
  targetQps: underSpeed.option("--target-qps <x>", "server: queries a second", { kind: rate, otherwise: null }),
  latencyBound: underSpeed.option("--latency-bound <time>", "server: bound of the 99th percentile", {
    kind: duration,
    usual: "100ms",
    otherwise: null,
  }),
  findPeak: underSpeed.toggle(
    "--find-peak",
    "server: look for the highest rate that holds the bound, from --target-qps on where it is given",
  ),
  minDuration: underSpeed.option("--min-duration <time>", "of a run", {
    kind: duration,
    usual: "10s; 1s with --quick; mlperf.conf has 10min",
    otherwise: null,
  }),
  maxDuration: underSpeed.option("--max-duration <time>", "of a run", {
    kind: duration,
    usual: "10min",
    otherwise: 600_000,
  }),
  minQueries: underSpeed.option("--min-queries <n>", "of a run; offline: samples", {
    kind: value(wholeFrom(1)),
    usual: "LoadGen's",
    otherwise: null,
  }),
  sampleChoice: underSpeed.option("--sample-choice <how>", "equal-issue, with-replacement, unique or same", {
    kind: choice(sampleChoices),
    usual: "equal-issue",
    otherwise: null,
  }),
  seed: underSpeed.option("--seed <n>", "of arrivals and samples", {
    kind: seed,
    usual: "those of mlperf.conf",
    otherwise: null,
  }),
  stall: underSpeed.option("--stall <time>", "a model that gives no answer for so long is ended", {
    kind: duration,
    usual: "2min",
    otherwise: 120_000,
  }),
  ...device,
  cache,
  trace: underOutput.toggle(
    "--trace",
    "write each run's mlperf_log_trace.json, for chrome://tracing and ui.perfetto.dev",
  ),
  accuracy: underOutput.toggle(
    "--no-accuracy",
    "do not ask each sample once more, untimed, to score and compare the answers",
  ),
  output: outputFolder("the bench folder", "bench/<date-time>"),
  overwrite: overwrite("sweep"),
};

/**
 * Throws a UsageError that names the flag, the value found and what was expected.
 * @param kindOfFile which checkpoints do the task that is written in a file; null: it is one of the catalogue
 */
export function benchConfigOf(
  values: Values<typeof benchOptions>,
  catalog: Pick<Catalog, "tasks" | "checkpoints">,
  kindOfFile: CheckpointKind | null = null,
): BenchConfig {
  const { model, precision: precisions, tasks, deviceId, latencyBound, minDuration, maxDuration, ...others } = values;
  const { quick, restarts, limit, rerank, stall, output } = others;
  const [task = "", ...more] = tasks;
  if (more.length > 0) {
    throw new UsageError(`--tasks: found ${tasks.join(", ")}, expected one task: a bench folder is for one.`);
  }
  const able = catalog.tasks.find(({ name }) => name === task)?.kind ?? kindOfFile ?? "generation";
  const bundled = catalog.checkpoints.filter(({ kind }) => kind === able);
  const config: BenchConfig = Object.freeze({
    ...others,
    models: model ?? bundled.map(({ name }) => name),
    precisions,
    task,
    device: deviceOf({ device: values.device, deviceId }),
    restarts: restarts ?? (quick ? 2 : 5),
    latencyBoundMs: latencyBound,
    minDurationMs: minDuration ?? (quick ? quickDurationMs : null),
    maxDurationMs: maxDuration,
    stallMs: stall,
    limit: limit ?? (quick ? quickLimit : null),
    rerank: rerank ?? null,
    output: output ?? resolve(join("bench", new Date().toISOString().slice(0, 19).replaceAll(":", "-"))),
  });
  checkBenchConfig(config);
  return config;
}
