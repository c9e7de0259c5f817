/**
 * The score that is a mean over samples, with its standard error and with means by answer type, question type and domain.
 * Sums run in the order of the hypotheses, as the reference scorers' do.
 */
import { DatasetError } from "../../datasets/dataset.ts";
import type { Hypothesis, Score } from "../task.ts";
import { clustersOf } from "./hypotheses.ts";
import type { ReferencedSample } from "./hypotheses.ts";
import { clusteredStandardError } from "./standard-error.ts";

/**
 * `accuracy` scores one hypothesis, 0 to 1, against its sample's references. Questions about one image are one cluster
 * of the standard error: they are not independent (Miller 2024, arXiv 2411.00640). No hypothesis, or a split without
 * references, is no score; references on some samples only are an error, since the others would be scored as wrong.
 */
export function meanScore<S extends ReferencedSample>(
  hypotheses: readonly Hypothesis<S>[],
  accuracy: (hypothesis: Hypothesis<S>) => number,
): Score {
  if (!haveReferences(hypotheses)) return { value: null, standardError: null };
  const bySample = hypotheses.map(accuracy);
  let sum = 0;
  for (const value of bySample) sum += value;
  return {
    value: sum / bySample.length,
    standardError: clusteredStandardError(bySample, clustersOf(hypotheses)),
    bySample,
    breakdown: Object.fromEntries(
      Object.entries({
        answerType: means(hypotheses, bySample, (sample) => sample.answerType),
        questionType: means(hypotheses, bySample, (sample) => sample.questionType),
        domain: means(hypotheses, bySample, (sample) => sample.domain),
      }).filter(([, groups]) => Object.keys(groups).length > 0),
    ),
  };
}

function haveReferences(hypotheses: readonly Hypothesis<ReferencedSample>[]): boolean {
  const scored = hypotheses.find(({ sample }) => sample.references.length > 0);
  if (scored === undefined) return false;
  const unscored = hypotheses.find(({ sample }) => sample.references.length === 0);
  if (unscored === undefined) return true;
  throw new DatasetError(
    `question ${unscored.sample.id} has no reference answers, question ${scored.sample.id} has ${scored.sample.references.length}. ` +
      "Are the question and annotation files of the same split?",
  );
}

/** Sum and number of samples of each type, the types in the order they first come. Samples without a type are in none. */
export function sumsByType<S extends ReferencedSample>(
  hypotheses: readonly Hypothesis<S>[],
  bySample: readonly number[],
  typeOf: (sample: S) => string | undefined,
): ReadonlyMap<string, { readonly sum: number; readonly samples: number }> {
  const sums = new Map<string, { sum: number; samples: number }>();
  for (const [index, { sample }] of hypotheses.entries()) {
    const type = typeOf(sample);
    if (type === undefined || type === "") continue;
    let total = sums.get(type);
    if (total === undefined) sums.set(type, (total = { sum: 0, samples: 0 }));
    total.sum += bySample[index] ?? 0;
    total.samples += 1;
  }
  return sums;
}

function means(
  hypotheses: readonly Hypothesis<ReferencedSample>[],
  bySample: readonly number[],
  typeOf: (sample: ReferencedSample) => string | undefined,
): Readonly<Record<string, { value: number; samples: number }>> {
  const sums = sumsByType(hypotheses, bySample, typeOf);
  return Object.fromEntries(
    [...sums].map(([type, { sum, samples }]) => [type, { value: sum / samples, samples }] as const),
  );
}
