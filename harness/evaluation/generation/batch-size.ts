/**
 * --batch-size auto: the model answers the first samples of a run in batches of 1, 2, 4 and so on, as long as that makes it
 * faster and memory lasts. What it answers is thrown away. The size is recorded, and a run that is continued reads it there.
 */
import { freemem } from "node:os";
import type { Sample } from "../../../datasets/dataset.ts";
import type { VisionLanguageModel } from "../../../models/model.ts";
import type { Prediction } from "../../../reports/records/run-record.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { readAhead } from "../../processes/read-ahead.ts";
import { isStoppedNow } from "../watcher.ts";
import type { Gauge } from "../verbs.ts";
import type { Watcher } from "../watcher.ts";
import { askWindow, planWindows } from "./ask.ts";
import type { GenerationWork } from "./ask.ts";
import { runBatching } from "./requests.ts";

const sizes = [1, 2, 4, 8, 16, 32, 64];
/** A size that is not this much faster is not worth its memory. */
const worthwhileGain = 1.05;
/** Milliseconds that one size is measured for, or longer where a single batch takes longer. */
const measuredMs = 1000;

/** The work with the batch size that was found; unchanged where none could be measured. */
export async function withBatchSize<S extends Sample>(
  work: GenerationWork<S>,
  watcher: Watcher,
  gauge: Gauge,
): Promise<GenerationWork<S>> {
  const model = await work.model.load();
  const { checkpoint, config } = work.plan;
  const found = await findBatchSize(work, model, {
    ...gauge,
    watcher,
    budgetBytes: work.memoryBudget ?? freemem() / 2,
  });
  if (found === null) return work;
  const rates = found.measured.map(({ size, perSecond }) => `${size}: ${perSecond.toPrecision(3)}`).join(", ");
  const name = `${checkpoint.name} ${config.task}`;
  watcher.onNote?.(`${name}: samples a second by batch size: ${rates}; --batch-size ${found.size}: ${found.why}`);
  return withSize(work, found.size);
}

function withSize<S extends Sample>(work: GenerationWork<S>, batchSize: number): GenerationWork<S> {
  const { plan } = work;
  return { ...work, plan: { ...plan, config: { ...plan.config, batchSize } } };
}

interface FoundSize {
  readonly size: number;
  readonly why: string;
  readonly measured: readonly { readonly size: number; readonly perSecond: number }[];
}

/** null: no sample could be answered, or the watcher stopped it. */
async function findBatchSize<S extends Sample>(
  work: GenerationWork<S>,
  model: VisionLanguageModel,
  { budgetBytes, watcher, now, residentBytes }: Gauge & { readonly budgetBytes: number; readonly watcher: Watcher },
): Promise<FoundSize | null> {
  const measured: FoundSize["measured"][number][] = [];
  let best = { size: 0, perSecond: 0 };
  const before = residentBytes(model);
  const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;
  for (const size of sizes) {
    if (size > 1 && size > work.samples.length) {
      return { ...best, measured, why: `there are ${work.samples.length} samples` };
    }
    if (size === 1) await measure(withSize(work, size), model, now); // code that is run for the first time is slow
    const perSecond = await measure(withSize(work, size), model, now);
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

/** Samples answered a second, over as many of the first windows as fill the time of a measurement. */
async function measure<S extends Sample>(
  work: GenerationWork<S>,
  model: VisionLanguageModel,
  now: () => number,
): Promise<number> {
  const { batchSize } = work.plan.config;
  const windows = planWindows(work.samples, batchSize);
  const atOnce = model.batchesAtOnce ?? 1;
  const ask = async (some: readonly (readonly S[])[]): Promise<readonly Prediction[]> => {
    const options = { ...work, batching: runBatching(batchSize) };
    return (await Promise.all(some.map((window) => askWindow(model, window, options)))).flat();
  };
  await ask(windows.slice(-atOnce)); // warms up on other images than the first: a model keeps what it has seen last
  const start = now();
  let answered = 0;
  for (let next = 0; next < windows.length && (next === 0 || now() - start < measuredMs); next += atOnce) {
    readAhead(model, windows.slice(next + 1, next + 1 + atOnce));
    const predictions = await ask(windows.slice(next, next + atOnce));
    answered += predictions.filter(({ status }) => status === "predicted").length;
  }
  return (1000 * answered) / (now() - start);
}
