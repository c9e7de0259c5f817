/**
 * `blip2-bench history`: keeps scores, times and memory of runs over time in a file for git; shows where they change;
 * draws charts.
 */
import { join } from "node:path";
import { chartToPng } from "../../../reports/charts/png.ts";
import {
  appendHistory,
  historyLineOf,
  isSameRun,
  lanesOf,
  measuresOf,
  readHistory,
  valueOf,
} from "../../../reports/records/findings/history.ts";
import type { HistoryLine, Lane } from "../../../reports/records/findings/history.ts";
import { formatLane, historyChart } from "../../../reports/findings/history-table.ts";
import type { Change } from "../../../reports/findings/history-table.ts";
import { RunFolderError } from "../../../reports/records/run-folder-error.ts";
import { writeOutputFile } from "../../../reports/records/write-output.ts";
import { readComparable } from "../../analysis/compare/comparable-runs.ts";
import { completeCode, incompleteCode } from "../exit-code.ts";
import type { Surroundings } from "../declared-command.ts";
import type { HistoryValues } from "./declared/decide.ts";
import { partialRuns } from "../../analysis/gate/partial-runs.ts";
import { changePoints } from "../../statistics/change-points.ts";
import { unknownName, UsageError } from "../../catalog/usage-error.ts";
import { runsIn } from "./score.ts";

const actions = ["add", "show", "plot"] as const;

type Outside = Pick<Surroundings, "terminal" | "isJson">;

/** Gives the exit code. */
export async function history(
  { file, last, output }: HistoryValues,
  [word = "show", ...folders]: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const action = actions.find((one) => one === word);
  if (action === undefined) throw unknownName(`history ${word}`, "action", { name: word, names: actions });
  if (action === "add" && folders.length === 0) {
    throw new UsageError("history add: found no folder, expected one or several that `run` wrote.");
  }
  if (action !== "add" && folders[0] !== undefined) {
    throw new UsageError(`history ${action}: found "${folders[0]}", expected flags only from there on.`);
  }
  if (action === "add") return add(folders, file, surroundings);
  return action === "show" ? show(file, last, surroundings) : plot(file, output, surroundings);
}

async function add(folders: readonly string[], file: string, { terminal, isJson }: Outside): Promise<number> {
  const paths = [...new Set((await Promise.all(folders.map(runsIn))).flat())];
  const partial = await partialRuns(paths);
  if (partial.length > 0) {
    terminal.error(
      `history add: a partial run has no scores to keep:\n${partial.map((line) => `  ${line}`).join("\n")}`,
    );
    return incompleteCode;
  }
  const before = await readHistory(file);
  const added: HistoryLine[] = [];
  for (const path of paths) {
    const line = historyLineOf(await readComparable(path, false));
    if (![...before, ...added].some((other) => isSameRun(line, other))) added.push(line);
  }
  if (added.length > 0) await appendHistory(file, added);
  const known = paths.length - added.length;
  const words = `${file}: ${added.length} runs added${known === 0 ? "" : `, ${known} were in it already`}.`;
  terminal.result(isJson ? JSON.stringify({ file, added: added.length, known }, null, 2) : words);
  return completeCode;
}

async function show(file: string, last: number, { terminal, isJson }: Outside): Promise<number> {
  const lanes = (await lanesIn(file)).map((lane) => ({ lane, changes: changesIn(lane) }));
  const json = lanes.map(({ lane: { name, machine, lines }, changes }) => ({ name, machine, lines, changes }));
  const text = lanes.map(({ lane, changes }) => formatLane(lane, changes, last)).join("\n\n\n");
  terminal.result(isJson ? JSON.stringify(json, null, 2) : text);
  return completeCode;
}

async function plot(file: string, output: string, { terminal, isJson }: Outside): Promise<number> {
  const written: string[] = [];
  const names = new Set<string>();
  for (const lane of await lanesIn(file)) {
    const changes = changesIn(lane);
    for (const measure of measuresOf(lane)) {
      const path = join(output, fileName(`${lane.name} ${measure}`, names));
      await writeOutputFile(
        path,
        "Give another folder with --output.",
        await chartToPng(historyChart(lane, measure, changes)),
      );
      written.push(path);
    }
  }
  terminal.result(isJson ? JSON.stringify(written, null, 2) : written.join("\n"));
  return completeCode;
}

async function lanesIn(file: string): Promise<readonly Lane[]> {
  const lanes = lanesOf(await readHistory(file));
  if (lanes.length > 0) return lanes;
  throw new RunFolderError(`${file}: no history in it. Add runs with \`history add <folder> --file ${file}\`.`);
}

function changesIn(lane: Lane): readonly Change[] {
  return measuresOf(lane).flatMap((measure) => {
    const lines = lane.lines.filter((line) => valueOf(line, measure) !== null);
    const values = lines.map((line) => valueOf(line, measure) ?? 0);
    return changePoints(values).map(({ place, ...change }) => ({ measure, line: lines[place]!, ...change }));
  });
}

/**
 * A file name for a lane, of letters, digits, points and hyphens; with a number where a lane of another machine has
 * that name.
 */
function fileName(name: string, taken: Set<string>): string {
  const plain = name.replace(/[^A-Za-z0-9.]+/g, "-");
  let free = plain;
  for (let number = 2; taken.has(free); number += 1) free = `${plain}-${number}`;
  taken.add(free);
  return `${free}.png`;
}
