/** `blip2-bench audit`: whether what makes a run fast changes an answer. Writes nothing. */
import { formatAudit } from "../../../reports/findings/audit-table.ts";
import { auditFormat } from "../../../reports/records/findings/audit.ts";
import type { Audit, TaskAudit } from "../../../reports/records/findings/audit.ts";
import { audit } from "../../evaluation/audit.ts";
import { usableProcessors } from "../../catalog/usable-processors.ts";
import { completeCode, incompleteCode } from "../exit-code.ts";
import { withDeviceFlags } from "../../catalog/device.ts";
import {
  cacheHelp,
  dataHelp,
  list,
  maxPixelsHelp,
  precisionHelp,
  refuseExcess,
  refuseFlagsAsValues,
  withOutputFlags,
} from "../flags.ts";
import type { AddCommand, OutputFlags, Surroundings } from "../flags.ts";
import { pairsToRun } from "../../evaluation/pairs.ts";
import { checkpointsToRun } from "../../evaluation/checkpoints.ts";
import { taskNamed } from "../../catalog/find-checkpoint.ts";
import { readRunConfig } from "../../evaluation/run-config.ts";
import type { RunFlags } from "../../evaluation/run-config.ts";
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
    .option("--data <folder>", dataHelp)
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
    called({ flags, perform: (surroundings) => auditAll(flags, surroundings) });
  });
};

/** Gives the exit code: 3 where samples differ that must not. */
async function auditAll(flags: RunFlags, surroundings: Surroundings): Promise<number> {
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
  const pairs = pairsToRun(checkpoints, tasks, { config, catalog, hubCache });
  const audits: TaskAudit[] = [];
  for (const [index, pair] of pairs.entries()) {
    try {
      audits.push(await audit(pair, { ...config, batchSize }, { onProgress: terminal.progress.bind(terminal) }));
    } finally {
      if (pairs[index + 1]?.model !== pair.model) await pair.model.release();
    }
  }
  const result: Audit = { format: auditFormat, batchSize, tasks: audits };
  terminal.result(isJson ? JSON.stringify(result, null, 2) : formatAudit(result));
  const isWrong = audits.some(({ differences, expected }) => differences.length > 0 && expected === null);
  return isWrong ? incompleteCode : completeCode;
}
