/**
 * Pairs the samples of two runs by id. Pairs are sorted by cluster, then image, then id, so that no number depends on the order of
 * samples in either run.
 */
import type { PairedSums } from "../../statistics/paired-mean.ts";

/** Columns of scores.json by name. */
export type Columns = Readonly<Record<string, readonly (string | number)[]>>;

export interface PairedTable {
  readonly base: Columns;
  readonly candidate: Columns;
  readonly ids: readonly string[];
  readonly images: readonly string[];
  /** What standard errors group each pair by: a column that the runs chose, or its image. */
  readonly clusters: readonly string[];
  /** For each pair, its index in the columns of the base. */
  readonly basePlaces: Int32Array;
  readonly candidatePlaces: Int32Array;
  /** Ids of samples that only one run has. */
  readonly onlyBase: readonly string[];
  readonly onlyCandidate: readonly string[];
}

/** Pairs two runs, whose columns must include `id` and `image`, and may include `cluster`. */
export function pairSamples(base: Columns, candidate: Columns): PairedTable {
  const places = new Map<string | number, number>();
  for (const [place, id] of (candidate["id"] ?? []).entries()) places.set(id, place);
  const onlyBase: string[] = [];
  const pairs: { id: string; image: string; cluster: string; base: number; candidate: number }[] = [];
  const images = base["image"] ?? [];
  const clusters = base["cluster"] ?? images;
  for (const [place, id] of (base["id"] ?? []).entries()) {
    const other = places.get(id);
    if (other === undefined) onlyBase.push(String(id));
    else {
      const [image, cluster] = [String(images[place]), String(clusters[place])];
      pairs.push({ id: String(id), image, cluster, base: place, candidate: other });
    }
    places.delete(id);
  }
  pairs.sort((a, b) => compareText(a.cluster, b.cluster) || compareText(a.image, b.image) || compareText(a.id, b.id));
  return {
    base,
    candidate,
    ids: pairs.map(({ id }) => id),
    images: pairs.map(({ image }) => image),
    clusters: pairs.map(({ cluster }) => cluster),
    basePlaces: Int32Array.from(pairs, (pair) => pair.base),
    candidatePlaces: Int32Array.from(pairs, (pair) => pair.candidate),
    onlyBase,
    onlyCandidate: [...places.keys()].map(String),
  };
}

/** Compares by UTF-16 code units, so that the order does not depend on a locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The numbers of one column in both runs, in the order of the pairs. */
export interface PairedNumbers {
  readonly base: Float64Array;
  readonly candidate: Float64Array;
}

/** null where a run does not have this column or it does not hold numbers. */
export function pairedNumbers(name: string, table: PairedTable): PairedNumbers | null {
  const [first, second] = [table.base[name], table.candidate[name]];
  if (!isNumbers(first) || !isNumbers(second)) return null;
  return {
    base: Float64Array.from(table.basePlaces, (place) => first[place] ?? NaN),
    candidate: Float64Array.from(table.candidatePlaces, (place) => second[place] ?? NaN),
  };
}

function isNumbers(column: readonly (string | number)[] | undefined): column is readonly number[] {
  return column !== undefined && column.every((value) => typeof value === "number");
}

/** Sums by cluster over the samples for which `isPart` holds; clusters without such samples are left out. */
export function sumByCluster(
  { base, candidate }: PairedNumbers,
  clusters: readonly string[],
  isPart: (place: number) => boolean = () => true,
): PairedSums {
  const sums = { counts: [0], base: [0], candidate: [0], differences: [0] };
  for (const list of Object.values(sums)) list.pop();
  let last: string | null = null;
  for (let place = 0; place < clusters.length; place += 1) {
    if (!isPart(place)) continue;
    if (clusters[place] !== last) {
      last = clusters[place]!;
      for (const list of Object.values(sums)) list.push(0);
    }
    const cluster = sums.counts.length - 1;
    const [first, second] = [base[place]!, candidate[place]!];
    sums.counts[cluster]! += 1;
    sums.base[cluster]! += first;
    sums.candidate[cluster]! += second;
    sums.differences[cluster]! += second - first;
  }
  return {
    counts: Float64Array.from(sums.counts),
    base: Float64Array.from(sums.base),
    candidate: Float64Array.from(sums.candidate),
    differences: Float64Array.from(sums.differences),
  };
}
