/** What the run folder writes and says that is more than JSON.stringify: scores, and how two runs differ. */
import { identityFields } from "./run-record.ts";
import type { RunPlan, RunRecord, ScoreSheet } from "./run-record.ts";

/** Names each field that differs: what the folder has, and what this command expects. */
export function differences(path: string, found: RunRecord, plan: RunPlan): string {
  const old = identityFields(found);
  const now = identityFields(plan);
  const names = [...new Set([...old.keys(), ...now.keys()])].filter((name) => old.get(name) !== now.get(name));
  const lines = names.map((name) => `  ${name}: found ${old.get(name) ?? "none"}, expected ${now.get(name) ?? "none"}`);
  return [
    `${path}: holds predictions of another run:`,
    ...lines,
    "Give another folder with --output, or --overwrite to start this one again.",
  ].join("\n");
}

/** A column of `samples` on one line: there are as many values as samples. */
export function scoresText({ samples, ...rest }: ScoreSheet): string {
  const columns = Object.entries(samples).map(([name, values]) => `${JSON.stringify(name)}: ${JSON.stringify(values)}`);
  const head = JSON.stringify(rest, null, 2).slice(0, -"\n}".length);
  return `${head},\n  "samples": {\n    ${columns.join(",\n    ")}\n  }\n}\n`;
}
