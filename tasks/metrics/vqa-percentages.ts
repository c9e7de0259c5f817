/**
 * VQA accuracies as the official scorer prints them: percent with two decimals, overall, by type and by question
 * (vqaEval.py:157-163). The only rounding of this metric; scores themselves are fractions and are not rounded.
 *
 * Rounding is Python 3's: to the nearest decimal, an exact half to the even digit, so 3.125 gives 3.12. The official
 * code's Python 2 gave 3.13.
 */
import type { VqaSample } from "../../datasets/dataset.ts";
import type { Hypothesis } from "../task.ts";
import { sumsByType } from "./mean-score.ts";

export interface VqaPercentages {
  readonly overall: number;
  readonly perQuestionType: ReadonlyMap<string, number>;
  readonly perAnswerType: ReadonlyMap<string, number>;
  readonly perQuestion: ReadonlyMap<string, number>;
}

/** Percentages from the accuracies of a score (`Score.bySample`, at least one) and their hypotheses. */
export function vqaPercentages(
  hypotheses: readonly Hypothesis<VqaSample>[],
  bySample: readonly number[],
): VqaPercentages {
  const byType = (typeOf: (sample: VqaSample) => string): ReadonlyMap<string, number> =>
    new Map(
      [...sumsByType(hypotheses, bySample, typeOf)].map(([type, { sum, samples }]) => [type, percent(sum, samples)]),
    );
  let total = 0;
  for (const accuracy of bySample) total += accuracy;
  return {
    overall: percent(total, bySample.length),
    perQuestionType: byType((sample) => sample.questionType),
    perAnswerType: byType((sample) => sample.answerType),
    perQuestion: new Map(hypotheses.map(({ sample }, index) => [sample.id, percent(bySample[index] ?? 0, 1)])),
  };
}

/** The official order of operations: a percentage of the mean could fall on the other side of a half. */
function percent(sum: number, samples: number): number {
  return roundHalfEven((100 * sum) / samples);
}

/** `round(value, 2)` of Python 3, for 0 <= value <= 100. */
export function roundHalfEven(value: number): number {
  const isHalf = (value * 8) % 2 === 1; // of two-decimal halves, binary fractions hold only the odd eighths
  if (!isHalf) return Number(value.toFixed(2));
  const below = Math.floor(value * 100);
  return (below % 2 === 0 ? below : below + 1) / 100;
}
