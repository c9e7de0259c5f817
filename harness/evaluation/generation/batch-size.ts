/**
 * --batch-size auto: the model answers the first samples of a run in batches of 1, 2, 4 and so on, as long as that makes it
 * faster and memory lasts. What it answers is thrown away. The size is recorded, and a run that goes on takes it from there.
 */
import { freemem } from "node:os";
import type { Sample } from "../../../datasets/dataset.ts";
import type { VisionLanguageModel } from "../../../models/model.ts";
import { readRecord } from "../../../reports/records/run-files.ts";
import { planWindows } from "../batches.ts";
import { readAhead } from "../../processes/read-ahead.ts";
import { asRun, isStoppedNow, predict } from "../evaluate.ts";
import type { Evaluation, Watcher } from "../evaluate.ts";
import { defaultBatchSize } from "../run-config.ts";
import type { RunConfig } from "../run-config.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { Workers } from "../../processes/workers.ts";

const sizes = [1, 2, 4, 8, 16, 32, 64];
/** A size that is not this much faster is not worth its memory. */
const worthwhileGain = 1.05;
/** Of measuring a size; a single batch may take longer. */
const measuredMs = 1000;

/** The size to plan a run in this folder with; it is only a place holder where it `isOpen`, to be measured. */
export async function plannedBatchSize(
  { batchSize, overwrite }: RunConfig,
  folder: string,
): Promise<{ readonly batchSize: number; readonly isOpen: boolean }> {
  if (batchSize !== "auto") return { batchSize, isOpen: false };
  const recorded = overwrite ? null : await readRecord(folder);
  if (recorded !== null) return { batchSize: recorded.config.batchSize, isOpen: false };
  return { batchSize: defaultBatchSize, isOpen: true };
}

export interface Measuring {
  /** Bytes that answering may take beside the loaded model; null: half of what is free then. */
  readonly memoryBudget: number | null;
  readonly watcher: Watcher;
  readonly note: (text: string) => void;
  /** Milliseconds, from any start. */
  readonly now?: () => number;
  /** Of this process, or of those the model is in. */
  readonly residentBytes?: (model: VisionLanguageModel) => number;
}

/** The evaluation with the batch size that was found, or as it is where there is none to be found. */
export async function withBatchSize<S extends Sample>(
  evaluation: Evaluation<S>,
  measuring: Measuring,
): Promise<Evaluation<S>> {
  if (evaluation.isBatchSizeOpen !== true) return evaluation;
  const model = await evaluation.model.load();
  const { memoryBudget, note } = measuring;
  const budgetBytes = memoryBudget ?? freemem() / 2;
  const { checkpoint, config } = evaluation.plan;
  const found = await findBatchSize(evaluation, model, { ...measuring, budgetBytes });
  if (found === null) return evaluation;
  const rates = found.measured.map(({ size, perSecond }) => `${size}: ${perSecond.toPrecision(3)}`).join(", ");
  const name = `${checkpoint.name} ${config.task}`;
  note(`${name}: samples a second by batch size: ${rates}; --batch-size ${found.size}: ${found.why}`);
  return withSize(evaluation, found.size);
}

function withSize<S extends Sample>(evaluation: Evaluation<S>, batchSize: number): Evaluation<S> {
  const { plan } = evaluation;
  return { ...evaluation, plan: { ...plan, config: { ...plan.config, batchSize } } };
}

interface Found {
  readonly size: number;
  readonly why: string;
  readonly measured: readonly { readonly size: number; readonly perSecond: number }[];
}

/** null: no sample could be answered, or the watcher stopped it. */
async function findBatchSize<S extends Sample>(
  evaluation: Evaluation<S>,
  model: VisionLanguageModel,
  {
    budgetBytes,
    watcher,
    now = performance.now.bind(performance),
    residentBytes = residentOf,
  }: Measuring & {
    readonly budgetBytes: number;
  },
): Promise<Found | null> {
  const measured: Found["measured"][number][] = [];
  let best = { size: 0, perSecond: 0 };
  const before = residentBytes(model);
  const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
  for (const size of sizes) {
    if (size > 1 && size > evaluation.samples.length) {
      return { ...best, measured, why: `there are ${evaluation.samples.length} samples` };
    }
    if (size === 1) await measure(withSize(evaluation, size), model, now); // code that is run for the first time is slow
    const perSecond = await measure(withSize(evaluation, size), model, now);
    if (perSecond === 0 || (await isStoppedNow(watcher))) return null;
    const takenBytes = Math.max(0, residentBytes(model) - before);
    if (takenBytes > budgetBytes) {
      const found = `${megabytes(takenBytes)}, the budget is ${megabytes(budgetBytes)}`;
      if (best.size > 0) return { ...best, measured, why: `with ${size}, answering takes ${found}` };
      throw new UsageError(`--memory-budget: a batch of one sample takes ${found}. Give more, or another --precision.`);
    }
    measured.push({ size, perSecond });
    if (perSecond < best.perSecond * worthwhileGain) return { ...best, measured, why: "a larger one gains nothing" };
    best = { size, perSecond };
    if (2 * takenBytes > budgetBytes && size !== sizes.at(-1)) {
      const why = `twice as many may take ${megabytes(2 * takenBytes)}, the budget is ${megabytes(budgetBytes)}`;
      return { ...best, measured, why };
    }
  }
  return { ...best, measured, why: "larger ones are not tried" };
}

/** Samples a second, over as many windows from the first on as it takes to measure. */
async function measure<S extends Sample>(
  evaluation: Evaluation<S>,
  model: VisionLanguageModel,
  now: () => number,
): Promise<number> {
  const windows = planWindows(evaluation.samples, evaluation.plan.config.batchSize);
  const atOnce = model.batchesAtOnce ?? 1;
  // Warms up on other images than the first: a model keeps what it has seen last.
  await Promise.all(windows.slice(-atOnce).map((window) => predict(asRun(evaluation), model, window)));
  const start = now();
  let answered = 0;
  for (let next = 0; next < windows.length && (next === 0 || now() - start < measuredMs); next += atOnce) {
    readAhead(model, windows.slice(next + 1, next + 1 + atOnce));
    const asked = windows.slice(next, next + atOnce).map((window) => predict(asRun(evaluation), model, window));
    const predictions = (await Promise.all(asked)).flat();
    answered += predictions.filter(({ status }) => status === "predicted").length;
  }
  return (1000 * answered) / (now() - start);
}

function residentOf(model: VisionLanguageModel): number {
  return model instanceof Workers ? model.residentBytes : process.memoryUsage.rss();
}
