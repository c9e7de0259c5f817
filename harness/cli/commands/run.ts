/** `blip2-bench run`: evaluates every model on every task, then prints the rows of all runs. */
import { join } from "node:path";
import type { PreparationEvent } from "../../../models/checkpoint/weight-cache.ts";
import { writeFileWhole } from "../../../reports/records/atomic-file.ts";
import { describeSystemCode, RunWriteError, systemCode } from "../../../reports/records/run-folder-error.ts";
import { rowsName, scoresName } from "../../../reports/records/run-files.ts";
import { scoreRowsOf, scoreRowsToCsv } from "../../../reports/findings/score-rows.ts";
import { formatScores } from "../../../reports/findings/score-table.ts";
import { runName } from "../../../reports/records/run-record.ts";
import type { RunRecord, ScoreSheet } from "../../../reports/records/run-record.ts";
import type { ScoredRun } from "../../../reports/findings/score-rows.ts";
import type { Costs } from "../../../reports/records/findings/costs.ts";
import { formatPrompts } from "../../../reports/findings/prompt-table.ts";
import { formatCosts } from "../../../reports/findings/costs-table.ts";
import { shellWord } from "../../catalog/shell-word.ts";
import { usableProcessors } from "../../catalog/usable-processors.ts";
import { costsOf } from "../../analysis/costs/costs.ts";
import { writeCosts } from "../../analysis/costs/write-costs.ts";
import { evaluate } from "../../evaluation/evaluate.ts";
import { completeCode, incompleteCode } from "../exit-code.ts";
import type { Surroundings } from "../declared-command.ts";
import { defaultOutput, runConfigOf } from "../options/run.ts";
import { comparePrompts } from "./compare-prompts.ts";
import type { PromptFindings } from "./compare-prompts.ts";
import type { RunValues } from "./declared/evaluate.ts";
import { pullAddresses } from "../pull/pull-addresses.ts";
import { pullMissing } from "../pull/pull-missing.ts";
import { reportOfRun } from "./report.ts";
import { elsewhereOf, shardOf, withListedPrompts } from "./spread-run.ts";
import { watchInterrupt } from "../interrupt.ts";
import { prepare } from "../../evaluation/prepare.ts";
import type { Evaluation } from "../../evaluation/verbs.ts";
import type { Watcher } from "../../evaluation/watcher.ts";
import type { RunConfig } from "../../evaluation/run-config.ts";
import type { Terminal } from "../terminal.ts";
import { describeWaiting } from "../../evaluation/waiting.ts";
import { describeWorkers } from "../../processes/worker-pool.ts";

export async function runAsAsked(
  values: RunValues,
  _words: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const output = defaultOutput();
  const planned = runConfigOf(await withListedPrompts(values), { ...surroundings, output });
  const resume = resumeCommand(surroundings.words, {
    overwrite: values.overwrite,
    output: values.output === null ? output : null,
  });
  const { task: schedulerTask } = surroundings.scheduler;
  const shard = shardOf(values, resume, surroundings);
  const elsewhere = elsewhereOf(values, surroundings);
  const firstSteps = elsewhere === null ? planned.firstSteps : 0;
  const config: RunConfig = { ...planned, schedulerTask, shard, elsewhere, firstSteps };
  const pulled = values.pull ? await pullMissing(config, surroundings) : completeCode;
  if (pulled !== completeCode) return pulled;
  const images = values.pull ? await pullAddresses(config, surroundings) : null;
  if (images !== null && "exitCode" in images) return images.exitCode;
  const ready = images === null ? config : { ...config, unfetched: images.value };
  return run(ready, { ...surroundings, resume, isReported: values.report });
}

/**
 * The command line that resumes this run: without --overwrite, and with --output for the chosen folder where none was
 * given.
 */
export function resumeCommand(
  words: readonly string[],
  { overwrite, output }: { readonly overwrite: boolean; readonly output: string | null },
): string {
  const kept = words.filter((word) => word !== "--overwrite");
  const all = ["npx", "blip2-bench", ...kept, ...(output === null ? [] : ["--output", output])];
  if (overwrite && kept.length === words.length) all.push("--no-overwrite"); // a config file may hold `overwrite`
  return all.map(shellWord).join(" ");
}

