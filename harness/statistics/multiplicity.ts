/** Many comparisons at once: p-values adjusted so that they can be held against the level of one. */

/**
 * Benjamini and Hochberg 1995: among those below q, at most a share q is false on average. In the order given.
 */
export function benjaminiHochberg(pValues: readonly number[]): readonly number[] {
  const count = pValues.length;
  const order = ranked(pValues);
  const adjusted = new Array<number>(count);
  let least = 1;
  for (let rank = count; rank >= 1; rank -= 1) {
    const place = order[rank - 1]!;
    least = Math.min(least, (pValues[place]! * count) / rank);
    adjusted[place] = least;
  }
  return adjusted;
}

/** Holm 1979: the chance that any of those below the level is false is at most the level. In the order given. */
export function holm(pValues: readonly number[]): readonly number[] {
  const count = pValues.length;
  const adjusted = new Array<number>(count);
  let most = 0;
  for (const [rank, place] of ranked(pValues).entries()) {
    most = Math.max(most, Math.min(1, pValues[place]! * (count - rank)));
    adjusted[place] = most;
  }
  return adjusted;
}

function ranked(pValues: readonly number[]): readonly number[] {
  return pValues.map((_, place) => place).sort((a, b) => pValues[a]! - pValues[b]! || a - b);
}
