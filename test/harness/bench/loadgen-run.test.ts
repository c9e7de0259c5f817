/** Runs of the load generator on a system with known latencies, in virtual time. */
import assert from "node:assert/strict";
import { distributionOf } from "../../../harness/bench/loadgen/distribution.ts";
import { runQueries } from "../../../harness/bench/loadgen/issue.ts";
import type { IssueOptions } from "../../../harness/bench/loadgen/issue.ts";
import { logFiles } from "../../../harness/bench/loadgen/log-files.ts";
import { metricsOf, tokenTimes } from "../../../harness/bench/loadgen/metrics.ts";
import { latenciesNs } from "../../../harness/bench/loadgen/run-log.ts";
import type { RunLog } from "../../../harness/bench/loadgen/run-log.ts";
import { defaultSettings } from "../../../harness/bench/loadgen/settings.ts";
import type { LoadGenSettings } from "../../../harness/bench/loadgen/settings.ts";
import type { AnswerListener } from "../../../harness/bench/loadgen/system-under-test.ts";
import { judge } from "../../../harness/bench/loadgen/verdict.ts";
import type { RunVerdict } from "../../../harness/bench/loadgen/verdict.ts";
import { fakeSystem, VirtualClock } from "../../support/virtual-time.ts";
import type { FakeSystemOptions } from "../../support/virtual-time.ts";

const ms = 1e6;

interface Ran {
  readonly log: RunLog;
  readonly verdict: RunVerdict;
  readonly settings: LoadGenSettings;
}

async function ran(
  scenario: LoadGenSettings["scenario"],
  system: Omit<FakeSystemOptions, "clock">,
  { samples = 100, ...more }: Partial<LoadGenSettings> & Partial<Pick<IssueOptions, "samples" | "isStopped">> = {},
): Promise<Ran> {
  const clock = new VirtualClock();
  const { isStopped, ...changed } = more;
  const settings = { ...defaultSettings(scenario, samples), ...changed };
  const options = { settings, samples, clock, stallNs: 60e9, ...(isStopped !== undefined && { isStopped }) };
  const log = await clock.until(runQueries(fakeSystem({ clock, ...system }), options));
  return { log, settings, verdict: judge(log, settings) };
}

describe("SingleStream", () => {
  it("on known latencies gives the known percentiles and estimate", async () => {
    // 100, 101, …, 199 ms, over and over
    const { log, verdict, settings } = await ran("single-stream", { latencyNs: (query) => (100 + (query % 100)) * ms });
    assert.equal(verdict.validity, "VALID", verdict.reasons.join());
    assert.equal(log.queries.length, 100);
    const { percentiles, mean } = distributionOf(latenciesNs(log))!;
    assert.deepEqual([percentiles["50"]!.value, percentiles["90"]!.value, mean], [150 * ms, 190 * ms, 149.5 * ms]);
    assert.equal(verdict.earlyStopping?.estimateNs, 197 * ms); // t = 3 for n = 100: sorted[97]
    const metrics = new Map(metricsOf(log, settings, verdict));
    assert.equal(metrics.get("result_90.00_percentile_latency_ns"), 190 * ms);
    assert.ok(Math.abs(metrics.get("result_qps_without_loadgen_overhead")! - 1000 / 149.5) < 1e-9);
    assert.equal(tokenTimes(log).firstNs[0], 50 * ms);
  });

  it("goes on until both minima hold", async () => {
    const fast = await ran("single-stream", { latencyNs: () => 10 * ms });
    assert.equal(fast.log.queries.length, 1001);
    assert.ok(fast.log.queries.at(-1)!.issuedNs >= 10_000 * ms);
    const slow = await ran("single-stream", { latencyNs: () => 1000 * ms });
    assert.equal(slow.log.queries.length, 100);
  });

  it("issues the next query in the moment in which an answer is taken", async () => {
    const clock = new VirtualClock();
    const system = fakeSystem({ clock, latencyNs: () => ms });
    let inTheMoment = 0;
    const listen = (listener: AnswerListener): void => {
      const answered: AnswerListener["answered"] = (answers) => {
        const before = system.queries.length;
        listener.answered(answers);
        inTheMoment += system.queries.length - before;
      };
      system.listen({ ...listener, answered });
    };
    const settings = { ...defaultSettings("single-stream", 10), minQueryCount: 20, minDurationMs: 0 };
    await clock.until(runQueries({ ...system, listen }, { settings, samples: 10, clock, stallNs: 60e9 }));
    assert.equal(inTheMoment, 19);
  });

  it("gives back what the system throws at a later query", async () => {
    const clock = new VirtualClock();
    const system = fakeSystem({ clock, latencyNs: () => ms });
    const issue: typeof system.issue = (query) => {
      if (system.queries.length === 3) throw new Error("the pipe is closed");
      system.issue(query);
    };
    const settings = defaultSettings("single-stream", 10);
    const run = runQueries({ ...system, issue }, { settings, samples: 10, clock, stallNs: 60e9 });
    await assert.rejects(clock.until(run), /the pipe is closed/);
  });

  it("that is cut short says how long it would take", async () => {
    const { verdict } = await ran("single-stream", { latencyNs: () => 30_000 * ms }, { maxDurationMs: 600_000 });
    assert.deepEqual(verdict.reasons, [
      "too few queries: 20, expected 100; 100 take about 50 min at this pace",
      "early stopping not met: 44 more queries needed; 44 take about 22 min at this pace",
    ]);
    assert.equal(verdict.validity, "INVALID");
  });

  it("ends after the query at hand when it is stopped", async () => {
    let asked = 0;
    const isStopped = (): boolean => (asked += 1) > 5;
    const { log, verdict } = await ran("single-stream", { latencyNs: () => ms }, { isStopped });
    assert.equal(log.end.kind, "interrupted");
    assert.ok(log.queries.every(({ completedNs }) => completedNs !== null));
    assert.match(verdict.reasons[0]!, /^interrupted after 6 queries$/);
  });
});

