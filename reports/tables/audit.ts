/** Whether the fast way gives what the plain one gives: of each checkpoint, precision and task what differs, and a text of it. */
import { formatColumns } from "./table.ts";

export const auditFormat = "blip2-bench-audit/1";

export interface Audit {
  readonly format: typeof auditFormat;
  /** Samples a batch, of the fast way. */
  readonly batchSize: number;
  readonly tasks: readonly TaskAudit[];
}

export interface TaskAudit {
  readonly checkpoint: string;
  readonly precision: string;
  readonly task: string;
  readonly split: string;
  readonly samples: number;
  /** Samples that one of the two ways could not do. Where neither could, they agree. */
  readonly failed: number;
  readonly differences: readonly AuditDifference[];
  /** Of all samples, those whose answers are the same included: scores of answers, or similarities and matching logits. */
  readonly largestScoreDifference: number;
  /** Why differences are to be expected in this precision; null: there must be none. */
  readonly expected: string | null;
}

/** One sample with two outcomes. */
export interface AuditDifference {
  readonly id: string;
  /** What is other: what is answered, or the best text; or its score alone. */
  readonly what: "answer" | "score";
  readonly plain: AuditOutcome;
  readonly fast: AuditOutcome;
}

export interface AuditOutcome {
  /** The answer; of retrieval the best text; of a failure its error. */
  readonly text: string;
  readonly tokens: readonly number[];
  readonly score: number | null;
}

const mostShown = 10;

/** No line end at the end. */
export function formatAudit({ tasks, batchSize }: Audit): string {
  const table = formatColumns(
    ["checkpoint", "precision", "task", "split", "n", "other answers", "other scores", "largest score difference"],
    tasks.map((audit) => [
      audit.checkpoint,
      audit.precision,
      audit.task,
      audit.split,
      String(audit.samples),
      String(count(audit, "answer")),
      String(count(audit, "score")),
      audit.largestScoreDifference.toExponential(1),
    ]),
    ["left", "left", "left", "left", "right", "right", "right", "right"],
  );
  const title = `Each sample alone, nothing shared, beside batches of ${batchSize} as a run has them:`;
  return [title, table, ...tasks.flatMap(differenceLines), ...explanations(tasks)].join("\n");
}

function count({ differences }: TaskAudit, what: AuditDifference["what"]): number {
  return differences.filter((difference) => difference.what === what).length;
}

/** Scores alone are shown only where they should not differ. */
function differenceLines({ checkpoint, precision, task, differences, expected }: TaskAudit): readonly string[] {
  const told = differences.filter(({ what }) => what === "answer" || expected === null);
  if (told.length === 0) return [];
  const shown = told.slice(0, mostShown);
  const lines = shown.flatMap(({ id, plain, fast }) => [
    `  ${id}`,
    `    alone     ${describe(plain)}`,
    `    in batch  ${describe(fast)}`,
  ]);
  const more = told.length - shown.length;
  return [
    "",
    `${checkpoint} ${precision} ${task}:`,
    ...lines,
    ...(more > 0 ? [`  and ${more} more; --json has all`] : []),
  ];
}

function describe({ text, tokens, score }: AuditOutcome): string {
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