export interface RunSurroundings extends Pick<Surroundings, "catalog" | "terminal" | "hubCache" | "isJson"> {
  /** The command that resumes this run. */
  readonly resume: string;
  /** Whether a report is written into the output folder at the end. */
  readonly isReported?: boolean;
  /** Throws where the runs are not those that were expected; unset: any are. */
  readonly check?: (evaluations: readonly Evaluation[]) => void;
  /** Prints what a shard has written; unset: its folders and the command that merges all shards. */
  readonly showShards?: typeof showShards;
  /** Prints the scored runs; unset: the table or JSON of `showRuns`. */
  readonly show?: typeof showRuns;
}

/** Gives the exit code. */
export async function run(config: RunConfig, surroundings: RunSurroundings): Promise<number> {
  const { catalog, terminal, hubCache, resume, check } = surroundings;
  const { show = showRuns, showShards: showShard = showShards } = surroundings;
  const interrupt = watchInterrupt(() => {
    terminal.message("Stopping after the samples at hand; Ctrl-C again stops at once.");
  });
  try {
    const onPreparation = (event: PreparationEvent): void => {
      terminal.preparation(event);
    };
    const onMessage = (message: string): void => {
      terminal.message(message);
    };
    const evaluations = await prepare(config, catalog, { hubCache, onPreparation, onMessage });
    try {
      check?.(evaluations);
      terminal.note(`Writing to ${config.output}`);
      noteWorkers(terminal, config);
      const scored: ScoredRun[] = [];
      for (const [index, evaluation] of evaluations.entries()) {
        noteOtherImages(terminal, evaluation);
        for (const note of evaluation.notes) terminal.note(note);
        const watcher: Watcher = {
          isStopped: () => interrupt.exitCode() !== null,
          onProgress: (progress) => {
            terminal.progress(progress);
          },
          onNote: (text) => {
            terminal.note(text);
          },
        };
        const end = await evaluate(evaluation, watcher).catch((error: unknown) => {
          if (evaluation.folder.outcomes.size > 0) terminal.message(keptLine(evaluation, resume));
          throw error;
        });
        tellFailures(terminal, evaluation);
        const waiting = describeWaiting(evaluation.folder.record);
        if (waiting !== null) terminal.note(waiting);
        if (end.status === "interrupted" || end.status === "stopped") {
          const kept = keptLine(evaluation, resume);
          if (end.status === "interrupted") terminal.message(`Interrupted: ${kept}`);
          else
            terminal.error(`stopped: more samples failed than --max-errors ${config.maxErrors ?? 0} allows. ${kept}`);
          return interrupt.exitCode() ?? incompleteCode;
        }
        if ("scores" in end) {
          tellUnscored(terminal, evaluation.folder.record, end.scores);
          scored.push({ record: evaluation.folder.record, scores: end.scores });
        }
        if (evaluations[index + 1]?.model !== evaluation.model) await evaluation.model.release();
      }
      if (config.shard !== null) {
        showShard(config, evaluations, surroundings);
        return completeCode; // failed samples too: a scheduler takes any other code for a crash
      }
      await writeRows(config.output, scored);
      const { prompts, precisions, output } = config;
      const isCosted = precisions.length > 1 && prompts.length === 0; // costs are of one prompt
      const costs = isCosted ? await costsOf(evaluations.map(({ folder }) => folder.path)) : null;
      if (costs !== null) await writeCosts(output, costs);
      const tried = prompts.length === 0 ? null : await comparePrompts(prompts, { evaluations, scored }, output);
      show(scored, surroundings, costs, tried);
      if (surroundings.isReported === true) await reportOfRun(config, surroundings);
      const isComplete = scored.every(
        ({ record, scores }) => record.status === "complete" && scores.unscored === undefined,
      );
      return isComplete ? completeCode : incompleteCode;
    } finally {
      for (const { folder, model } of evaluations) {
        await folder.close();
        await model.release();
      }
    }
  } finally {
    interrupt.dispose();
  }
}

export async function writeRows(folder: string, scored: readonly ScoredRun[]): Promise<void> {
  const path = join(folder, rowsName);
  try {
    await writeFileWhole(path, scoreRowsToCsv(scored.flatMap(scoreRowsOf)));
  } catch (cause) {
    const code = systemCode(cause);
    if (code === null) throw cause;
    throw new RunWriteError(`${path}: cannot be written: ${describeSystemCode(code)}. The scores are kept.`, { cause });
  }
}

/**
 * Prints tables, or one JSON document: rows, costs of precisions, comparisons of prompts, and for each run the totals from
 * run.json and scores.json.
 */