describe("MultiStream", () => {
  it("asks eight at a time, counts the slowest, and needs 662 queries", async () => {
    const { log, verdict } = await ran("multi-stream", { latencyNs: () => 100 * ms });
    assert.equal(log.queries.length, 662);
    assert.ok(log.queries.every(({ samples }) => samples.length === 8));
    assert.equal(verdict.earlyStopping?.estimateNs, 100 * ms);
    const few = await ran("multi-stream", { latencyNs: () => 100 * ms }, { minQueryCount: 100 });
    assert.match(few.verdict.reasons.join(), /early stopping not met: 561 more queries needed/);
  });
});

describe("Server", () => {
  it("counts latency from the schedule: what waits for others waits in it", async () => {
    const { log, verdict } = await ran("server", { latencyNs: () => 20 * ms, isSerial: true }, { targetQps: 10 });
    assert.equal(verdict.validity, "VALID", verdict.reasons.join());
    assert.ok(latenciesNs(log).some((latency) => latency > 21 * ms));
    assert.ok(latenciesNs(log).every((latency) => latency >= 20 * ms - 1)); // whole nanoseconds
  });

  it("that is overloaded is INVALID, and says why", async () => {
    const { verdict } = await ran("server", { latencyNs: () => 20 * ms, isSerial: true }, { targetQps: 60 });
    assert.equal(verdict.validity, "INVALID");
    assert.match(verdict.reasons.join(), /early stopping not met: \d+ of 662 queries over the bound, \d+ more queries/);
    assert.equal(verdict.perfConstraintsMet, false);
  });

  it("in a search for the peak gives up as soon as it cannot hold", async () => {
    const overloaded = { latencyNs: () => 20 * ms, isSerial: true } as const;
    const { log } = await ran("server", overloaded, { targetQps: 500, mode: "FindPeakPerformance" });
    assert.equal(log.end.kind, "cut short");
    assert.ok(log.durationNs < 1000 * ms, String(log.durationNs));
  });

  it("is INVALID when the generator itself is late by more than 1 % of the bound", () => {
    const settings = { ...defaultSettings("server", 10), minDurationMs: 0, minQueryCount: 500 };
    const queries = Array.from({ length: 500 }, (_, query) => ({
      scheduledNs: query * ms,
      issuedNs: query * ms + (query < 20 ? 1.2 * ms : 0),
      completedNs: (query + 5) * ms,
      samples: [],
    }));
    const log: RunLog = { queries, end: { kind: "complete" }, durationNs: 505 * ms, wantedSamples: null };
    const { reasons, perfConstraintsMet } = judge(log, settings);
    assert.deepEqual(reasons, [
      "queries were issued late: the 99th percentile is 1.20 ms, expected at most 1 % of the bound",
    ]);
    assert.equal(perfConstraintsMet, false);
  });
});

