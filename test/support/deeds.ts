/** Commands that write, each with what it needs and with what it leaves: for tests that disturb them. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { parseBenchPoint, parseBenchRecord } from "../../reports/records/bench/bench-record.ts";
import { fakeBenchCommand, fakeCommand, fakeInProcess, inProcess, realCommand } from "./command-process.ts";
import type { Ended } from "./command-process.ts";
import { answersOf, bytesOf } from "./run-bytes.ts";
import { hubCheckpoint, torchFile } from "./torch-fixtures.ts";

export interface Deed {
  readonly name: string;
  /** The file of the command. */
  readonly command: string;
  readonly words: readonly string[];
  /** Makes what the command reads; unset: it needs nothing. */
  readonly prepare?: (folder: string) => Promise<void>;
  /** All that the command is to leave, without times: for two undisturbed ones it is equal. Fails where that is not whole. */
  readonly left: (folder: string) => string;
  /** The command in this process; unset: only a process of its own does it. */
  readonly here?: (folder: string, ...words: string[]) => Promise<Ended>;
}

const read = (...path: string[]): string => readFileSync(join(...path), "utf8");
const run = ["run", "--model", "fake", "--limit", "12", "--batch-size", "1", "--output"];
const real = (kind: string, ...words: string[]): readonly string[] => [
  "run",
  "--model",
  kind,
  "--output",
  "a",
  "--no-report",
  ...words,
];

async function succeed(ended: Promise<Ended>): Promise<void> {
  const { code, err } = await ended;
  assert.equal(code, 0, err);
}

/** Names of the files below a folder, in order. */
function filesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
}

/** Every file below a folder with a digest of its content, in which no time and no place stand. */
function contentOf(folder: string, isMeant: (name: string) => boolean = () => true): string {
  const place = dirname(folder);
  const digest = (name: string): string => {
    const text = readFileSync(join(folder, name), "latin1").replaceAll(place, "");
    const timeless = text.replaceAll(/\d{4}-\d\d-\d\d[T ][\d:.]+Z?/g, "");
    return createHash("sha256").update(timeless).digest("hex");
  };
  return filesBelow(folder)
    .filter(isMeant)
    .map((name) => `${name}: ${digest(name)}`)
    .join("\n");
}

/** Every run below a folder, and the names of all files there. */
function runsBelow(folder: string): string {
  const files = filesBelow(folder);
  const runs = files
    .filter((name) => basename(name) === "run.json")
    .map((name) => bytesOf(join(folder, dirname(name))));
  return [...runs, ...files].join("\n");
}

const runInA = (folder: string): string => runsBelow(join(folder, "a"));

async function makeRuns(folder: string): Promise<void> {
  for (const name of ["first", "second"]) {
    const seed = name === "first" ? [] : ["--prompt", "What? {question}"];
    await succeed(fakeInProcess(folder, ...run, name, "--no-report", ...seed));
  }
}

/** By the fake model: a second or less each. */
export const quickDeeds: readonly Deed[] = [
  {
    name: "run",
    command: fakeCommand,
    words: [...run, "a"],
    left: runInA,
    here: fakeInProcess,
  },
  {
    name: "history add",
    command: fakeCommand,
    words: ["history", "add", "second", "--file", "kept/history.jsonl"],
    prepare: async (folder) => {
      await makeRuns(folder);
      await succeed(fakeInProcess(folder, "history", "add", "first", "--file", "kept/history.jsonl"));
    },
    left: (folder) => contentOf(join(folder, "kept")),
    here: fakeInProcess,
  },
  {
    name: "run in two workers",
    command: fakeCommand,
    words: [...run, "a", "--no-report", "--workers", "2"],
    left: runInA,
  },
  {
    name: "run of two checkpoints",
    command: fakeCommand,
    words: ["run", "--models", "fake,fake-two", "--limit", "12", "--batch-size", "1", "--output", "a", "--no-report"],
    left: runInA,
    here: fakeInProcess,
  },
  {
    name: "score",
    command: fakeCommand,
    words: ["score", "first"],
    prepare: makeRuns,
    left: (folder) => contentOf(join(folder, "first")),
    here: fakeInProcess,
  },
  {
    name: "report",
    command: fakeCommand,
    words: ["report", "first", "second", "--output", "report"],
    prepare: makeRuns,
    left: (folder) => contentOf(join(folder, "report")),
    here: fakeInProcess,
  },
  {
    name: "baseline",
    command: fakeCommand,
    words: ["baseline", "second", "--output", "kept/baseline.json"],
    prepare: async (folder) => {
      await makeRuns(folder);
      await succeed(fakeInProcess(folder, "baseline", "first", "--output", "kept/baseline.json"));
    },
    left: (folder) => contentOf(join(folder, "kept")),
    here: fakeInProcess,
  },
  {
    name: "merge",
    command: fakeCommand,
    words: ["merge", "a"],
    prepare: async (folder) => {
      for (const index of ["0", "1"]) await succeed(fakeInProcess(folder, ...run, "a", "--shard", `${index}/2`));
    },
    left: (folder) => [answersOf(join(folder, "a")), filesBelow(join(folder, "a")).join()].join("\n"),
    here: fakeInProcess,
  },
];

/** What a sweep is to hold: its times are another's each time. */
function sweepOf(folder: string): string {
  const { status, points } = parseBenchRecord(read(folder, "b", "bench.json"), "bench.json");
  const measured = points.map((name) => parseBenchPoint(read(folder, "b", "points", name, "point.json"), name));
  return JSON.stringify([
    status,
    measured.map(({ name, runs, accuracy }) => [name, runs.length, accuracy]),
    filesBelow(join(folder, "b")),
  ]);
}

/** By bundled checkpoints, or with more to do: some seconds each. */
export const slowDeeds: readonly Deed[] = [
  {
    name: "bench",
    command: fakeBenchCommand,
    words: [
      ...["bench", "--quick", "--output", "b", "--limit", "8", "--min-duration", "50ms", "--threads", "1"],
      ...["--models", "fake", "--scenarios", "single-stream"],
    ],
    left: sweepOf,
  },
  {
    name: "run in two precisions",
    command: realCommand,
    words: real("shapes-opt-small", "--tasks", "vqav2", "--limit", "4", "--precisions", "fp32,int8"),
    left: runInA,
    here: inProcess,
  },
  {
    name: "run of captions in workers",
    command: realCommand,
    words: real("shapes-opt-small", "--tasks", "coco-caption", "--limit", "4", "--workers", "2", "--batch-size", "1"),
    left: runInA,
    here: inProcess,
  },
  {
    name: "run of retrieval",
    command: realCommand,
    words: real("shapes-itm", "--tasks", "flickr30k-retrieval", "--limit", "6", "--rerank", "4"),
    left: runInA,
    here: inProcess,
  },
  {
    name: "prepare",
    command: realCommand,
    words: ["prepare", "--model", "shapes-opt-small", "--precision", "int8", "--cache", "kept"],
    left: (folder) => contentOf(join(folder, "kept", "quantized"), (name) => !name.includes(".tmp")), // gone in a day
    here: inProcess,
  },
  {
    name: "convert",
    command: realCommand,
    words: ["convert", "opt.pth", "--language", "language", "--output", "new"],
    prepare: async (folder) => {
      cpSync(torchFile("opt.pth"), join(folder, "opt.pth"));
      cpSync(await hubCheckpoint("opt"), join(folder, "language"), { recursive: true });
    },
    left: (folder) => contentOf(join(folder, "new")),
    here: inProcess,
  },
];
