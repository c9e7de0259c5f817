/** `blip2-bench audit`: checks that batching and the other optimisations of a run change no answer. Writes no files. */
import { formatAudit } from "../../../reports/findings/audit-table.ts";
import { auditFormat } from "../../../reports/records/findings/audit.ts";
import type { Audit, TaskAudit } from "../../../reports/records/findings/audit.ts";
import { audit as auditPair } from "../../evaluation/audit.ts";
import { completeCode, incompleteCode } from "../exit-code.ts";
import type { Surroundings } from "../declared-command.ts";
import { overridesOf } from "../options/run.ts";
import { deviceOf } from "../options/speed.ts";
import type { AuditValues } from "./declared/evaluate.ts";
import { pairsToRun } from "../../evaluation/pairs.ts";
import { checkpointsToRun } from "../../evaluation/checkpoints.ts";
import { findTasks } from "../../catalog/find-task.ts";
import { UsageError } from "../../catalog/usage-error.ts";

/** Gives the exit code: 3 where samples differ that must be equal. */
export async function audit(
  values: AuditValues,
  _words: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { catalog, terminal, isJson, hubCache } = surroundings;
  const { model, tasks: named, precision: precisions, batchSize } = values;
  if (model === undefined) throw new UsageError("audit: found no --model, expected the checkpoint to audit.");
  const onPreparation = terminal.preparation.bind(terminal);
  const onMessage = terminal.message.bind(terminal);
  const checkpoints = await checkpointsToRun(
    { ...values, models: model, precisions, device: deviceOf(values) },
    catalog,
    { hubCache, onPreparation, onMessage },
  );
  const tasks = await findTasks(catalog, named ?? catalog.bundledTasks);
  const pairs = pairsToRun(checkpoints, tasks, {
    config: { ...values, areTasksNamed: named !== undefined },
    catalog,
    hubCache,
  });
  const onProgress = terminal.progress.bind(terminal);
  const audits: TaskAudit[] = [];
  for (const [index, pair] of pairs.entries()) {
    try {
      audits.push(await auditPair(pair, { ...values, overrides: overridesOf(values) }, { onProgress }));
    } finally {
      if (pairs[index + 1]?.model !== pair.model) await pair.model.release();
    }
  }
  const result: Audit = { format: auditFormat, batchSize, tasks: audits };
  terminal.result(isJson ? JSON.stringify(result, null, 2) : formatAudit(result));
  const isWrong = audits.some(({ differences, expected }) => differences.length > 0 && expected === null);
  return isWrong ? incompleteCode : completeCode;
}
