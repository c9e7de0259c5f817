/**
 * `blip2-bench reproduce`: evaluates a checkpoint with the paper's protocol, with the code of `run`, and shows its
 * scores beside every published number. Or does so for a run on disk (--run), or lists the published numbers (--list).
 */
import { basename, resolve } from "node:path";
import { formatPublished, formatReproductions } from "../../../reports/findings/reproduction-table.ts";
import type { ListedNumber, Reproduction } from "../../../reports/findings/reproduction-table.ts";
import { readScores } from "../../../reports/records/read-scores.ts";
import { readRun } from "../../../reports/records/run-files.ts";
import type { ScoredRun } from "../../../reports/findings/score-rows.ts";
import type { Task } from "../../../tasks/task.ts";
import type { PublishedNumber } from "../../../tasks/published/published-number.ts";
import { publishedNumbers, publishedSplits } from "../../../tasks/published/published-numbers.ts";
import { completeCode } from "../exit-code.ts";
import { findTask } from "../../catalog/find-task.ts";
import { listedNumber, reproductionOf } from "../../analysis/reproduction.ts";
import type { Surroundings } from "../declared-command.ts";
import { defaultOutput, runConfigOf } from "../options/run.ts";
import type { ReproduceValues } from "./declared/evaluate.ts";
import { resumeCommand, run } from "./run.ts";
import type { RunSurroundings } from "./run.ts";
import type { RunConfig } from "../../evaluation/run-config.ts";
import { runsIn } from "./score.ts";
import { nearestName, UsageError } from "../../catalog/usage-error.ts";

/** Gives the exit code of the run; a distance from the published numbers does not change it. */
export async function reproduce(
  values: ReproduceValues,
  _words: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const output = defaultOutput();
  const config = runConfigOf(values, { ...surroundings, output });
  refuseTogether(values);
  if (values.list) {
    list(config, values, surroundings);
    return completeCode;
  }
  if (values.run !== undefined) {
    const folders = await runsIn(values.run);
    const runs = await Promise.all(folders.map(readScoredRun));
    show(runs, surroundings);
    return completeCode;
  }
  const tasks = await tasksToRun(config, values, surroundings);
  if (config.data === null) {
    surroundings.terminal.message(
      "No --data: the bundled data set is asked, not the official one, so no score can be compared with a published one.",
    );
  }
  const resume = resumeCommand(surroundings.words, {
    overwrite: values.overwrite,
    output: values.output === null ? output : null,
  });
  return run({ ...config, tasks }, { ...surroundings, resume, show });
}

function refuseTogether(values: ReproduceValues): void {
  if (values.run === undefined) return;
  const given = (["list", "model", "tasks", "data", "split", "limit", "output"] as const).find(
    (key) => (values[key] ?? false) !== false,
  );
  if (given === undefined) return;
  throw new UsageError(`--run: shows the run in ${values.run} as it is, so --${given} cannot be given with it.`);
}

async function readScoredRun(folder: string): Promise<ScoredRun> {
  const { record } = await readRun(folder);
  return { record, scores: await readScores(folder) };
}

/** Throws a UsageError where no number is published for any of the runs. */
function show(runs: readonly ScoredRun[], { terminal, isJson }: Pick<RunSurroundings, "terminal" | "isJson">): void {
  const reproductions: Reproduction[] = [];
  const others: string[] = [];
  for (const one of runs) {
    const reproduction = reproductionOf(one);
    const { checkpoint, config, data } = one.record;
    if (reproduction !== null) reproductions.push(reproduction);
    else others.push(`${checkpoint.name} on ${config.task} ${data.split}`);
  }
  if (reproductions.length === 0) {
    throw new UsageError(`--run: nothing is published of ${others.join(", or of ")}. ${checkpointsLine()}`);
  }
  for (const other of others) terminal.note(`Nothing is published of ${other}.`);
  terminal.result(
    isJson
      ? JSON.stringify({ format: "blip2-bench-reproduction/1", reproductions }, null, 2)
      : formatReproductions(reproductions),
  );
}

function list(config: RunConfig, values: ReproduceValues, { terminal, isJson }: Surroundings): void {
  const checkpoints = values.model === undefined ? null : config.models.map(checkpointNamed);
  const tasks = values.tasks === undefined ? null : config.tasks;
  const numbers = publishedNumbers
    .filter(({ checkpoint }) => checkpoints === null || (checkpoint !== null && checkpoints.includes(checkpoint)))
    .filter(({ task }) => tasks === null || tasks.includes(task))
    .map(listedNumber);
  if (numbers.length === 0) {
    throw new UsageError(`--list: nothing is published of ${[...(checkpoints ?? []), ...(tasks ?? [])].join(", ")}.`);
  }
  terminal.result(
    isJson
      ? JSON.stringify({ format: "blip2-bench-published/1", numbers }, null, 2)
      : formatPublished(numbers, privateNotes(numbers)),
  );
}

