/**
 * The log files of a run under LoadGen's names and with its fields, so that scripts that read those read these:
 *
 *   mlperf_log_summary.txt     for people
 *   mlperf_log_detail.txt      one ":::MLLOG {key, value, …}" a line (logging.h)
 *   mlperf_log_trace.json      where it is asked for: trace.ts
 *   mlperf_log_accuracy.json   [{ seq_id, qsl_idx, data }], data the answer's UTF-8 bytes in hexadecimal
 */
import { loadGenName, settingsRecord } from "./settings.ts";
import type { LoadGenSettings } from "./settings.ts";
import type { RunLog } from "./run-log.ts";
import { metricsOf } from "./metrics.ts";
import { traceText } from "./trace.ts";
import type { RunVerdict } from "./verdict.ts";

/** LoadGen's version whose fields and rules these are. */
export const loadGenVersion = "6.0.17";

export interface LoggedRun {
  readonly log: RunLog;
  readonly settings: LoadGenSettings;
  /** As they were asked for, before what was measured sized an offline query. */
  readonly requested: LoadGenSettings;
  readonly verdict: RunVerdict;
  readonly sut: string;
  readonly qsl: { readonly name: string; readonly samples: number };
  readonly startedAt: Date;
  readonly quick: boolean;
  readonly trace: boolean;
}

type LogValue = string | number | boolean | null | readonly number[];

/** Text of each file by its name. */
export function logFiles(run: LoggedRun): Readonly<Record<string, string>> {
  return {
    "mlperf_log_summary.txt": summaryText(run),
    "mlperf_log_detail.txt": detailText(run),
    "mlperf_log_accuracy.json": accuracyText(run.log),
    ...(run.trace && { "mlperf_log_trace.json": traceText(run) }),
  };
}

function detailText(run: LoggedRun): string {
  const { log, settings, requested, verdict, sut, qsl, startedAt } = run;
  const startMs = startedAt.getTime();
  const endMs = startMs + log.durationNs / 1e6;
  const lines: string[] = [];
  const add = (key: string, value: LogValue, { timeMs = startMs, isError = false } = {}): void => {
    lines.push(line(key, value, { timeMs, isError }));
  };
  add("loadgen_version", `${loadGenVersion} (compatible)`);
  add("test_datetime", startedAt.toISOString());
  add("sut_name", sut);
  add("qsl_name", qsl.name);
  add("qsl_reported_total_count", qsl.samples);
  add("qsl_reported_performance_count", qsl.samples);
  for (const [name, value] of Object.entries(settingsRecord(requested))) add(`requested_${name}`, value);
  for (const [name, value] of Object.entries(settingsRecord(settings))) add(`effective_${name}`, value);
  add("loaded_qsl_set_size", qsl.samples);
  add("generated_query_count", log.queries.length);
  add("generated_samples_per_query", log.queries[0]?.samples.length ?? 0);
  add("generated_query_duration", Math.round(log.queries.at(-1)?.scheduledNs ?? 0));
  add("power_begin", startedAt.toISOString());
  add("power_end", new Date(endMs).toISOString(), { timeMs: endMs });

  const end = { timeMs: endMs };
  if (settings.mode === "PerformanceOnly") {
    add("result_validity", verdict.validity, end);
    add("result_perf_constraints_met", verdict.perfConstraintsMet, end);
    add("result_min_duration_met", verdict.minDurationMet, end);
    add("result_min_queries_met", verdict.minQueriesMet, end);
    if (verdict.earlyStopping !== null) {
      add("early_stopping_met", verdict.earlyStopping.met, end);
      add("early_stopping_result", verdict.earlyStopping.result, end);
    }
    for (const reason of verdict.reasons) add("result_invalid_reason", reason, end);
    for (const [key, value] of metricsOf(log, settings, verdict)) add(key, value, end);
  }
  const failed = log.queries.flatMap(({ samples }) => samples.filter(({ answer }) => answer?.text === null));
  for (const { answer } of failed)
    add("error_sample_failed", answer?.error ?? "no reason given", { ...end, isError: true });
  add("num_errors", failed.length, end);
  add("num_warnings", 0, end);
  return `${lines.join("\n")}\n`;
}

function line(key: string, value: LogValue, { timeMs, isError }: { timeMs: number; isError: boolean }): string {
  const entry = {
    key,
    value,
    time_ms: Number(timeMs.toFixed(6)),
    namespace: "mlperf::logging",
    event_type: "POINT_IN_TIME",
    metadata: {
      is_error: isError,
      is_warning: false,
      file: "log-files.ts",
      line_no: 0,
      pid: process.pid,
      tid: process.pid,
    },
  };
  return `:::MLLOG ${JSON.stringify(entry)}`;
}

function summaryText({ log, settings, verdict, sut, qsl, quick }: LoggedRun): string {
  const yes = (value: boolean): string => (value ? "Yes" : "No");
  const rule = "================================================";
  const heading = (text: string): readonly string[] => [rule, text, rule];
  const lines = [
    ...heading("LoadGen-compatible results summary"),
    "Rules and fields are LoadGen's; nothing here was submitted to or verified by MLCommons.",
    ...(quick ? ["A quick run: shorter than LoadGen's minimum durations and counts."] : []),
    `SUT name : ${sut}`,
    `QSL name : ${qsl.name}`,
    `Scenario : ${loadGenName(settings.scenario)}`,
    `Mode     : ${settings.mode}`,
  ];
  if (settings.mode === "PerformanceOnly") {
    const metrics = new Map(metricsOf(log, settings, verdict));
    const show = (key: string, label: string): readonly string[] => {
      const value = metrics.get(key);
      return value === undefined ? [] : [`${label} : ${String(value)}`];
    };
    const percentile = settings.targetLatencyPercentile * 100;
    lines.push(
      ...show("early_stopping_latency_ss", `${percentile}th percentile latency, early-stopping estimate (ns)`),
      ...show("early_stopping_latency_ms", `${percentile}th percentile latency, early-stopping estimate (ns)`),
      ...show("result_samples_per_second", "Samples per second"),
      ...show("result_completed_samples_per_sec", "Completed samples per second"),
      `Result is : ${verdict.validity}`,
      `  Performance constraints satisfied : ${yes(verdict.perfConstraintsMet)}`,
      `  Min duration satisfied : ${yes(verdict.minDurationMet)}`,
      `  Min queries satisfied : ${yes(verdict.minQueriesMet)}`,
      ...(verdict.earlyStopping === null ? [] : [`  Early stopping satisfied: ${yes(verdict.earlyStopping.met)}`]),
      ...(verdict.earlyStopping === null ? [] : [`Early stopping : ${verdict.earlyStopping.result}`]),
      ...verdict.reasons.map((reason) => `  INVALID because: ${reason}`),
      ...heading("Additional Stats"),
      ...[...metrics].map(([key, value]) => `${key} : ${String(value)}`),
    );
  }
  lines.push(
    ...heading("Test Parameters Used"),
    ...Object.entries(settingsRecord(settings)).map(([name, value]) => `${name} : ${String(value)}`),
  );
  return `${lines.join("\n")}\n`;
}

function accuracyText({ queries }: RunLog): string {
  const entries = queries.flatMap(({ samples }) =>
    samples.flatMap(({ id, index, answer }) => {
      if (answer?.text === null || answer === null) return [];
      const data = Buffer.from(answer.text, "utf8").toString("hex").toUpperCase();
      return [JSON.stringify({ seq_id: id, qsl_idx: index, data, token_count: answer.tokens })];
    }),
  );
  return entries.length === 0 ? "[]\n" : `[\n${entries.join(",\n")}\n]\n`;
}
