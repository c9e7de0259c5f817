/** Texts for the run folder: the contents of scores.json, and a description of how two runs differ. */
import { identityFields } from "./run-record.ts";
import type { RecordedPlan, ScoreSheet } from "./run-record.ts";

/** Names each field that differs, with the value in the folder and the value that this command expects. */
export function differences(path: string, found: RecordedPlan, plan: RecordedPlan): string {
  return [
    `${path}: holds predictions of another run:`,
    ...differingFields(found, plan).map((line) => `  ${line}`),
    "Give another folder with --output, or --overwrite to start this one again.",
  ].join("\n");
}

/** A line for each field of identity in which two runs differ: `config.decoding.beams: found 2, expected 5`. */
export function differingFields(found: RecordedPlan, expected: RecordedPlan): readonly string[] {
  const old = identityFields(found);
  const now = identityFields(expected);
  const names = [...new Set([...old.keys(), ...now.keys()])].filter((name) => old.get(name) !== now.get(name));
  return names.map((name) => `${name}: found ${old.get(name) ?? "none"}, expected ${now.get(name) ?? "none"}`);
}

/** scores.json as text, with each column of `samples` on one line, since it has a value for every sample. */
export function scoresText({ samples, ...rest }: ScoreSheet): string {
  const columns = Object.entries(samples).map(([name, values]) => `${JSON.stringify(name)}: ${JSON.stringify(values)}`);
  const head = JSON.stringify(rest, null, 2).slice(0, -"\n}".length);
  return `${head},\n  "samples": {\n    ${columns.join(",\n    ")}\n  }\n}\n`;
}
