/** Run folders made by hand for the tests of `compare`: a record, scores by sample, a journal where samples failed. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runFormat, scoresFormat } from "../../reports/records/run-record.ts";
import type { MetricScore, RunRecord, ScoreSheet } from "../../reports/records/run-record.ts";

export interface MadeSample {
  readonly id: string;
  readonly image: string;
  readonly answer: string;
  readonly score: number;
  readonly answerType?: string;
}

export interface MadeRun {
  readonly samples: readonly MadeSample[];
  readonly task?: string;
  readonly checkpoint?: string;
  readonly metric?: string;
  readonly status?: RunRecord["status"];
  readonly protocol?: string;
  readonly decoding?: RunRecord["config"]["decoding"];
  readonly family?: RunRecord["checkpoint"]["family"];
  readonly overrides?: Readonly<Record<string, string | number>>;
  readonly sha256?: string;
  readonly scorer?: string;
  readonly code?: string;
  /** Ids of samples that failed, in no column. */
  readonly failed?: readonly string[];
  /** Changes to the finished sheet. */
  readonly sheet?: Partial<ScoreSheet>;
}

export function metricNamed(name: string, value: number | null = 0.5): MetricScore {
  const none = { standardError: null, interval: null, published: null, breakdown: {} };
  return { name, unit: "fraction", higherIsBetter: true, value, ...none };
}

/** Writes the folder and gives its path. */
export function writeMadeRun(folder: string, made: MadeRun): string {
  const { samples, failed = [], metric = "accuracy" } = made;
  const asked = samples.length + failed.length;
  const record: RunRecord = {
    format: runFormat,
    status: made.status ?? (failed.length > 0 ? "partial" : "complete"),
    identity: "cafe",
    config: {
      task: made.task ?? "vqav2",
      protocol: made.protocol ?? "paper",
      limit: null,
      batchSize: 8,
      decoding: { ...made.decoding },
      overrides: { ...made.overrides },
    },
    checkpoint: { name: made.checkpoint ?? "tiny", source: "/tiny", family: made.family ?? "opt", fingerprint: "f00d" },
    data: {
      dataset: "vqav2",
      split: "val",
      folder: null,
      images: null,
      files: [{ name: "questions.json", sha256: made.sha256 ?? "aaaa", sizeBytes: 1 }],
      samples: asked,
    },
    code: { version: "1.0.0", commit: null, dirty: null, fingerprint: made.code ?? "beef" },
    packages: {},
    processor: { model: "cpu", cores: 1, threads: 1, memoryBytes: 1, platform: "linux", node: "v20" },
    seeds: {},
    counts: { samples: asked, predicted: samples.length, failed: failed.length },
    timings: { startedAt: "2024-01-01T00:00:00.000Z", finishedAt: null },
  };
  const types = samples.flatMap(({ answerType }) => answerType ?? []);
  const sheet: ScoreSheet = {
    format: scoresFormat,
    code: "beef",
    scorer: made.scorer ?? "5c0e",
    counts: { samples: asked, scored: samples.length, failed: failed.length, missing: 0 },
    metrics: [metricNamed(metric)],
    samples: {
      id: samples.map(({ id }) => id),
      image: samples.map(({ image }) => image),
      answer: samples.map(({ answer }) => answer),
      ...(types.length > 0 && { answerType: types }),
      [metric]: samples.map(({ score }) => score),
    },
    ...made.sheet,
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "run.json"), JSON.stringify(record));
  writeFileSync(join(folder, "scores.json"), JSON.stringify(sheet));
  const lines = failed.map((id) =>
    JSON.stringify({ id, status: "failed", image: "1", prompt: null, error: "no such image" }),
  );
  writeFileSync(join(folder, "predictions.jsonl"), lines.map((line) => `${line}\n`).join(""));
  return folder;
}
