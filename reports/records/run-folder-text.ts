/** Texts for the run folder: the contents of scores.json, and a description of how two runs differ. */
import { identityFields } from "./run-record.ts";
import type { RecordedPlan, RunRecord, ScoreSheet } from "./run-record.ts";

/** Names each field that differs, with the value in the folder and the value that this command expects. */
export function differences(path: string, found: RunRecord, plan: RecordedPlan): string {
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

/** scores.json as text, with each column of `samples` on one line, since it has a value for every sample. */
export function scoresText({ samples, ...rest }: ScoreSheet): string {
  const columns = Object.entries(samples).map(([name, values]) => `${JSON.stringify(name)}: ${JSON.stringify(values)}`);
  const head = JSON.stringify(rest, null, 2).slice(0, -"\n}".length);
  return `${head},\n  "samples": {\n    ${columns.join(",\n    ")}\n  }\n}\n`;
}