describe("Offline", () => {
  it("asks all at once; its throughput is that of the last answer", async () => {
    const { log, settings, verdict } = await ran("offline", { latencyNs: () => 20_000 * ms }, { targetQps: 20 });
    assert.equal(log.queries.length, 1);
    assert.equal(log.queries[0]!.samples.length, 300); // 1.1 × 10 s × 20, in whole rounds of 100
    assert.equal(new Map(metricsOf(log, settings, verdict)).get("result_samples_per_second"), 15);
    assert.equal(verdict.validity, "VALID", verdict.reasons.join());
  });

  it("that a maximum cuts says how long the whole would take", async () => {
    const { verdict } = await ran("offline", { latencyNs: () => 10_000 * ms }, { targetQps: 1, maxDurationMs: 10_000 });
    assert.deepEqual(verdict.reasons, ["too few samples: 10, expected 100; 100 take about 100 s at this pace"]);
  });
});

describe("a system that does not answer", () => {
  it("is found by the watchdog when it stalls", async () => {
    const { log, verdict } = await ran("single-stream", { latencyNs: (query) => (query < 5 ? 10 * ms : null) });
    assert.equal(log.end.kind, "stalled");
    assert.equal(verdict.validity, "INVALID");
    assert.match(verdict.reasons[0]!, /^the model gave no answer for 60 s and was ended; 5 of 6 samples answered$/);
    assert.equal(log.durationNs, 60_050 * ms);
  });

  it("is no stall while answers come, and none while nothing is asked", async () => {
    const slow = await ran("single-stream", { latencyNs: () => 59_000 * ms }, { minQueryCount: 70 });
    assert.equal(slow.log.end.kind, "complete");
    const rare = await ran("server", { latencyNs: () => ms }, { targetQps: 0.005, minQueryCount: 5 });
    assert.equal(rare.log.end.kind, "complete");
  });

  it("makes the run INVALID when it is gone, with what it died of", async () => {
    for (const scenario of ["single-stream", "server", "offline"] as const) {
      const { log, verdict } = await ran(scenario, { latencyNs: () => ms, lives: scenario === "offline" ? 0 : 3 });
      assert.equal(log.end.kind, "gone");
      assert.equal(verdict.reasons[0], "the fake was ended by SIGKILL");
    }
  });
});

describe("accuracy mode", () => {
  it("asks every sample once, in their order", async () => {
    const { log } = await ran("offline", { latencyNs: () => ms }, { mode: "AccuracyOnly" });
    assert.deepEqual(
      log.queries[0]!.samples.map(({ index }) => index),
      Array.from({ length: 100 }, (_, index) => index),
    );
  });
});

describe("the log files", () => {
  it("have LoadGen's names, lines and fields, and claim nothing", async () => {
    const { log, settings, verdict } = await ran("single-stream", { latencyNs: () => 100 * ms });
    const startedAt = new Date(0);
    const qsl = { name: "vqav2 val", samples: 100 };
    const files = logFiles({
      log,
      settings,
      requested: settings,
      verdict,
      sut: "fake",
      qsl,
      startedAt,
      quick: false,
      trace: false,
    });
    assert.deepEqual(Object.keys(files), [
      "mlperf_log_summary.txt",
      "mlperf_log_detail.txt",
      "mlperf_log_accuracy.json",
    ]);
    const lines = files["mlperf_log_detail.txt"]!.trimEnd().split("\n");
    assert.ok(lines.every((line) => line.startsWith(":::MLLOG {")));
    const entries = lines.map((line) => JSON.parse(line.slice(":::MLLOG ".length)) as { key: string; value: unknown });
    const values = new Map(entries.map(({ key, value }) => [key, value]));
    assert.equal(values.get("result_validity"), "VALID");
    assert.equal(values.get("effective_min_query_count"), 100);
    assert.equal(values.get("requested_qsl_rng_seed"), "2085463073848966840");
    assert.equal(values.get("early_stopping_latency_ss"), 100 * ms);
    assert.equal(values.get("result_99.90_percentile_latency_ns"), 100 * ms);
    assert.equal(values.get("result_first_token_99.00_percentile_latency_ns"), 50 * ms);
    assert.equal(values.get("num_errors"), 0);
    assert.match(files["mlperf_log_summary.txt"]!, /^Result is : VALID$/m);
    for (const text of Object.values(files)) assert.doesNotMatch(text, /MLPerf result/i);
    const [first] = JSON.parse(files["mlperf_log_accuracy.json"]!) as {
      seq_id: number;
      qsl_idx: number;
      data: string;
    }[];
    assert.equal(Buffer.from(first!.data, "hex").toString(), `answer ${first!.qsl_idx}`);
  });
});
