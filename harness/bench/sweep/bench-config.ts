/**
 * BenchConfig: every choice of a sweep, with its default; checked once, then frozen. Flags come as they were typed, so that a
 * message can quote them.
 */
import { resolve } from "node:path";
import type { Precision } from "../../../models/checkpoint/precision.ts";
import { scenarios } from "../../../reports/records/bench/bench-record.ts";
import type { Scenario } from "../../../reports/records/bench/bench-record.ts";
import type { ProtocolName } from "../../../tasks/task.ts";
import { deviceChoices, deviceRequest } from "../../catalog/device.ts";
import type { DeviceFlags, DeviceRequest } from "../../catalog/device.ts";
import { formatDuration, parseDurationMs } from "../loadgen/duration.ts";
import { leastQueries } from "../loadgen/early-stopping.ts";
import { defaultSettings, sampleChoices } from "../loadgen/settings.ts";
import type { LoadGenSettings, SampleChoice } from "../loadgen/settings.ts";
import {
  choice,
  decimal,
  folder,
  integer,
  limit,
  names,
  namesOrPaths,
  text,
  unexpected,
} from "../../catalog/flag-values.ts";
import { cacheFolderOf, protocols, readPrecisions } from "../../evaluation/run-config.ts";
import { unknownName, UsageError } from "../../catalog/usage-error.ts";
import { readDataPlace } from "../../catalog/data-folder.ts";

export interface BenchConfig {
  readonly models: readonly string[];
  readonly precisions: readonly Precision[];
  readonly scenarios: readonly Scenario[];
  readonly task: string;
  readonly batchSizes: readonly number[];
  readonly threads: readonly number[];
  readonly device: DeviceRequest;
  /** Processes a point is measured in, one after the other. */
  readonly restarts: number;
  readonly quick: boolean;
  /** Server: null until the peak is looked for. */
  readonly targetQps: number | null;
  readonly findPeak: boolean;
  readonly latencyBoundMs: number | null;
  readonly minDurationMs: number | null;
  readonly maxDurationMs: number;
  readonly minQueries: number | null;
  readonly seed: bigint | null;
  readonly sampleChoice: SampleChoice | null;
  /** Patience with a model that gives no answer. */
  readonly stallMs: number;
  /** Whether each run is also written as a trace. */
  readonly trace: boolean;
  /** Whether each sample is also asked once, untimed, and scored. */
  readonly accuracy: boolean;
  readonly output: string;
  readonly data: string | null;
  readonly images: string | null;
  /** Width × height of an image, at most; null: the usual limit. */
  readonly maxPixels: number | null;
  readonly split: string | null;
  readonly protocol: ProtocolName;
  readonly limit: number | null;
  /** Retrieval: texts that are matched with an image; null: the protocol's. */
  readonly rerank: number | null;
  readonly cache: string;
  readonly overwrite: boolean;
}

/** The flags of `bench` as they were typed. */
export interface BenchFlags extends DeviceFlags {
  readonly model?: readonly string[];
  readonly precision?: readonly string[];
  readonly scenarios?: readonly string[];
  readonly tasks?: readonly string[];
  readonly batchSizes?: readonly string[];
  readonly threads?: readonly string[];
  readonly restarts?: string;
  readonly quick?: boolean;
  readonly targetQps?: string;
  readonly findPeak?: boolean;
  readonly latencyBound?: string;
  readonly minDuration?: string;
  readonly maxDuration?: string;
  readonly minQueries?: string;
  readonly seed?: string;
  readonly sampleChoice?: string;
  readonly stall?: string;
  readonly accuracy?: boolean;
  readonly trace?: boolean;
  readonly output?: string;
  readonly data?: string;
  readonly images?: string;
  readonly maxPixels?: string;
  readonly split?: string;
  readonly protocol?: string;
  readonly limit?: string;
  readonly rerank?: string;
  readonly cache?: string;
  readonly overwrite?: boolean;
}

export interface BenchDefaults {
  /** Bundled checkpoints that do a task. */
  readonly models: (task: string) => readonly string[];
  readonly output: string;
  readonly threads: number;
  readonly cache: string;
}

/** `--quick`: for daily use, marked wherever it is shown. */
const quickLimit = 64; // samples, and queries of a stream: LoadGen's statistic needs 64 for a 90th percentile
const quickQueries: Readonly<Record<Scenario, number>> = {
  "single-stream": 64,
  "multi-stream": 8,
  server: 459, // of a 99th percentile; with fewer no run is VALID, and no rate holds
  offline: 64,
};
const quickDurationMs = 1000;
const defaultBatchSize = 8; // as in `run`

