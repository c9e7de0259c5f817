/**
 * Times a report of made-up runs as large as the paper's largest data set, including reading its annotations (ten
 * answers a question):
 *
 *   npm run bench:report -- [--runs 20] [--predictions 214354] [--samples 120] [--folder <empty folder>]
 *
 * One JSON object a line. The made-up files are written line by line, so the peak of memory is the report's; they go to a
 * temporary folder (1.5 GB for the defaults), which is removed.
 */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { recordChecksums } from "../../reports/records/checksums.ts";
import { writeFileWhole } from "../../reports/records/atomic-file.ts";
import { writeScores } from "../../reports/records/run-files.ts";
import { identityHash, runFormat, scoresFormat } from "../../reports/records/run-record.ts";
import type { RunPlan } from "../../reports/records/run-record.ts";
import { catalog } from "../catalog/catalog.ts";
import { describeDataFiles } from "../catalog/data-files.ts";
import { provenance } from "../catalog/provenance.ts";
import { reportOn } from "../analysis/report/report-on.ts";
import { usualReportSeed } from "../cli/options/output.ts";
import { peakMemoryMiB, print, readFlags, round, runBenchmark } from "./bench-report.ts";

const answers = ["yes", "no", "red", "white", "2", "1", "blue", "on the table", "a man", "tennis racket"];
const subtype = "val2014";
const questionsName = `v2_OpenEnded_mscoco_${subtype}_questions.json`;
const annotationsName = `v2_mscoco_${subtype}_annotations.json`;

