/** What two runs of the same command must agree in. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Everything a run wrote, timings aside. */
export function bytesOf(path: string): string {
  const read = (name: string): string => readFileSync(join(path, name), "utf8");
  const predictions = read("predictions.jsonl").replaceAll(/"latencyMs":\{[^}]*\}/g, "");
  const record = read("run.json").replace(/"timings": \{[^}]*\}/, "");
  return [record, predictions, read("scores.json")].join("\n");
}
