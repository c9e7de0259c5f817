/**
 * An audit as a table: how many samples differ for each checkpoint, precision and task, and both answers of some of
 * them.
 */
import type { Audit, AuditDifference, AuditOutcome, TaskAudit } from "../records/findings/audit.ts";
import { left, right, tableOf } from "../tables/table.ts";
import type { ColumnOf } from "../tables/table.ts";
import { tableToText } from "../tables/terminal.ts";

const mostShown = 10;

const columns: readonly ColumnOf<TaskAudit>[] = [
  left("checkpoint", ({ checkpoint }) => checkpoint),
  left("precision", ({ precision }) => precision),
  left("task", ({ task }) => task),
  left("split", ({ split }) => split),
  right("n", ({ samples }) => samples),
  right("other answers", (audit) => count(audit, "answer")),
  right("other scores", (audit) => count(audit, "score")),
  right("largest score difference", ({ largestScoreDifference }) => largestScoreDifference.toExponential(1)),
];

/** The text of the audit, without a final line end. */
export function formatAudit({ tasks, batchSize }: Audit): string {
  const title = `Each sample alone, nothing shared, beside batches of ${batchSize} as a run has them:`;
  return [title, tableToText(tableOf(columns, tasks)), ...tasks.flatMap(differenceLines), ...explanations(tasks)].join(
    "\n",
  );
}

function count({ differences }: TaskAudit, what: AuditDifference["what"]): number {
  return differences.filter((difference) => difference.what === what).length;
}

/**
 * Lines for differing samples. Those whose scores differ but not their answers are shown only where scores must be
 * equal.
 */
function differenceLines({ checkpoint, precision, task, differences, expected }: TaskAudit): readonly string[] {
  const told = differences.filter(({ what }) => what === "answer" || expected === null);
  if (told.length === 0) return [];
  const shown = told.slice(0, mostShown);
  const lines = shown.flatMap(({ id, plain, fast }) => [
    `  ${id}`,
    `    alone     ${outcomeText(plain)}`,
    `    in batch  ${outcomeText(fast)}`,
  ]);
  const more = told.length - shown.length;
  return [
    "",
    `${checkpoint} ${precision} ${task}:`,
    ...lines,
    ...(more > 0 ? [`  and ${more} more; --json has all`] : []),
  ];
}

function outcomeText({ text, tokens, score }: AuditOutcome): string {
  const details = [
    ...(tokens.length > 0 ? [`tokens ${tokens.join(" ")}`] : []),
    ...(score === null ? [] : [`score ${score}`]),
  ];
  return `${JSON.stringify(text)}${details.length === 0 ? "" : `  (${details.join("; ")})`}`;
}

function explanations(tasks: readonly TaskAudit[]): readonly string[] {
  const different = tasks.filter(({ differences }) => differences.length > 0);
  const reasons = [...new Set(different.flatMap(({ expected }) => expected ?? []))];
  const wrong = different.filter(({ expected }) => expected === null);
  const verdict =
    wrong.length === 0
      ? []
      : [`There should be none: ${wrong.map(({ checkpoint, task }) => `${checkpoint} ${task}`).join(", ")}.`];
  const all = [...(different.length === 0 ? ["No sample differs."] : []), ...reasons, ...verdict];
  return ["", ...all];
}
