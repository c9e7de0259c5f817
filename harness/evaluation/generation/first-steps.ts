/**
 * The first step of a run's first samples, kept beside its predictions: how likely every token was to begin the answer. What
 * precisions cost is told from it (analysis/costs/), later and without a model. Made once; a run
 * that is continued makes what is missing.
 */
import type { Sample } from "../../../datasets/dataset.ts";
import { readFirstSteps } from "../../../reports/records/first-step.ts";
import { runName } from "../../../reports/records/run-record.ts";
import { isStoppedNow } from "../watcher.ts";
import type { Watcher } from "../watcher.ts";
import { planWindows } from "./ask.ts";
import type { GenerationWork } from "./ask.ts";
import { promptFault, requestsOf } from "./requests.ts";

/** Makes and writes the first steps that are not on disk. `interrupted`: the watcher stopped it, and nothing was written. */
export async function keepFirstSteps<S extends Sample>(
  work: GenerationWork<S>,
  watcher: Watcher,
): Promise<"kept" | "interrupted"> {
  const { samples, plan, folder, firstSteps } = work;
  const asked = samples.slice(0, firstSteps).filter((sample) => promptFault(sample, work.asking) === null);
  if (asked.length === 0) return "kept";
  const { identity } = folder.record;
  const found = await readFirstSteps(folder.path, identity);
  if (found.status === "found" && found.steps.asked === asked.length) return "kept";

  const model = await work.model.load();
  if (model.firstStep === undefined) return "kept";
  const rows: { readonly id: string; readonly logProbabilities: Float32Array }[] = [];
  const run = `${runName(plan)}: first steps`;
  let done = 0;
  for (const window of planWindows(asked, plan.config.batchSize)) {
    if (await isStoppedNow(watcher)) return "interrupted";
    const requests = await requestsOf(model, window, { asking: work.asking, size: plan.config.batchSize });
    const able = requests.filter(({ fault }) => fault === null);
    const steps = await model.firstStep(able.map(({ request }) => request));
    for (const [index, { sample }] of able.entries()) {
      const { id } = sample;
      const step = steps[index]!;
      if (step.status === "ranked") rows.push({ id, logProbabilities: step.logProbabilities });
    }
    done += window.length;
    watcher.onProgress({ run, before: 0, done, samples: asked.length, failed: done - rows.length });
  }
  const vocabulary = rows[0]?.logProbabilities.length ?? 0;
  const logProbabilities = new Float32Array(rows.length * vocabulary);
  for (const [row, step] of rows.entries()) logProbabilities.set(step.logProbabilities, row * vocabulary);
  await folder.writeFirstSteps({
    identity,
    asked: asked.length,
    ids: rows.map(({ id }) => id),
    vocabulary,
    logProbabilities,
  });
  return "kept";
}
