/** What this program writes, and its configuration, as forms: run folders, findings, benches, YAML and JSON of a user. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { readGateConfig } from "../../../harness/analysis/gate/gate-config.ts";
import { catalog } from "../../../harness/catalog/catalog.ts";
import { readTaskFile } from "../../../harness/catalog/task-file/read-task-file.ts";
import { UsageError } from "../../../harness/catalog/usage-error.ts";
import { readConfigFile } from "../../../harness/cli/config-file.ts";
import { runOptions } from "../../../harness/cli/options/run.ts";
import { parseBenchPoint, parseBenchRecord } from "../../../reports/records/bench/bench-record.ts";
import { recordChecksums } from "../../../reports/records/checksums.ts";
import { baselineText, readBaseline } from "../../../reports/records/findings/baseline.ts";
import { historyLineOf, readHistory } from "../../../reports/records/findings/history.ts";
import { readFirstSteps, writeFirstSteps } from "../../../reports/records/first-step.ts";
import { readPredictions } from "../../../reports/records/journal.ts";
import { readRunRecord } from "../../../reports/records/run-files.ts";
import { RunFolderError } from "../../../reports/records/run-folder-error.ts";
import { lockFolder } from "../../../reports/records/run-lock.ts";
import { parseRunRecord } from "../../../reports/records/run-record.ts";
import type { Prediction } from "../../../reports/records/run-record.ts";
import { readScores } from "../../../reports/records/read-scores.ts";
import { readTextFile, TextFileError } from "../../../reports/records/text-file.ts";
import { projectRoot } from "../project.ts";
import { benchPoint, makeBench } from "../report-folders.ts";
import { writeMadeRun } from "../compared-runs.ts";
import { temporaryFolder } from "../temporary-files.ts";
import type { Form } from "./form.ts";

const refusals = [RunFolderError, TextFileError];

export const journalPredictions: readonly Prediction[] = [
  {
    id: "1",
    status: "predicted",
    image: "7",
    prompt: "What?",
    text: " red\n",
    tokens: [3, 4],
    score: -0.5,
    latencyMs: { decode: 1 },
  },
  { id: "2", status: "matched", image: "8", texts: [0, 1], logits: [0.5, -1], latencyMs: {} },
  { id: "3", status: "imported", image: "9", text: "blau, größer" },
  { id: "4", status: "failed", image: "9", prompt: null, error: "no such image" },
];

interface Reader {
  readonly name: string;
  readonly file: string;
  readonly original: string | Uint8Array;
  readonly text?: "json" | "lines";
  readonly read: (file: string, folder: string) => Promise<unknown>;
  readonly beside?: Readonly<Record<string, string | Uint8Array>>;
}

function form({ name, file, original, text, read, beside }: Reader, classes: Form["refusals"] = refusals): Form {
  const folder = temporaryFolder(beside);
  const whole = path.join(folder, file);
  return {
    name,
    originals: [typeof original === "string" ? Buffer.from(original) : original],
    file: whole,
    read: () => read(whole, folder),
    refusals: classes,
    ...(text !== undefined && { text }),
  };
}

/** Of a scored run of two samples. */
function runFiles(): { readonly record: string; readonly scores: string } {
  const folder = writeMadeRun(temporaryFolder(), {
    samples: [1, 2].map((id) => ({ id: `q${id}`, image: "7", answer: "red", score: id / 2, answerType: "other" })),
    overrides: { beams: 1 },
  });
  return {
    record: readFileSync(path.join(folder, "run.json"), "utf8"),
    scores: readFileSync(path.join(folder, "scores.json"), "utf8"),
  };
}

