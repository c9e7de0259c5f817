/**
 * What the load generator itself costs: `npm run bench:loadgen -- --queries 500 --latency 10`. The system under test is
 * a timer in this process, so the time that a query takes beyond the timer is the generator's overhead. One line a
 * scenario:
 *
 *   overheadUs   single-stream: mean time between an answer and the next query; overheadShare: that over the latency
 *   delayUs      server: how late queries were issued, the 50th and 99th percentile
 *   sleepUs      for comparison: how late a thread wakes that only sleeps until each scheduled time
 */
import { Worker } from "node:worker_threads";
import { systemClock } from "../bench/loadgen/clock.ts";
import { percentileOf, sorted } from "../bench/loadgen/distribution.ts";
import { runQueries } from "../bench/loadgen/issue.ts";
import { goFirst } from "../bench/loadgen/priority.ts";
import { defaultSettings } from "../bench/loadgen/settings.ts";
import type { AnswerListener, SystemUnderTest } from "../bench/loadgen/system-under-test.ts";
import { print, readFlags, round, runBenchmark } from "./bench-report.ts";

function answersAfter(latencyMs: number): SystemUnderTest {
  let listener: AnswerListener = { answered: () => undefined, gone: () => undefined };
  return {
    name: `a timer of ${latencyMs} ms`,
    listen: (next) => {
      listener = next;
    },
    issue: (query) => {
      setTimeout(() => {
        const timing = { startedNs: null, tokensNs: [], stagesMs: {} };
        listener.answered(query.map(({ id }) => ({ id, text: "", tokens: 0, timing })));
      }, latencyMs);
    },
  };
}

/** Lets a thread sleep until each time, nanoseconds from now; gives how late it woke each time, in nanoseconds. */
async function sleepsLateNs(timesNs: readonly number[]): Promise<readonly number[]> {
  const thread = new Worker(
    `const { parentPort, workerData } = require("node:worker_threads");
     const never = new Int32Array(new SharedArrayBuffer(4));
     const start = process.hrtime.bigint();
     const nowNs = () => Number(process.hrtime.bigint() - start);
     parentPort.postMessage(workerData.map((timeNs) => {
       while (nowNs() < timeNs) Atomics.wait(never, 0, 0, (timeNs - nowNs()) / 1e6);
       return nowNs() - timeNs;
     }));`,
    { eval: true, workerData: timesNs },
  );
  return new Promise((resolve, reject) => {
    thread.once("message", resolve);
    thread.once("error", reject);
  });
}

await runBenchmark(async () => {
  goFirst();
  const flags = readFlags("bench:loadgen", { queries: 500, latency: 10, qps: 50 }, process.argv.slice(2));
  const latencyMs = flags.count("latency");
  const common = { samples: 1000, stallNs: 60e9 };
  const counts = { minQueryCount: flags.count("queries"), minDurationMs: 0 };
  const sut = answersAfter(latencyMs);

  const single = { ...defaultSettings("single-stream", common.samples), ...counts };
  const { queries } = await runQueries(sut, { ...common, settings: single, clock: systemClock() });
  const gaps = queries.slice(1).map(({ issuedNs }, index) => issuedNs - (queries[index]?.completedNs ?? 0));
  const gapNs = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  print({
    scenario: "single-stream",
    queries: queries.length,
    overheadUs: round(gapNs / 1e3, 2),
    overheadShare: round(gapNs / (latencyMs * 1e6), 6),
  });

  const server = { ...defaultSettings("server", common.samples), ...counts, targetQps: flags.count("qps") };
  const log = await runQueries(sut, { ...common, settings: server, clock: systemClock() });
  const delaysUs = (delaysNs: readonly number[]): Record<"p50" | "p99", number> => {
    const ascending = sorted(delaysNs);
    return { p50: round(percentileOf(ascending, 0.5) / 1e3), p99: round(percentileOf(ascending, 0.99) / 1e3) };
  };
  print({
    scenario: "server",
    queries: log.queries.length,
    targetQps: server.targetQps,
    delayUs: delaysUs(log.queries.map(({ scheduledNs, issuedNs }) => issuedNs - scheduledNs)),
    sleepUs: delaysUs(await sleepsLateNs(log.queries.map(({ scheduledNs }) => scheduledNs))),
  });
});