async function main(): Promise<void> {
  const defaults = { runs: 20, predictions: 214354, samples: 120, folder: "" };
  const flags = readFlags("bench:report", defaults, process.argv.slice(2));
  const [runs, predictions, samples] = [flags.count("runs"), flags.count("predictions"), flags.count("samples")];
  const folder = await mkdtemp(join(flags.text("folder") === "" ? tmpdir() : flags.text("folder"), "report-"));
  try {
    const data = join(folder, "data");
    await writeDataSet(data, predictions);
    const plan = await planOf(data, predictions);
    for (let run = 0; run < runs; run += 1)
      await writeRun(join(folder, "runs", `run-${run}`), { plan, run, predictions });
    print({ work: "made-up runs", runs, predictions, peakMemoryMiB: peakMemoryMiB() });
    const output = join(folder, "report");
    const start = performance.now();
    const report = await reportOn([join(folder, "runs")], {
      catalog,
      hubCache: folder,
      cacheFolder: folder,
      output,
      data: null,
      samples,
      seed: usualReportSeed,
      onStep: () => undefined,
    });
    print({
      work: "report",
      runs: report.runs.length,
      apart: report.apart.length,
      samplesShown: report.gallery.samples.length,
      seconds: round((performance.now() - start) / 1000),
      peakMemoryMiB: peakMemoryMiB(),
      pageMB: round((await stat(join(output, "index.html"))).size / 1e6),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A number that looks random but depends only on sample and run. */
function drawn(sample: number, run: number): number {
  return Math.imul((sample + 1) * 2654435761 + Math.floor(sample / 7) * run * 97, 0x85ebca6b) >>> 0;
}

function answerOf(sample: number, run: number): string {
  return answers[drawn(sample, run) % answers.length]!;
}

async function writeLines(path: string, lines: Iterable<string>): Promise<void> {
  await pipeline(Readable.from(joined(lines)), createWriteStream(path));
}

/** Joins lines into larger strings, so that there are fewer writes. */
function* joined(lines: Iterable<string>): Generator<string> {
  let block: string[] = [];
  for (const line of lines) {
    block.push(line);
    if (block.length < 1000) continue;
    yield block.join("");
    block = [];
  }
  yield block.join("");
}

async function writeDataSet(folder: string, questions: number): Promise<void> {
  await mkdir(join(folder, subtype), { recursive: true });
  const records = function* (head: string, record: (index: number) => object): Generator<string> {
    yield head;
    for (let index = 0; index < questions; index += 1)
      yield `${index === 0 ? "" : ","}${JSON.stringify(record(index))}`;
    yield "]}";
  };
  const ids = (index: number): object => ({ image_id: 1 + Math.floor(index / 5), question_id: 1000 + index });
  const head = (list: string): string => `{"data_subtype":"${subtype}","${list}":[`;
  const question = (index: number): object => ({
    ...ids(index),
    question: `What is number ${index} in this picture of a room?`,
  });
  await writeLines(join(folder, questionsName), records(head("questions"), question));
  const annotation = (index: number): object => ({
    ...ids(index),
    question_type: "what is",
    answer_type: "other",
    multiple_choice_answer: answerOf(index, 0),
    answers: Array.from({ length: 10 }, (_, annotator) => ({
      answer: answerOf(index, annotator % 3),
      answer_confidence: "yes",
      answer_id: annotator + 1,
    })),
  });
  await writeLines(join(folder, annotationsName), records(head("annotations"), annotation));
}

async function planOf(data: string, samples: number): Promise<RunPlan> {
  const files = await describeDataFiles([join(data, questionsName), join(data, annotationsName)]);
  return {
    config: { task: "vqav2", protocol: "paper", limit: null, batchSize: 8, decoding: { beams: 5 }, overrides: {} },
    checkpoint: { name: "made-up", source: "nowhere", family: "opt", fingerprint: "none" },
    data: { dataset: "vqav2", split: "val", folder: data, images: null, files, samples },
    ...(await provenance({ threads: 1, workers: 1 })),
    seeds: {},
  };
}

interface MadeUp {
  readonly plan: RunPlan;
  readonly run: number;
  readonly predictions: number;
}

async function writeRun(folder: string, { plan, run, predictions }: MadeUp): Promise<void> {
  await mkdir(folder, { recursive: true });
  const name = `made-up-${Math.floor(run / 2)}`;
  const checkpoint = { ...plan.checkpoint, name, fingerprint: createHash("sha256").update(name).digest("hex") };
  const config = { ...plan.config, ...(run % 2 === 1 && { precision: "int8" }) };
  const own = { ...plan, checkpoint, config };
  await writeLines(join(folder, "predictions.jsonl"), predictionLines(run, predictions));
  const at = new Date(0).toISOString();
  const record = {
    format: runFormat,
    status: "complete",
    identity: identityHash(own),
    ...own,
    counts: { samples: predictions, predicted: predictions, failed: 0 },
    timings: { startedAt: at, finishedAt: at },
  };
  await writeFileWhole(join(folder, "run.json"), JSON.stringify(record));
  await recordChecksums(folder, ["run.json", "predictions.jsonl"]);
  const numbers = Array.from({ length: predictions }, (_, index) => index);
  const scores = numbers.map((index) => (drawn(index, run) % 11) / 10);
  const value = scores.reduce((sum, score) => sum + score, 0) / predictions;
  const interval = { low: value - 0.002, high: value + 0.002 };
  const metric = {
    unit: "fraction",
    higherIsBetter: true,
    value,
    standardError: 0.001,
    interval,
    published: null,
  } as const;
  const names = ["accuracy", "accuracy-lavis", "accuracy-always"];
  await writeScores(folder, {
    format: scoresFormat,
    code: own.code.fingerprint,
    counts: { samples: predictions, scored: predictions, failed: 0, missing: 0 },
    metrics: names.map((metricName) => ({ name: metricName, ...metric, breakdown: {} })),
    samples: {
      id: numbers.map((index) => String(1000 + index)),
      answer: numbers.map((index) => answerOf(index, run)),
      ...Object.fromEntries(names.map((metricName) => [metricName, scores])),
    },
  });
}

function* predictionLines(run: number, predictions: number): Generator<string> {
  const stages = [
    "imageRead",
    "imageDecode",
    "imageResize",
    "vision",
    "qFormer",
    "projection",
    "prefix",
    "prefill",
    "decode",
  ];
  for (let index = 0; index < predictions; index += 1) {
    const latencyMs = Object.fromEntries(
      stages.map((stage, place) => [stage, drawn(index + place, run) / 4294967.296]),
    );
    const prediction = {
      id: String(1000 + index),
      image: String(1 + Math.floor(index / 5)),
      prompt: `Question: what is number ${index} in this picture of a room? Short answer:`,
      status: "predicted",
      text: answerOf(index, run),
      tokens: [index, 1],
      score: -0.5,
      latencyMs,
    };
    yield `${JSON.stringify(prediction)}\n`;
  }
}

await runBenchmark(main);
