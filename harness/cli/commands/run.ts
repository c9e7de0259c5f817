/** `blip2-bench run`: evaluates every model on every task, then prints the rows of all runs. */
import { join } from "node:path";
import type { PreparationEvent } from "../../../models/checkpoint/weight-cache.ts";
import { writeFileWhole } from "../../../reports/records/atomic-file.ts";
import { describeSystemCode, RunWriteError, systemCode } from "../../../reports/records/run-folder-error.ts";
import { rowsName } from "../../../reports/records/run-files.ts";
import { scoreRowsOf, scoreRowsToCsv } from "../../../reports/findings/score-rows.ts";
import { formatScores } from "../../../reports/findings/score-table.ts";
import { runName } from "../../../reports/records/run-record.ts";
import type { ScoredRun } from "../../../reports/findings/score-rows.ts";
import type { Costs } from "../../../reports/records/findings/costs.ts";
import { formatCosts } from "../../../reports/findings/costs-table.ts";
import { shellWord } from "../../catalog/shell-word.ts";
import { usableProcessors } from "../../catalog/usable-processors.ts";
import { costsOf } from "../../analysis/costs/costs.ts";
import { writeCosts } from "../../analysis/costs/write-costs.ts";
import { evaluate } from "../../evaluation/evaluate.ts";
import { completeCode, incompleteCode } from "../exit-code.ts";
import type { Surroundings } from "../declared-command.ts";
import { defaultOutput, runConfigOf } from "../options/run.ts";
import type { RunValues } from "./declared/evaluate.ts";
import { pullMissing } from "../pull/pull-missing.ts";
import { reportOfRun } from "./report.ts";
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
  const config = runConfigOf(values, { ...surroundings, output });
  const resume = resumeCommand(surroundings.words, {
    overwrite: values.overwrite,
    output: values.output === null ? output : null,
  });
  const pulled = values.pull ? await pullMissing(config, surroundings) : completeCode;
  if (pulled !== completeCode) return pulled;
  return run(config, { ...surroundings, resume, isReported: values.report });
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
  /** Prints the scored runs; unset: the table or JSON of `showRuns`. */
  readonly show?: typeof showRuns;
}

/** Gives the exit code. */
export async function run(config: RunConfig, surroundings: RunSurroundings): Promise<number> {
  const { catalog, terminal, hubCache, resume, show = showRuns } = surroundings;
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
        if (!("scores" in end)) {
          const kept = keptLine(evaluation, resume);
          if (end.status === "interrupted") terminal.message(`Interrupted: ${kept}`);
          else
            terminal.error(`stopped: more samples failed than --max-errors ${config.maxErrors ?? 0} allows. ${kept}`);
          return interrupt.exitCode() ?? incompleteCode;
        }
        scored.push({ record: evaluation.folder.record, scores: end.scores });
        if (evaluations[index + 1]?.model !== evaluation.model) await evaluation.model.release();
      }
      await writeRows(config.output, scored);
      const costs = config.precisions.length > 1 ? await costsOf(evaluations.map(({ folder }) => folder.path)) : null;
      if (costs !== null) await writeCosts(config.output, costs);
      show(scored, surroundings, costs);
      if (surroundings.isReported === true) await reportOfRun(config, surroundings);
      return scored.every(({ record }) => record.status === "complete") ? completeCode : incompleteCode;
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
 * Prints tables, or one JSON document: rows, costs of precisions, and for each run the totals from run.json and
 * scores.json.
 */
export function showRuns(
  scored: readonly ScoredRun[],
  { terminal, isJson }: Pick<RunSurroundings, "terminal" | "isJson">,
  costs: Costs | null = null,
): void {
  if (!isJson) {
    terminal.result(formatScores(scored));
    if (costs !== null) terminal.result(`\n${formatCosts(costs)}`);
    return;
  }
  const runs = scored.map(({ record, scores: { counts, metrics } }) => ({ ...record, scores: { counts, metrics } }));
  const result = { format: "blip2-bench-result/1", rows: scored.flatMap(scoreRowsOf), runs };
  terminal.result(JSON.stringify({ ...result, ...(costs !== null && { costs }) }, null, 2));
}

const failuresShown = 3;

function tellFailures(terminal: Terminal, { folder, plan, samples }: Evaluation): void {
  const failures = [...folder.outcomes].flatMap(([id, outcome]) =>
    outcome.status === "failed" ? [{ id, ...outcome }] : [],
  );
  if (failures.length === 0) return;
  const shown = failures.slice(0, failuresShown).map(({ id, error }) => `  ${id}: ${error}`);
  const more = failures.length - shown.length;
  terminal.error(
    [
      `${runName(plan)}: ${failures.length} of ${samples.length} samples failed:`,
      ...shown,
      ...(more > 0 ? [`  and ${more} more, in ${join(folder.path, "predictions.jsonl")}`] : []),
      "The same command tries them again.",
    ].join("\n"),
  );
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

function keptLine({ folder, samples }: Evaluation, resume: string): string {
  return `${folder.outcomes.size} of ${samples.length} samples are kept in ${folder.path}. Go on with:\n  ${resume}`;
}
