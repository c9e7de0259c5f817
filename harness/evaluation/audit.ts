/** Whether what makes a run fast changes an answer: a pair's samples one at a time, then as a run asks them. */
import { describePrecision, modelParts } from "../../models/checkpoint/precision.ts";
import type { Precision } from "../../models/checkpoint/precision.ts";
import type { TaskAudit } from "../../reports/records/findings/audit.ts";
import type { AuditConfig, Pair } from "./verbs.ts";
import type { Watcher } from "./watcher.ts";

/** What a score may differ by: sums in single precision, in another order. */
export const scoreTolerance = 1e-4;

export async function audit(
  pair: Pair,
  config: AuditConfig,
  { onProgress }: Pick<Watcher, "onProgress">,
): Promise<TaskAudit> {
  const { checkpoint, task } = pair;
  const precision = describePrecision(checkpoint.precision);
  const { split, samples } = await pair.open();
  const run = `${checkpoint.name} ${precision} ${task.name}: audit`;
  let done = 0;
  const findings = await pair.audit(config, (count) => {
    done += count;
    onProgress({ run, before: 0, done, samples: 2 * samples.length, failed: 0 });
  });
  const about = { checkpoint: checkpoint.name, precision, task: task.name, split: split.name, samples: samples.length };
  return { ...about, ...findings, expected: reasonToDiffer(checkpoint.precision) };
}

/** Why answers may differ in this precision; null: they must not, as no answer depends on what else is in its batch. */
function reasonToDiffer(precision: Precision): string | null {
  const names = modelParts.map((part) => precision[part]);
  if (names.every((name) => name === "fp32")) return null;
  const always = "The batches of a run are always the same, and so are its answers.";
  return names.includes("int8")
    ? `To be expected in int8: all rows that a matrix is multiplied with are rounded by one scale, so that an answer depends on what else is in its batch. ${always}`
    : `To be expected in blocks of integers: a number on the border of two of their steps, summed in another order in another batch, may fall on the other side. ${always}`;
}
