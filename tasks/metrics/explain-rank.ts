/**
 * How a row of retrieval comes to its rank (recall.ts): the candidates that come first, and where the best right one is. Of
 * equal scores a wrong candidate comes first, as in the scores of a run.
 */
import type { Working, WorkingStep } from "../task.ts";
import { shownNumber } from "./working.ts";

const shownCandidates = 5;

/**
 * @param scores of each candidate: similarity, plus matching logit where it was matched again
 * @param right positions of the right candidates, at least one
 * @param nameOf of a candidate, for people
 * @returns `score`: 1 / (1 + number of candidates before the best right one), as the mean reciprocal rank counts it
 */
export function explainRank(
  scores: Float32Array,
  right: readonly number[],
  nameOf: (candidate: number) => string,
): Working {
  const isRight = new Set(right);
  const order = Array.from(scores.keys()).sort(
    (a, b) => scores[b]! - scores[a]! || Number(isRight.has(a)) - Number(isRight.has(b)) || a - b,
  );
  const rank = order.findIndex((candidate) => isRight.has(candidate));
  const stepOf = (place: number): WorkingStep => {
    const candidate = order[place]!;
    const mark = isRight.has(candidate) ? "right" : "wrong";
    return { what: `${place + 1}. ${nameOf(candidate)}`, result: `${shownNumber(scores[candidate]!)}, ${mark}` };
  };
  const shown = Array.from({ length: Math.min(shownCandidates, order.length) }, (_, place) => stepOf(place));
  const found = rank < shownCandidates ? [] : [stepOf(rank)];
  return {
    score: 1 / (rank + 1),
    steps: [
      ...shown,
      ...found,
      {
        what: `the best right one is number ${rank + 1} of ${scores.length}`,
        result: `found among the first k for k ≥ ${rank + 1}; reciprocal rank ${shownNumber(1 / (rank + 1))}`,
      },
    ],
  };
}
