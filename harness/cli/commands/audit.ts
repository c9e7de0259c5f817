/** `blip2-bench audit`: whether what makes a run fast changes an answer. Writes nothing. */
import { describePrecision, modelParts } from "../../../models/checkpoint/precision.ts";
import type { Precision } from "../../../models/checkpoint/precision.ts";
import { formatAudit } from "../../../reports/findings/audit-table.ts";
import { auditFormat } from "../../../reports/records/findings/audit.ts";
import type { Audit, TaskAudit } from "../../../reports/records/findings/audit.ts";
import { auditGeneration } from "../../evaluation/generation/audit-generation.ts";
import type { Found } from "../../evaluation/generation/audit-generation.ts";
import { auditRetrieval } from "../../evaluation/retrieval/audit-retrieval.ts";
import type { Catalog } from "../../catalog/catalog.ts";
import { usableProcessors } from "../../catalog/usable-processors.ts";
import { completeCode, incompleteCode } from "../exit-code.ts";
import { withDeviceFlags } from "../../catalog/device.ts";
import {
  cacheHelp,
  list,
  maxPixelsHelp,
  precisionHelp,
  refuseExcess,
  refuseFlagsAsValues,
  withOutputFlags,
} from "../flags.ts";
import type { AddCommand, OutputFlags, Surroundings } from "../flags.ts";
import { pairsToRun } from "../../evaluation/pairs.ts";
import type { Pair } from "../../evaluation/pairs.ts";
import { checkpointsToRun } from "../../evaluation/prepare.ts";
import { openSplit } from "../../catalog/open-split.ts";
import { taskNamed } from "../../catalog/find-checkpoint.ts";
import { askingOf, rankingOf } from "../../evaluation/protocol.ts";
import { readRunConfig } from "../../evaluation/run-config.ts";
import type { RunConfig, RunFlags } from "../../evaluation/run-config.ts";
import { UsageError } from "../../catalog/usage-error.ts";

const defaultSamples = "32";

export const addAudit: AddCommand = (program, called) => {
  const command = program
    .command("audit")
    .description("run a sample of each task one by one and as fast as a run does, and report every difference");
  command
    .option("-m, --model <names>", "bundled names, folders or names in the Hugging Face cache", list)
    .option("-t, --tasks <names>", "tasks (default: all the checkpoint can do)", list)
    .option("--precision <names>", precisionHelp, list)
    .option("--limit <n>", "samples of each task, or a fraction of them", defaultSamples)
    .option("-b, --batch-size <n>", "questions a batch of the fast way (default: 8)")
    .option("--data <folder>", "the data set's official files (default: the bundled ones)")
    .option("--images <folder>", "its images (default: where the official archives put them)")
    .option("--max-pixels <n>", maxPixelsHelp)
    .option("--split <name>", "part of the data set (default: its first)")
    .option("--protocol <name>", "paper or lavis (default: paper)")
    .option("--threads <n>", "threads to compute with (default: all)")
    .option("--cache <folder>", cacheHelp);
  withOutputFlags(withDeviceFlags(command)).action(() => {
    refuseExcess(command, 0);
    refuseFlagsAsValues(command);
    const flags = command.opts<RunFlags & OutputFlags>();
    called({ flags, perform: (surroundings) => audit(flags, surroundings) });
  });
};

/** Gives the exit code: 3 where samples differ that must not. */
async function audit(flags: RunFlags, surroundings: Surroundings): Promise<number> {
  const { catalog, terminal, isJson, hubCache, cacheFolder } = surroundings;
  if (flags.model === undefined) throw new UsageError("audit: found no --model, expected the checkpoint to audit.");
  const config = readRunConfig(flags, {
    models: [],
    tasks: catalog.bundledTasks,
    output: ".", // nothing is written
    threads: usableProcessors(),
    cache: cacheFolder,
  });
  const { batchSize } = config;
  if (batchSize === "auto")
    throw new UsageError("--batch-size: audit measures no speed, expected a whole number from 1.");
  const onPreparation = terminal.preparation.bind(terminal);
  const onMessage = terminal.message.bind(terminal);
  const checkpoints = await checkpointsToRun(config, catalog, { hubCache, onPreparation, onMessage });
  const tasks = config.tasks.map((name) => taskNamed(catalog, name));
  const pairs = pairsToRun(checkpoints, tasks, { areTasksNamed: config.areTasksNamed, catalog });
  const audits: TaskAudit[] = [];
  for (const [index, pair] of pairs.entries()) {
    try {
      audits.push(await auditPair(pair, { ...config, batchSize }, surroundings));
    } finally {
      if (pairs[index + 1]?.model !== pair.model) await pair.model.release();
    }
  }
  const result: Audit = { format: auditFormat, batchSize, tasks: audits };
  terminal.result(isJson ? JSON.stringify(result, null, 2) : formatAudit(result));
  const isWrong = audits.some(({ differences, expected }) => differences.length > 0 && expected === null);
  return isWrong ? incompleteCode : completeCode;
}

type AuditConfig = RunConfig & { readonly batchSize: number };

async function auditPair(pair: Pair, config: AuditConfig, surroundings: Surroundings): Promise<TaskAudit> {
  const { checkpoint, task } = pair;
  const precision = describePrecision(checkpoint.precision);
  const { found, split, samples } = await compare(pair, config, surroundings);
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
  config: AuditConfig,
  { catalog, terminal }: { readonly catalog: Catalog; readonly terminal: Surroundings["terminal"] },
): Promise<Compared> {
  const { batchSize, protocol, overrides } = config;
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
    const { split, samples } = await openSplit(pair.task, config, catalog);
    const ranking = rankingOf(pair.task, protocol, overrides);
    const work = { samples, protocol: ranking, batchSize };
    const found = await auditRetrieval(await pair.model.load(), work, counter(samples.length));
    return { found, split: split.name, samples: samples.length };
  }
  const { task } = pair;
  const { split, samples } = await openSplit(task, config, catalog);
  const asking = askingOf(task, protocol, { family: pair.checkpoint.family, overrides, samples });
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
