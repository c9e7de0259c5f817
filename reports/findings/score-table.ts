/** Formats scored runs as the table that `run` and `score` print at the end, with remarks below it. */
import { unitsBySign } from "../records/metric-unit.ts";
import { runName } from "../records/run-record.ts";
import { fixedPoints, scoreText, withUnit } from "../tables/metric-numbers.ts";
import { noNumber, percentText, rangeText } from "../tables/numbers.ts";
import { left, onlyWhere, right, tableOf } from "../tables/table.ts";
import type { ColumnOf } from "../tables/table.ts";
import { tableToText } from "../tables/terminal.ts";
import { byOperator, scoreRowsOf } from "./score-rows.ts";
import type { ScoredRun, ScoreRow } from "./score-rows.ts";

/** The columns. Precision and device are shown if a run does not use the default. */
const columns: readonly ColumnOf<ScoreRow>[] = [
  left("checkpoint", ({ checkpoint }) => checkpoint),
  onlyWhere(
    ({ precision }) => precision !== "fp32",
    left("precision", ({ precision }) => precision),
  ),
  onlyWhere(
    ({ device }) => device !== "cpu",
    left("device", ({ device }) => device),
  ),
  left("task", ({ task }) => task),
  left("split", ({ split }) => split),
  left("protocol", ({ protocol }) => protocol),
  left("metric", ({ metric }) => metric),
  right("score", ownScoreText),
  right("95 % interval", intervalText),
  right("published", ({ published, unit }) => (published === null ? noNumber : inUnit(published, unit))),
  right("n", ({ scored }) => scored),
  right("failed", ({ failed }) => failed),
];

/** The table, and below it scores by type, devices, and partial runs. No final line end. */
export function formatScores(runs: readonly ScoredRun[]): string {
  const table = tableToText(tableOf(columns, runs.flatMap(scoreRowsOf)));
  const notes = runs.flatMap((run) => [...breakdownLines(run), ...deviceLines(run), ...partialLines(run)]);
  return [table, ...(notes.length > 0 ? ["", ...notes] : [])].join("\n");
}

function ownScoreText({ score, standardError, unit }: ScoreRow): string {
  if (score === null) return "none";
  if (standardError === null) return inUnit(score, unit);
  return `${fixedPoints(score, unitsBySign[unit])} ± ${inUnit(standardError, unit)}`;
}

function intervalText({ low, high, unit }: ScoreRow): string {
  if (low === null || high === null) return noNumber;
  return rangeText(low, high, (end) => fixedPoints(end, unitsBySign[unit]));
}

function inUnit(points: number, sign: ScoreRow["unit"]): string {
  const unit = unitsBySign[sign];
  return withUnit(fixedPoints(points, unit), unit);
}

// a breakdown with more groups is not printed: there are three answer types, but dozens of question types, which are in
// scores.json
const mostGroups = 5;

function breakdownLines({ record, scores }: ScoredRun): string[] {
  const [headline] = scores.metrics;
  if (headline === undefined) return [];
  return Object.entries(headline.breakdown)
    .map(([name, groups]) => ({ name, groups: Object.entries(groups) }))
    .filter(({ groups }) => groups.length > 1 && groups.length <= mostGroups)
    .map(({ name, groups }) => {
      const parts = groups.map(([group, { value, samples }]) => {
        return `${group} ${scoreText(value, headline.unit)} (n ${samples})`;
      });
      return `${runName(record)}: ${headline.name} by ${name}: ${parts.join(", ")}`;
    });
}

/** Lines with the device's name and the share of the model that it computed. */
function deviceLines({ record }: ScoredRun): string[] {
  if (record.device === undefined) return [];
  const { name, driver } = record.device;
  const where = `${name ?? "a device that does not tell its name"}${driver === null ? "" : `, driver ${driver}`}`;
  const placement = record.measured?.placement;
  if (placement === undefined) return [`${runName(record)}: on ${where}.`];
  const share = percentText(placement.onDevice / Math.max(1, placement.nodes));
  const others = `on the CPU: ${byOperator(placement.onCpu)}`;
  return [`${runName(record)}: on ${where}: ${placement.onDevice} of ${placement.nodes} nodes (${share}); ${others}.`];
}

function partialLines({ record, scores }: ScoredRun): string[] {
  const { samples, scored, failed, missing } = scores.counts;
  if (scored === samples) return [];
  const parts = [
    ...(failed > 0 ? [`${failed} of ${samples} samples failed`] : []),
    ...(missing > 0 ? [`${missing} of ${samples} were not asked`] : []),
  ];
  return [`${runName(record)}: partial: ${parts.join(", ")}; scored on the other ${scored}.`];
}
