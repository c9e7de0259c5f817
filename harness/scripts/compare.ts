/**
 * Times `compare` on two made-up runs as large as the split val of VQAv2, reading of the folders included:
 *
 *   npm run bench:compare -- [--questions 214354] [--images 40504] [--permutations 10000] [--bootstrap 10000]
 *
 * One JSON object a line: first without the bootstrap, which is the default of `compare`, then with it. Memory is the
 * process's peak.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runFormat, scoresFormat } from "../../reports/records/run-record.ts";
import type { MetricScore, RunRecord, ScoreSheet } from "../../reports/records/run-record.ts";
import { compareFolders } from "../analysis/compare/compare-folders.ts";
import { drawKeys, randomIndex, randomShare } from "../statistics/random.ts";
import { peakMemoryMiB, print, readFlags, round, runBenchmark } from "./bench-report.ts";

const defaults = { questions: 214354, images: 40504, permutations: 10000, bootstrap: 10000 };

async function main(): Promise<void> {
  const flags = readFlags("bench:compare", defaults, process.argv.slice(2));
  const [questions, images] = [flags.count("questions"), flags.count("images")];
  const folder = await mkdtemp(join(tmpdir(), "blip2-bench-compare-"));
  try {
    const [base, candidate] = [join(folder, "base"), join(folder, "candidate")];
    await writeMadeUpRun(base, { questions, images, changed: 0 });
    await writeMadeUpRun(candidate, { questions, images, changed: 0.05 });
    for (const bootstrap of [0, flags.count("bootstrap")]) {
      const permutations = flags.count("permutations");
      const options = { permutations, bootstrap, seed: 0, allowPartial: false };
      const start = performance.now();
      const { comparisons } = await compareFolders(
        { folder: base, runs: [base] },
        [{ folder: candidate, runs: [candidate] }],
        options,
      );
      const seconds = round((performance.now() - start) / 1000, 2);
      const rows = comparisons.flatMap(({ metrics }) => metrics).length;
      print({
        work: "compare",
        questions,
        images,
        rows,
        permutations,
        bootstrap,
        seconds,
        peakMemoryMiB: peakMemoryMiB(),
      });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const grades = [0, 0.3, 0.6, 0.9, 1];
const answerTypes = ["yes/no", "number", "other"];
const metricNames = ["accuracy", "accuracy-lavis", "accuracy-always"]; // the metrics of VQAv2

/** `changed`: the share of questions whose answer and score differ from those of the other run. */
async function writeMadeUpRun(
  folder: string,
  { questions, images, changed }: { questions: number; images: number; changed: number },
): Promise<void> {
  const keys = drawKeys(1, 0);
  const places = Array.from({ length: questions }, (_, place) => place);
  const isChanged = places.map((place) => randomShare(drawKeys(2, 0), place) < changed);
  const scores = places.map((place) => grades[randomIndex(keys, isChanged[place] ? questions + place : place, 5)] ?? 0);
  const none = { standardError: null, interval: null, published: null, breakdown: {} };
  const metrics = metricNames.map((name): MetricScore => ({
    name,
    unit: "fraction",
    higherIsBetter: true,
    value: 0.56,
    ...none,
  }));
  const sheet: ScoreSheet = {
    format: scoresFormat,
    code: "made up",
    scorer: "made up",
    counts: { samples: questions, scored: questions, failed: 0, missing: 0 },
    metrics,
    samples: {
      id: places.map((place) => String(1000000 + place)),
      image: places.map((place) => String(Math.floor((place * images) / questions))),
      answer: places.map((place) => (isChanged[place] ? `answer ${place}` : "an answer")),
      answerType: places.map((place) => answerTypes[place % answerTypes.length] ?? "other"),
      ...Object.fromEntries(metricNames.map((name) => [name, scores])),
    },
  };
  await mkdir(folder);
  await writeFile(join(folder, "run.json"), JSON.stringify(madeUpRecord(questions)));
  await writeFile(join(folder, "scores.json"), JSON.stringify(sheet));
}

function madeUpRecord(questions: number): RunRecord {
  return {
    format: runFormat,
    status: "complete",
    identity: "made up",
    config: { task: "vqav2", protocol: "paper", limit: null, batchSize: 8, decoding: {}, overrides: {} },
    checkpoint: { name: "made-up", source: "made up", family: "opt", fingerprint: "made up" },
    data: { dataset: "vqav2", split: "val", folder: null, images: null, files: [], samples: questions },
    code: { version: "0", commit: null, dirty: null, fingerprint: "made up" },
    packages: {},
    processor: { model: "", cores: 1, threads: 1, memoryBytes: 0, platform: "", node: process.version },
    seeds: {},
    counts: { samples: questions, predicted: questions, failed: 0 },
    timings: { startedAt: "", finishedAt: null },
  };
}

await runBenchmark(main);
