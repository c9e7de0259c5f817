/** The Pareto front of speed and score: the points that no other point beats in one without losing in the other. */

export interface Candidate {
  /** Both: more is better. */
  readonly speed: number;
  readonly score: number;
}

/** For each candidate, in order. Of equal ones all are on the front. */
export function paretoFront(candidates: readonly Candidate[]): readonly boolean[] {
  return candidates.map((one) => !candidates.some((other) => dominates(other, one)));
}

function dominates(other: Candidate, one: Candidate): boolean {
  const isNoWorse = other.speed >= one.speed && other.score >= one.score;
  return isNoWorse && (other.speed > one.speed || other.score > one.score);
}