function ofRuns(): readonly Form[] {
  const { record, scores } = runFiles();
  const run = {
    record: parseRunRecord(record, "run.json"),
    scores: JSON.parse(scores) as Parameters<typeof baselineText>[0][number]["scores"],
  };
  const journal = journalPredictions.map((prediction) => `${JSON.stringify(prediction)}\n`).join("");
  return [
    form({
      name: "run-record",
      file: "run.json",
      original: record,
      text: "json",
      read: (_, folder) => readRunRecord(folder),
    }),
    form({
      name: "scores",
      file: "scores.json",
      original: scores,
      text: "json",
      read: (_, folder) => readScores(folder),
    }),
    form({
      name: "journal",
      file: "predictions.jsonl",
      original: journal,
      text: "lines",
      read: (file) => readPredictions(file),
    }),
    form({
      name: "baseline",
      file: "baseline.json",
      original: baselineText([run]),
      text: "json",
      read: (file) => readBaseline(file),
    }),
    form({
      name: "history",
      file: "history.jsonl",
      original: `${JSON.stringify(historyLineOf(run))}\n`.repeat(2),
      text: "lines",
      read: (file) => readHistory(file),
    }),
    form({
      name: "checksums",
      file: "SHA256SUMS",
      original: `${"ab".repeat(32)}  run.json\n${"cd".repeat(32)} *scores.json\n`,
      beside: { "run.json": record },
      read: (_, folder) => recordChecksums(folder, ["run.json"]),
    }),
    form({
      name: "lock",
      file: "run.lock",
      original: JSON.stringify({ pid: 1, host: "other", started: "1", task: { id: "slurm:1", restarts: 0 } }),
      text: "json",
      read: async (_, folder) => (await lockFolder(folder, { id: "slurm:1", restarts: 1 }))(),
    }),
  ];
}

/** Its values are damaged; those of a sound file are read. */
async function firstSteps(): Promise<Form> {
  const folder = temporaryFolder();
  await writeFirstSteps(folder, {
    identity: "cafe",
    asked: 2,
    ids: ["1", "2"],
    vocabulary: 3,
    logProbabilities: new Float32Array(6),
  });
  const file = path.join(folder, "first-step.json");
  return {
    name: "first-steps",
    originals: [readFileSync(file)],
    text: "json",
    file,
    read: () => readFirstSteps(folder, "cafe"),
    refusals,
  };
}

function ofBenches(): readonly Form[] {
  const folder = makeBench(temporaryFolder(), [benchPoint("one")]);
  const made = (name: string): Uint8Array => readFileSync(path.join(folder, name));
  return [
    form({
      name: "bench",
      file: "bench.json",
      original: made("bench.json"),
      text: "json",
      read: async (file) => parseBenchRecord(await readTextFile(file), file),
    }),
    form({
      name: "bench-point",
      file: "point.json",
      original: made(path.join("points", "one", "point.json")),
      text: "json",
      read: async (file) => parseBenchPoint(await readTextFile(file), file),
    }),
  ];
}

const config = `# npx blip2-bench run --config <this file>
model: shapes-opt-base
tasks: [vqav2, ok-vqa]
limit: 10
batch-size: 4
report: false
`;
const gate = {
  format: "blip2-bench-gate/1",
  metrics: [{ metric: "accuracy", margin: 0.5, task: "vqav2" }],
  time: [{ most: 1.2 }],
};
const shapes = readFileSync(path.join(projectRoot, "examples", "own-task", "shapes.yaml"), "utf8");

const ofUsers = (): readonly Form[] => [
  form(
    {
      name: "gate-config",
      file: "gate.json",
      original: JSON.stringify(gate),
      text: "json",
      read: (file) => readGateConfig(file),
    },
    [UsageError],
  ),
  form(
    { name: "run-config", file: "run.yaml", original: config, read: (file) => readConfigFile(file, "run", runOptions) },
    [UsageError],
  ),
  form({ name: "task-yaml", file: "task.yaml", original: shapes, read: (file) => readTaskFile(file, catalog) }, [
    UsageError,
  ]),
  form(
    {
      name: "task-json",
      file: "task.json",
      original: JSON.stringify({
        kind: "vqa",
        prompt: { opt: "Question: {question} Answer:", t5: "{question}" },
        answer: { pattern: "([a-z]+)" },
        metrics: ["vqa-accuracy"],
        decoding: { beams: 3 },
      }),
      text: "json",
      read: (file) => readTaskFile(file, catalog),
    },
    [UsageError],
  ),
];

export const recordForms = async (): Promise<readonly Form[]> => [
  ...ofRuns(),
  await firstSteps(),
  ...ofBenches(),
  ...ofUsers(),
];