/** Throws a UsageError that names the flag, what was found and what is expected. */
export function readBenchConfig(flags: BenchFlags, defaults: BenchDefaults): BenchConfig {
  const quick = flags.quick ?? false;
  const tasks = names("--tasks", flags.tasks, ["vqav2"]);
  if (tasks.length > 1) {
    throw new UsageError(`--tasks: found ${tasks.join(", ")}, expected one task: a bench folder is for one.`);
  }
  const config = Object.freeze({
    models: namesOrPaths("--model", flags.model, defaults.models(tasks[0]!)),
    precisions: readPrecisions(flags.precision),
    scenarios: names("--scenarios", flags.scenarios, ["single-stream", "offline"]).map(scenarioNamed),
    task: tasks[0]!,
    batchSizes: integers("--batch-sizes", flags.batchSizes, defaultBatchSize),
    threads: integers("--threads", flags.threads, defaults.threads),
    device: deviceRequest(
      choice("--device", flags.device, deviceChoices),
      integer("--device-id", flags.deviceId, { from: 0 }),
    ),
    restarts: integer("--restarts", flags.restarts, { from: 1 }) ?? (quick ? 2 : 5),
    quick,
    targetQps: flags.targetQps === undefined ? null : rate("--target-qps", flags.targetQps),
    findPeak: flags.findPeak ?? false,
    latencyBoundMs: duration("--latency-bound", flags.latencyBound),
    minDurationMs: duration("--min-duration", flags.minDuration) ?? (quick ? quickDurationMs : null),
    maxDurationMs: duration("--max-duration", flags.maxDuration) ?? 600_000,
    minQueries: integer("--min-queries", flags.minQueries, { from: 1 }) ?? null,
    seed: seedOf(flags.seed),
    sampleChoice: choice("--sample-choice", flags.sampleChoice, sampleChoices) ?? null,
    stallMs: duration("--stall", flags.stall) ?? 120_000,
    accuracy: flags.accuracy ?? true,
    trace: flags.trace ?? false,
    output: resolve(text("--output", flags.output) ?? defaults.output),
    data: readDataPlace("--data", flags.data),
    images: folder("--images", flags.images),
    maxPixels: integer("--max-pixels", flags.maxPixels, { from: 1 }) ?? null,
    split: text("--split", flags.split) ?? null,
    protocol: choice("--protocol", flags.protocol, protocols) ?? "paper",
    limit: limit(flags.limit) ?? (quick ? quickLimit : null),
    rerank: integer("--rerank", flags.rerank, { from: 0 }) ?? null,
    cache: cacheFolderOf(flags.cache, defaults.cache),
    overwrite: flags.overwrite ?? false,
  });
  checkTogether(config);
  return config;
}

function checkTogether(config: BenchConfig): void {
  const { scenarios: asked, targetQps, findPeak, latencyBoundMs, minDurationMs, maxDurationMs } = config;
  const hasServer = asked.includes("server");
  if (hasServer && targetQps === null && !findPeak) {
    throw new UsageError(
      "--scenarios server: queries arrive at a rate that must be given. " +
        "Add --target-qps <rate>, or --find-peak to look for the highest that holds.",
    );
  }
  const serverFlag = targetQps !== null ? "--target-qps" : findPeak ? "--find-peak" : "--latency-bound";
  if (!hasServer && (targetQps !== null || findPeak || latencyBoundMs !== null)) {
    throw new UsageError(`${serverFlag}: only the Server scenario has it. Add --scenarios server.`);
  }
  const least = leastQueries(0.99, 0); // of the Server scenario's percentile
  if (findPeak && config.minQueries !== null && config.minQueries < least) {
    throw new UsageError(
      `--min-queries: found ${config.minQueries}, expected at least ${least} with --find-peak: ` +
        "fewer cannot show that a 99th percentile holds.",
    );
  }
  if (minDurationMs !== null && minDurationMs > maxDurationMs) {
    const [least, most] = [formatDuration(minDurationMs), formatDuration(maxDurationMs)];
    throw new UsageError(`--min-duration: found ${least}, expected at most --max-duration, ${most}.`);
  }
}

/** `samples`: of the library. */
export function settingsOf(config: BenchConfig, scenario: Scenario, samples: number): LoadGenSettings {
  const defaults = defaultSettings(scenario, samples);
  const { seed, minQueries, quick } = config;
  const least = minQueries ?? (quick ? quickQueries[scenario] : defaults.minQueryCount);
  return {
    ...defaults,
    minQueryCount: scenario === "offline" && minQueries === null ? Math.min(least, samples) : least,
    minDurationMs: config.minDurationMs ?? defaults.minDurationMs,
    maxDurationMs: config.maxDurationMs,
    targetLatencyNs: config.latencyBoundMs === null ? defaults.targetLatencyNs : config.latencyBoundMs * 1e6,
    targetQps: config.targetQps ?? defaults.targetQps,
    sampleChoice: config.sampleChoice ?? defaults.sampleChoice,
    seeds: seed === null ? defaults.seeds : { qsl: seed, sampleIndex: seed, schedule: seed },
  };
}

function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario === name || scenario.replace("-", "") === name.toLowerCase());
  if (found !== undefined) return found;
  throw unknownName(`--scenarios ${name}`, "scenario", { name, names: scenarios });
}

function integers(flag: string, values: readonly string[] | undefined, otherwise: number): readonly number[] {
  const words = names(flag, values, [String(otherwise)]);
  return words.map((word) => integer(flag, word, { from: 1 })!);
}

function duration(flag: string, value: string | undefined): number | null {
  if (value === undefined) return null;
  const found = parseDurationMs(value);
  if (found !== null && found > 0) return found;
  throw unexpected(flag, value, "a duration above 0, such as 80ms, 10s, 10min or 2h");
}

function rate(flag: string, value: string): number {
  const found = decimal(value);
  if (found > 0 && Number.isFinite(found)) return found;
  throw unexpected(flag, value, "queries a second, above 0");
}

function seedOf(value: string | undefined): bigint | null {
  if (value === undefined) return null;
  if (/^\d{1,20}$/.test(value) && BigInt(value) < 2n ** 64n) return BigInt(value);
  throw unexpected("--seed", value, "a whole number from 0 to 2^64 - 1");
}
