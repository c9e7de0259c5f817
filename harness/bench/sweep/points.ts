/** The points of a sweep: every checkpoint, precision and number of threads in every scenario and batch size that it has. */
import type { Precision } from "../../../models/checkpoint/precision.ts";
import { describePrecision } from "../../../models/checkpoint/precision.ts";
import type { Scenario } from "../../../reports/records/bench/bench-record.ts";
import type { BenchConfig } from "./bench-config.ts";

/** What is loaded, and how much it is asked at once. */
export interface System {
  readonly checkpoint: string;
  readonly precision: Precision;
  readonly batchSize: number;
  readonly threads: number;
}

export interface Point {
  readonly name: string;
  readonly system: System;
  readonly scenario: Scenario;
}

/** `checkpoints`: their names. SingleStream has one sample at a time, so it is measured with a batch size of 1 only. */
export function planPoints(
  {
    precisions,
    threads,
    batchSizes,
    scenarios,
  }: Pick<BenchConfig, "precisions" | "threads" | "batchSizes" | "scenarios">,
  checkpoints: readonly string[],
): readonly Point[] {
  const points = new Map<string, Point>();
  for (const checkpoint of checkpoints) {
    for (const precision of precisions) {
      for (const count of threads) {
        for (const scenario of scenarios) {
          for (const size of batchSizes) {
            const batchSize = scenario === "single-stream" ? 1 : size;
            const system = { checkpoint, precision, batchSize, threads: count };
            const name = `${nameOf(system)}-${scenario}`;
            points.set(name, { name, system, scenario });
          }
        }
      }
    }
  }
  return [...points.values()];
}

/** Names a system, in messages and as a file. Points of one system give the same answers, so they share one accuracy run. */
export function nameOf({ checkpoint, precision, batchSize, threads }: System): string {
  const spelt = describePrecision(precision).replaceAll("=", "-").replaceAll(",", "+");
  return `${checkpoint.replaceAll(/[^\w.-]/g, "_")}-${spelt}-b${batchSize}-t${threads}`;
}
