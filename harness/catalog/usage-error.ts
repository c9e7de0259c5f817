/** What a user can mend on the command line, and the nearest name to suggest for one that is not known. */

export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * For example `--tasks vqa2: no such task. Did you mean vqav2? Tasks: vqav2, ok-vqa.`
 * @param kind singular, as it reads in a sentence: "task"
 * @param otherwise what else could be given
 */
export function unknownName(
  where: string,
  kind: string,
  { name, names, otherwise = "" }: { name: string; names: readonly string[]; otherwise?: string },
): UsageError {
  const nearest = nearestName(name, names);
  const suggestion = nearest === null ? "" : ` Did you mean ${nearest}?`;
  const title = `${kind.slice(0, 1).toUpperCase()}${kind.slice(1)}s`;
  return new UsageError(`${where}: no such ${kind}.${suggestion} ${title}: ${names.join(", ")}.${otherwise}`);
}

/** The name with the fewest mistakes in it; null where none is near enough to have been meant. */
export function nearestName(name: string, names: readonly string[]): string | null {
  const [best] = names
    .map((candidate) => ({ candidate, mistakes: mistakes(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ candidate, mistakes }) => {
      const isBeginning = name !== "" && candidate.startsWith(name);
      return isBeginning || mistakes * 2 <= Math.max(name.length, candidate.length);
    })
    .sort((a, b) => a.mistakes - b.mistakes);
  return best?.candidate ?? null;
}

/** Letters added, left out, changed, or swapped with their neighbour (optimal string alignment). */
function mistakes(typed: string, meant: string): number {
  // Three rows of the table: counts[j] is for the first i letters of `typed` and the first j of `meant`.
  let beforeLast: number[] = [];
  let last = Array.from({ length: meant.length + 1 }, (_, j) => j);
  for (let i = 1; i <= typed.length; i += 1) {
    const counts = [i];
    for (let j = 1; j <= meant.length; j += 1) {
      const isSame = typed[i - 1] === meant[j - 1];
      let least = Math.min(last[j]! + 1, counts[j - 1]! + 1, last[j - 1]! + (isSame ? 0 : 1));
      const isSwapped = i > 1 && j > 1 && typed[i - 1] === meant[j - 2] && typed[i - 2] === meant[j - 1];
      if (isSwapped) least = Math.min(least, beforeLast[j - 2]! + 1);
      counts.push(least);
    }
    beforeLast = last;
    last = counts;
  }
  return last[meant.length]!;
}