export function showRuns(
  scored: readonly ScoredRun[],
  { terminal, isJson }: Pick<RunSurroundings, "terminal" | "isJson">,
  costs: Costs | null = null,
  tried: PromptFindings | null = null,
): void {
  if (!isJson) {
    terminal.result(formatScores(scored));
    if (costs !== null) terminal.result(`\n${formatCosts(costs)}`);
    if (tried !== null) terminal.result(`\n${formatPrompts(tried.series, tried.comparison)}`);
    return;
  }
  const runs = scored.map(({ record, scores: { counts, metrics } }) => ({ ...record, scores: { counts, metrics } }));
  const result = { format: "blip2-bench-result/1", rows: scored.flatMap(scoreRowsOf), runs };
  terminal.result(
    JSON.stringify(
      { ...result, ...(costs !== null && { costs }), ...(tried !== null && { comparison: tried.comparison }) },
      null,
      2,
    ),
  );
}

/** What a shard ends with: the folders that it wrote, and the command that puts all shards together. */
function showShards(
  { output }: RunConfig,
  evaluations: readonly Evaluation[],
  { terminal, isJson }: Pick<RunSurroundings, "terminal" | "isJson">,
): void {
  const records = evaluations.map(({ folder }) => folder.record);
  if (isJson) {
    terminal.result(JSON.stringify({ format: "blip2-bench-shard/1", runs: records }, null, 2));
    return;
  }
  for (const { folder } of evaluations) {
    const { samples, predicted, failed } = folder.record.counts;
    const failures = failed === 0 ? "" : `, ${failed} failed`;
    terminal.result(`${folder.path}: ${predicted} of ${samples} samples predicted${failures}`);
  }
  terminal.message(`When all shards are there: npx blip2-bench merge ${output}`);
}

const failuresShown = 3;

function tellFailures(terminal: Terminal, { folder, plan }: Evaluation): void {
  const failures = [...folder.outcomes].flatMap(([id, outcome]) =>
    outcome.status === "failed" ? [{ id, ...outcome }] : [],
  );
  if (failures.length === 0) return;
  const heading = `${runName(plan)}: ${failures.length} of ${folder.record.counts.samples} samples failed:`;
  const lines = firstOf(failures, join(folder.path, "predictions.jsonl"));
  terminal.error([heading, ...lines, "The same command tries them again."].join("\n"));
}

/** Says which samples have a prediction that a metric of the user's own could not score. */
export function tellUnscored(
  terminal: Terminal,
  record: Pick<RunRecord, "checkpoint" | "config">,
  { unscored = [], counts }: ScoreSheet,
): void {
  if (unscored.length === 0) return;
  const heading = `${runName(record)}: ${unscored.length} of ${counts.samples} samples could not be scored:`;
  terminal.error([heading, ...firstOf(unscored, scoresName)].join("\n"));
}

/** `file`: where the others stand. */
function firstOf(
  failures: readonly { readonly id: string; readonly error: string }[],
  file: string,
): readonly string[] {
  const shown = failures.slice(0, failuresShown).map(({ id, error }) => `  ${id}: ${error}`);
  const more = failures.length - shown.length;
  return [...shown, ...(more > 0 ? [`  and ${more} more, in ${file}`] : [])];
}

/**
 * Notes that images come from another folder than when the run began. Images may have been added meanwhile, so this is
 * still the run that was begun.
 */
function noteOtherImages(terminal: Terminal, { folder, plan }: Evaluation): void {
  const before = folder.record.data.images;
  if (folder.outcomes.size === 0 || before === plan.data.images) return;
  terminal.note(
    `${folder.path}: ${folder.outcomes.size} samples were asked with --images ${before ?? "not given"}; predictions are kept.`,
  );
}

function noteWorkers(terminal: Terminal, { threads, workers }: RunConfig): void {
  if (workers === 1) return;
  const cores = usableProcessors();
  if (workers > cores) {
    terminal.message(`--workers ${workers}: there are only ${cores} cores; more workers take memory and gain nothing.`);
  }
  terminal.note(`${describeWorkers(threads, workers)}; each has its own copy of the weights it computes with.`);
}

function keptLine({ folder }: Evaluation, resume: string): string {
  return `${folder.outcomes.size} of ${folder.record.counts.samples} samples are kept in ${folder.path}. Go on with:\n  ${resume}`;
}
