/** `blip2-bench audit`: whether what makes a run fast changes an answer. Writes nothing. */
import { describePrecision, modelParts } from "../../../models/checkpoint/precision.ts";
import type { Precision } from "../../../models/checkpoint/precision.ts";
import { formatAudit } from "../../../reports/tables/audit-table.ts";
import { auditFormat } from "../../../reports/records/findings/audit.ts";
import type { Audit, TaskAudit } from "../../../reports/records/findings/audit.ts";
import { auditGeneration } from "../../evaluation/generation/audit-generation.ts";
import type { Found } from "../../evaluation/generation/audit-generation.ts";
import { auditRetrieval } from "../../evaluation/retrieval/audit-retrieval.ts";
import type { Catalog } from "../../catalog/catalog.ts";
import { completeCode, incompleteCode } from "../exit-code.ts";
import type { Surroundings } from "../declared-command.ts";
import { deviceOf } from "../options/speed.ts";
import type { AuditValues } from "./declared/evaluate.ts";
import { pairsToRun } from "../../evaluation/pairs.ts";
import type { Pair } from "../../evaluation/pairs.ts";
import { checkpointsToRun } from "../../evaluation/prepare.ts";
import { openSplit } from "../../catalog/open-split.ts";
import { taskNamed } from "../../catalog/find-checkpoint.ts";
import { askingOf, rankingOf } from "../../evaluation/protocol.ts";
import { UsageError } from "../../catalog/usage-error.ts";

/** Gives the exit code: 3 where samples differ that must not. */
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
  const tasks = (named ?? catalog.bundledTasks).map((name) => taskNamed(catalog, name));
  const pairs = pairsToRun(checkpoints, tasks, { areTasksNamed: named !== undefined, catalog });
  const audits: TaskAudit[] = [];
  for (const [index, pair] of pairs.entries()) {
    try {
      audits.push(await auditPair(pair, values, surroundings));
    } finally {
      if (pairs[index + 1]?.model !== pair.model) await pair.model.release();
    }
  }
  const result: Audit = { format: auditFormat, batchSize, tasks: audits };
  terminal.result(isJson ? JSON.stringify(result, null, 2) : formatAudit(result));
  const isWrong = audits.some(({ differences, expected }) => differences.length > 0 && expected === null);
  return isWrong ? incompleteCode : completeCode;
}

async function auditPair(pair: Pair, values: AuditValues, surroundings: Surroundings): Promise<TaskAudit> {
  const { checkpoint, task } = pair;
  const precision = describePrecision(checkpoint.precision);
  const { found, split, samples } = await compare(pair, values, surroundings);
  const about = { checkpoint: checkpoint.name, precision, task: task.name, split, samples };
  return { ...about, ...found, expected: reasonToDiffer(checkpoint.precision) };
}

interface Compared {
  readonly found: Found;
  readonly split: string;
  readonly samples: number;
}

async function compare(
  pair: Pair,
  values: AuditValues,
  { catalog, terminal }: { readonly catalog: Catalog; readonly terminal: Surroundings["terminal"] },
): Promise<Compared> {
  const { batchSize, protocol } = values;
  const { name, precision } = pair.checkpoint;
  const run = `${name} ${describePrecision(precision)} ${pair.task.name}: audit`;
  const counter = (samples: number): ((count: number) => void) => {
    let done = 0;
    return (count) => {
      done += count;
      terminal.progress({ run, before: 0, done, samples: 2 * samples, failed: 0 });
    };
  };
  if (pair.kind === "retrieval") {
    const { split, samples } = await openSplit(pair.task, values, catalog);
    const ranking = rankingOf(pair.task, protocol, {});
    const work = { samples, protocol: ranking, batchSize };
    const found = await auditRetrieval(await pair.model.load(), work, counter(samples.length));
    return { found, split: split.name, samples: samples.length };
  }
  const { task } = pair;
  const { split, samples } = await openSplit(task, values, catalog);
  const asking = askingOf(task, protocol, { family: pair.checkpoint.family, overrides: {}, samples });
  const work = { task, split, samples, asking, batchSize };
  const found = await auditGeneration(await pair.model.load(), work, counter(samples.length));
  return { found, split: split.name, samples: samples.length };
}

/** null: an answer does not depend on what else is in its batch. */
function reasonToDiffer(precision: Precision): string | null {
  const names = modelParts.map((part) => precision[part]);
  if (names.every((name) => name === "fp32")) return null;
  const always = "The batches of a run are always the same, and so are its answers.";
  return names.includes("int8")
    ? `To be expected in int8: all rows that a matrix is multiplied with are rounded by one scale, so that an answer depends on what else is in its batch. ${always}`
    : `To be expected in blocks of integers: a number on the border of two of their steps, summed in another order in another batch, may fall on the other side. ${always}`;
}
