/**
 * The standard error of a mean over samples that come in clusters, such as the questions about one image: samples of a
 * cluster are not independent, and the usual formula would be too small. Miller 2024, arXiv 2411.00640, section 2.2.
 */

/**
 * sqrt(G / (G - 1) * sum over clusters of S² ) / n, where S is a cluster's sum of differences from the mean, G the number of
 * clusters and n the number of values. With one value a cluster it is the usual standard error.
 *
 * @param clusters the cluster each value belongs to, in the order of the values.
 * @returns null where fewer than two clusters leave nothing to compare.
 */
export function clusteredStandardError(values: readonly number[], clusters: readonly string[]): number | null {
  if (values.length !== clusters.length) {
    throw new RangeError(`standard error: ${values.length} values in ${clusters.length} clusters; give each value one`);
  }
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;

  const sums = new Map<string, number>();
  for (const [index, cluster] of clusters.entries()) {
    sums.set(cluster, (sums.get(cluster) ?? 0) + (values[index] ?? 0) - mean);
  }
  if (sums.size < 2) return null;
  let squares = 0;
  for (const residual of sums.values()) squares += residual * residual;
  return Math.sqrt((sums.size / (sums.size - 1)) * squares) / values.length;
}

/**
 * The standard error of a score that is no mean, by the delete-one jackknife (Efron and Stein 1981, "The Jackknife Estimate of
 * Variance"): sqrt((G - 1) / G * sum of squared differences from their mean). Of a mean over clusters of equal size it is the
 * standard error above.
 *
 * @param withoutOne for each of the G clusters, the score of all the others.
 * @returns null for fewer than two clusters.
 */
export function jackknifeStandardError(withoutOne: readonly number[]): number | null {
  if (withoutOne.length < 2) return null;
  let sum = 0;
  for (const value of withoutOne) sum += value;
  const mean = sum / withoutOne.length;
  let squares = 0;
  for (const value of withoutOne) squares += (value - mean) ** 2;
  return Math.sqrt(((withoutOne.length - 1) / withoutOne.length) * squares);
}
