/** Declares the commands that evaluate checkpoints, score runs again and report on them. */
import { wholeFrom } from "../../../catalog/values.ts";
import { declareCommand } from "../../declared-command.ts";
import { file, limit, text, value } from "../../options/kinds.ts";
import { optionsUnder } from "../../options/option.ts";
import type { Values } from "../../options/option.ts";
import { outputFolder, usualReportSeed } from "../../options/output.ts";
import { mixedProcessors } from "../../options/queue.ts";
import { plainRunOptions, runOptions, workerOptions } from "../../options/run.ts";
import { batchSizeOption, cache, device, runSpeed, threads } from "../../options/speed.ts";
import { answering, protocol } from "../../options/text.ts";
import { modelOption, movedData, precision, samples, tasksOption } from "../../options/what-to-run.ts";

const underWhatToRun = optionsUnder("What to run");

const underOutput = optionsUnder("Output");

const group = "Evaluate";

export type RunValues = Values<typeof runOptions>;

export const run = declareCommand({
  name: "run",
  group,
  summary: "evaluate checkpoints on tasks; goes on with a run that was stopped",
  words: "",
  options: runOptions,
  examples: [
    "run --model shapes-opt-small --tasks vqav2 --limit 100",
    "run --model path/to/blip2-opt-2.7b --data path/to/vqav2 --output runs/opt",
  ],
  work: async () => (await import("../run.ts")).runAsAsked,
});

const reproduceOptions = {
  ...plainRunOptions({ models: "none", tasks: "all with published numbers" }),
  run: underWhatToRun.option("--run <folder>", "show a run that is on disk instead", { kind: file }),
  list: underWhatToRun.toggle("--list", "show all published numbers instead, also of checkpoints that are not public"),
};

export type ReproduceValues = Values<typeof reproduceOptions>;

export const reproduce = declareCommand({
  name: "reproduce",
  group,
  summary: "evaluate as the paper does; shows the scores beside every published number",
  words: "",
  options: reproduceOptions,
  examples: ["reproduce --list", "reproduce --model Salesforce/blip2-opt-2.7b --tasks vqav2 --data path/to/vqav2"],
  work: async () => (await import("../reproduce.ts")).reproduce,
});

const scoreOptions = {
  data: movedData,
  tasks: underWhatToRun.option(
    "-t, --tasks <file>",
    "a task file that has changed: its answer rule and metrics are used",
    {
      kind: file,
      otherwise: null,
    },
  ),
};

export type ScoreValues = Values<typeof scoreOptions>;

export const score = declareCommand({
  name: "score",
  group,
  summary: "score the predictions of a run folder again",
  words: "[folder]",
  options: scoreOptions,
  examples: ["score runs/first", "score runs/first --data path/to/vqav2 --json"],
  work: async () => (await import("../score.ts")).score,
});

export type WorkerValues = Values<typeof workerOptions>;

export const worker = declareCommand({
  name: "worker",
  group,
  summary: "answer windows of a run that `run --queue` coordinates; takes the flags of that run",
  words: "",
  options: workerOptions,
  examples: [
    "worker --model shapes-opt-small --tasks vqav2",
    "worker --model path/to/blip2-opt-2.7b --data path/to/vqav2 --idle-exit 10min",
  ],
  work: async () => (await import("../worker.ts")).worker,
});

const mergeOptions = {
  status: underOutput.toggle("--status", "only show how far the shards are"),
  fill: underWhatToRun.toggle("--fill", "ask the windows here that no shard has answered"),
  mixedProcessors,
  model: underWhatToRun.option("-m, --model <name>", "--fill: the checkpoint, where it has moved", {
    kind: text("models"),
  }),
  data: movedData,
  images: samples.images,
  candidates: answering.candidates,
  threads,
  workers: runSpeed.workers,
  cache,
  output: outputFolder("the folder to merge into, where folders of shards are named", "the folder that is named"),
};

export type MergeValues = Values<typeof mergeOptions>;

export const merge = declareCommand({
  name: "merge",
  group,
  summary: "put the shards of a run together, which `run --shard` wrote",
  words: "[folders...]",
  options: mergeOptions,
  examples: ["merge runs/sharded", "merge --output runs/merged path/to/shard-0 path/to/shard-1"],
  work: async () => (await import("../merge.ts")).merge,
});

const reportOptions = {
  data: movedData,
  samples: underOutput.option("--samples <n>", "samples of a task to show; 0 is none", {
    kind: value(wholeFrom(0)),
    otherwise: 120, // samples of each task; the page then has a few megabytes
  }),
  seed: underOutput.option("--seed <n>", "which samples are drawn", {
    kind: value(wholeFrom(0)),
    otherwise: usualReportSeed,
  }),
  output: outputFolder("the report's folder", "report"),
};

export type ReportValues = Values<typeof reportOptions>;

export const report = declareCommand({
  name: "report",
  group,
  summary: "make a page, charts and tables of run and bench folders",
  words: "[folders...]",
  options: reportOptions,
  examples: ["report runs/first", "report runs/first bench/first --output report --samples 40"],
  work: async () => (await import("../report.ts")).report,
});

const auditOptions = {
  model: modelOption(null),
  tasks: tasksOption("all the checkpoint can do"),
  precision,
  ...samples,
  limit: underWhatToRun.option("--limit <n>", "samples of each task, or a fraction of them", {
    kind: limit,
    otherwise: 32,
  }),
  protocol,
  batchSize: batchSizeOption("questions a batch of the fast way"),
  threads,
  ...device,
  cache,
};

export type AuditValues = Values<typeof auditOptions>;

export const audit = declareCommand({
  name: "audit",
  group,
  summary: "run a sample of each task one by one and as fast as a run does, and report every difference",
  words: "",
  options: auditOptions,
  examples: [
    "audit --model shapes-opt-small",
    "audit --model shapes-t5-base --tasks vqav2 --precision int8 --limit 64",
  ],
  work: async () => (await import("../audit.ts")).audit,
});
