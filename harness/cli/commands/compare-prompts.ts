/** The end of a run with several prompts: each run is compared with the one of the first prompt, on disk and in a table. */
import { usualCompareOptions } from "../../analysis/compare/metric-findings.ts";
import { compareTo } from "../../analysis/compare/compare-folders.ts";
import { writeComparison } from "../../analysis/compare/write-comparison.ts";
import type { Evaluation } from "../../evaluation/verbs.ts";
import type { PromptRun } from "../../../reports/findings/prompt-table.ts";
import type { ScoredRun } from "../../../reports/findings/score-rows.ts";
import type { Comparison } from "../../../reports/records/findings/comparison.ts";

/** What was found of a run's prompts. */
export interface PromptFindings {
  /** For each checkpoint on each task, in their order: its run with each prompt. */
  readonly series: readonly (readonly PromptRun[])[];
  readonly comparison: Comparison;
}

/**
 * `evaluations` and `scored` are in one order: of each checkpoint on each task the runs with all prompts stand together. Writes the
 * comparison into the output folder.
 */
export async function comparePrompts(
  prompts: readonly string[],
  { evaluations, scored }: { readonly evaluations: readonly Evaluation[]; readonly scored: readonly ScoredRun[] },
  output: string,
): Promise<PromptFindings> {
  const series: PromptRun[][] = [];
  for (let first = 0; first < evaluations.length; first += prompts.length) {
    series.push(
      prompts.map((prompt, index) => {
        return { prompt, folder: evaluations[first + index]!.folder.path, run: scored[first + index]! };
      }),
    );
  }
  const folders = series.map(([base, ...candidates]) => {
    return { base: base!.folder, candidates: candidates.map(({ folder }) => folder) };
  });
  const options = { ...usualCompareOptions, allowPartial: true, isAcrossPrompts: true };
  const comparison = await compareTo(folders, options);
  await writeComparison(output, comparison);
  return { series, comparison };
}
