/** How a run came to each of its answers, for the samples that a report shows. */
import { DatasetError } from "../../../datasets/dataset.ts";
import { RunFolderError } from "../../../reports/records/run-folder-error.ts";
import type { SampleDetails } from "../../../reports/report/sample-details.ts";
import { recordedTask } from "../../catalog/recorded-split.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import type { ShownSamples } from "../../catalog/shown-samples.ts";
import { besideData, readHeldRun, scoresById } from "../../samples/answered-run.ts";
import { sampleDetailsOf } from "../../samples/show/sample-details.ts";
import { sampleTokensOf } from "../../samples/show/sample-tokens.ts";
import type { TokenizerPlaces } from "../../samples/show/sample-tokens.ts";
import { workingsOf } from "../../samples/show/work-out.ts";

export interface RunDetails {
  /** By sample id; empty where the run cannot be read as a whole. */
  readonly byId: ReadonlyMap<string, SampleDetails>;
  /** What is missing in all of them, and why; null: nothing is. */
  readonly problem: string | null;
}

/** Has the run in memory as a whole meanwhile. `recorded`: its split, opened for a run of the same data; null: the data are not there. */
export async function runDetailsOf(
  { path }: { readonly path: string },
  ids: ReadonlySet<string>,
  { recorded, ...places }: TokenizerPlaces & Pick<ShownSamples, "recorded">,
): Promise<RunDetails> {
  try {
    const run = await readHeldRun(path);
    const answered =
      recorded === null
        ? null
        : besideData(run, { ...recorded, ...(await recordedTask(run.record, path, places.catalog)) });
    const workings = answered === null ? null : await workingsOf(answered);
    const tokens = await sampleTokensOf({ run, answered }, places);
    const scoresOf = scoresById(run.scores);
    const answers = new Map(answered?.asked.map(({ sample, answer }) => [sample.id, answer]));
    const byId = new Map<string, SampleDetails>();
    for (const id of ids) {
      const prediction = run.predictions.get(id) ?? null;
      const sample = { prediction, answer: answers.get(id) ?? null, scores: scoresOf(id) };
      byId.set(id, sampleDetailsOf(sample, run, { tokens: tokens.of(id), workings: workings?.(id) ?? [] }));
    }
    const problems = [answered?.otherTask ?? null, tokens.problem].filter((problem) => problem !== null);
    return { byId, problem: problems.length === 0 ? null : problems.join(" ") };
  } catch (error) {
    if (!(error instanceof RunFolderError || error instanceof DatasetError || error instanceof UsageError)) throw error;
    return { byId: new Map(), problem: `Its samples cannot be opened: ${error.message}` };
  }
}