function privateNotes(numbers: readonly ListedNumber[]): readonly string[] {
  return publishedSplits
    .filter((one) => !one.hasAnswers && numbers.some(({ task, split }) => task === one.task && split === one.split))
    .map(({ task, split }) => `${task} ${split}: the answers are private, only the official server can score it.`);
}

/** The tasks to run. Throws a UsageError where a model has no published number on one of them. */
async function tasksToRun(
  config: RunConfig,
  values: ReproduceValues,
  { catalog }: Surroundings,
): Promise<readonly string[]> {
  if (values.model === undefined) {
    throw new UsageError(`reproduce: found no --model, expected one with published numbers. ${checkpointsLine()}`);
  }
  if (values.tasks !== undefined) {
    for (const named of config.tasks) {
      const task = await findTask(catalog, named);
      const split = config.split ?? task.data?.split ?? task.dataset.splits[0] ?? "";
      for (const model of config.models) {
        if (task.file === undefined) refuseUnpublished(checkpointNamed(model), task.name, split);
        else refuseUnsaid(lastPart(model), { ...task, path: task.file.path }, split);
      }
    }
    return config.tasks;
  }
  const checkpoints = config.models.map(checkpointNamed);
  const tasks = catalog.tasks.filter(({ name, dataset }) => {
    const split = config.split ?? dataset.splits[0];
    return checkpoints.every((checkpoint) => scorable(checkpoint, name).some((number) => number.split === split));
  });
  if (tasks.length === 0) {
    throw new UsageError(
      `--model ${config.models.join(",")}: no task that can be run here has published numbers of ` +
        `${checkpoints.length > 1 ? "all of them" : "it"}. See blip2-bench reproduce --list.`,
    );
  }
  return tasks.map(({ name }) => name);
}

function lastPart(model: string): string {
  return basename(resolve(model)).replace(/@.*$/, "");
}

/** The name of a checkpoint given as a folder or a hub name with a revision. Throws a UsageError. */
function checkpointNamed(model: string): string {
  const name = lastPart(model);
  const names = publishedCheckpoints();
  if (names.includes(name)) return name;
  const nearest = nearestName(name, names);
  const suggestion = nearest === null ? "" : ` Did you mean ${nearest}?`;
  throw new UsageError(`--model ${model}: nothing is published of this checkpoint.${suggestion} ${checkpointsLine()}`);
}

/** A task file has its own numbers. */
function refuseUnsaid(
  checkpoint: string,
  { path, published }: Pick<Task, "published"> & { readonly path: string },
  split: string,
): void {
  const isAnySplit = split === ""; // of data of one's own, which is not open yet
  const isOf = (number: Task["published"][number]): boolean => isAnySplit || number.split === split;
  if (published.some((number) => number.checkpoint === checkpoint && isOf(number))) return;
  const where = isAnySplit ? "" : ` on split ${split}`;
  throw new UsageError(
    `--tasks ${path}: has no published number of ${checkpoint}${where}. Write it into the file, under published:.`,
  );
}

function refuseUnpublished(checkpoint: string, task: string, split: string): void {
  const splits = scorable(checkpoint, task).map((number) => number.split);
  if (splits.includes(split)) return;
  if (publishedSplits.some((one) => one.task === task && one.split === split && !one.hasAnswers)) {
    throw new UsageError(
      `--split ${split}: the answers of ${task} ${split} are private: only the official server can score it. ` +
        `Splits: ${[...new Set(splits)].join(", ")}.`,
    );
  }
  if (splits.length > 0) {
    throw new UsageError(
      `--split ${split}: nothing is published of ${checkpoint} on ${task} ${split}. Splits: ${[...new Set(splits)].join(", ")}.`,
    );
  }
  const tasks = publishedNumbers.filter((number) => number.checkpoint === checkpoint).map((number) => number.task);
  throw new UsageError(
    `--tasks ${task}: nothing is published of ${checkpoint} on it. Tasks: ${[...new Set(tasks)].join(", ")}.`,
  );
}

/** Published numbers of a checkpoint on a task, for splits whose answers are public. */
function scorable(checkpoint: string, task: string): readonly PublishedNumber[] {
  const splits = publishedSplits.filter((one) => one.task === task && one.hasAnswers).map(({ split }) => split);
  return publishedNumbers.filter(
    (number) => number.checkpoint === checkpoint && number.task === task && splits.includes(number.split),
  );
}

function publishedCheckpoints(): readonly string[] {
  return [...new Set(publishedNumbers.flatMap(({ checkpoint }) => checkpoint ?? []))];
}

function checkpointsLine(): string {
  return `Checkpoints with published numbers: ${publishedCheckpoints().join(", ")}.`;
}
