/** The files of runs: what two runs of the same command must agree in, and what one holds. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Prediction, RunRecord } from "../../reports/records/run-record.ts";

/** What a merged run has in common with a run of one process: predictions but for their times, and scores. */
export function answersOf(path: string): string {
  const read = (name: string): string => readFileSync(join(path, name), "utf8");
  return [read("predictions.jsonl").replaceAll(/"latencyMs":\{[^}]*\}/g, ""), read("scores.json")].join("\n");
}

/** Everything a run wrote, timings aside. */
export function bytesOf(path: string): string {
  const read = (name: string): string => readFileSync(join(path, name), "utf8");
  const predictions = read("predictions.jsonl").replaceAll(/"latencyMs":\{[^}]*\}/g, "");
  const { timings, measured, ...record } = JSON.parse(read("run.json")) as Record<string, unknown>;
  assert.ok(typeof timings === "object" && (measured === undefined || typeof measured === "object"));
  return [JSON.stringify(record), predictions, read("scores.json")].join("\n");
}

/** What a run folder holds of its plan and its predictions. */
export function readRunFiles(path: string): {
  readonly record: RunRecord;
  readonly predictions: readonly Prediction[];
} {
  const record = JSON.parse(readFileSync(join(path, "run.json"), "utf8")) as RunRecord;
  const lines = readFileSync(join(path, "predictions.jsonl"), "utf8").trim().split("\n");
  return { record, predictions: lines.map((line) => JSON.parse(line) as Prediction) };
}
