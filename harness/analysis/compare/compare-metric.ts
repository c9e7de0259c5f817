/**
 * Compares a metric of two runs. How depends on what scores.json holds of it:
 *
 *   a column by sample   a mean over samples: VQA accuracy, CIDEr with fixed document frequencies, ROUGE-L, recall
 *                        at K within a fixed gallery
 *   BLEU-1 to BLEU-4     a function of sums of counts
 *   mean recall          the mean over images of the contributions of each image and its texts
 *
 * The first metric is also compared by answer type.
 */
import type { MetricScore } from "../../../reports/records/run-record.ts";
import { bleuColumnNames, bleuOfSums } from "../../../tasks/metrics/captions/bleu.ts";
import { meanRecallParts } from "../../../tasks/metrics/recall.ts";
import type { PairedSums } from "../../statistics/paired-mean.ts";
import { compareMeans, compareScores } from "./metric-findings.ts";
import type { CompareOptions, MetricFindings, MetricName } from "./metric-findings.ts";
import { compareText, pairedNumbers, sumByCluster } from "./paired-samples.ts";
import type { PairedTable } from "./paired-samples.ts";

export type { CompareOptions, MetricFindings } from "./metric-findings.ts";

interface Tables {
  readonly samples: PairedTable;
  readonly texts: PairedTable | null;
  readonly isHeadline: boolean;
}

/** An empty list for a metric without values. */
export function compareMetric(
  metric: MetricScore,
  { samples, texts, isHeadline }: Tables,
  options: CompareOptions,
): readonly MetricFindings[] {
  if (metric.value === null) return [];
  const { unit, higherIsBetter } = metric;
  const name: MetricName = { metric: metric.name, group: null, unit, higherIsBetter };
  const table = [samples, ...(texts === null ? [] : [texts])].find((one) => pairedNumbers(metric.name, one) !== null);
  if (table !== undefined) {
    return [compareColumn(name, table, options), ...(isHeadline ? compareByAnswerType(name, table, options) : [])];
  }
  const order = /^BLEU-([1-4])$/.exec(metric.name)?.[1];
  if (order !== undefined) return compareBleu(name, Number(order), samples, options);
  if (metric.name === "mean recall" && texts !== null) {
    const sums = meanRecallSums(samples, texts);
    return sums === null ? [] : [compareMeans(name, { sums, scores: null, isGraded: false }, options)];
  }
  return [];
}

/**
 * Whether samples can score between 0 and 1, as in VQA accuracy. McNemar's test then counts the samples that score 1.
 */
function isGraded({ metric }: MetricName): boolean {
  return metric.startsWith("accuracy");
}

function compareColumn(name: MetricName, table: PairedTable, options: CompareOptions): MetricFindings {
  const scores = pairedNumbers(name.metric, table)!;
  const sums = sumByCluster(scores, table.clusters);
  return compareMeans(name, { sums, scores, isGraded: isGraded(name) }, options);
}

function compareByAnswerType(name: MetricName, table: PairedTable, options: CompareOptions): MetricFindings[] {
  const types = table.base["answerType"];
  if (types === undefined) return [];
  const typeOf = Array.from(table.basePlaces, (place) => String(types[place]));
  const names = [...new Set(typeOf)].sort(compareText);
  if (names.length < 2) return [];
  const scores = pairedNumbers(name.metric, table)!;
  return names.map((type) => {
    const isPart = (_: number, place: number): boolean => typeOf[place] === type;
    const part = { base: scores.base.filter(isPart), candidate: scores.candidate.filter(isPart) };
    const clusters = table.clusters.filter((_, place) => typeOf[place] === type);
    const group = { by: "answerType", name: type };
    const given = { sums: sumByCluster(part, clusters), scores: part, isGraded: isGraded(name) };
    return compareMeans({ ...name, group }, given, options);
  });
}

function compareBleu(name: MetricName, order: number, table: PairedTable, options: CompareOptions): MetricFindings[] {
  const sums = bleuColumnNames.flatMap((column) => {
    const counts = pairedNumbers(column, table);
    return counts === null ? [] : [sumByCluster(counts, table.clusters)];
  });
  if (sums.length < bleuColumnNames.length) return [];
  const columns = {
    base: sums.map(({ base }) => base),
    candidate: sums.map(({ candidate }) => candidate),
    score: (totals: Float64Array): number => bleuOfSums(totals)[order - 1] ?? 0,
  };
  return [compareScores(name, { columns, samples: table.ids.length }, options)];
}

/** For each cluster of images, the contribution of them and their texts to the mean recall, times the number of images. */
function meanRecallSums(samples: PairedTable, texts: PairedTable): PairedSums | null {
  const { images } = samples;
  const clusters = [...new Set(samples.clusters)];
  const placeOf = new Map(clusters.map((cluster, place) => [cluster, place] as const));
  const zeros = (): Float64Array => new Float64Array(clusters.length);
  const sums = { counts: zeros(), base: zeros(), candidate: zeros(), differences: zeros() };
  for (const cluster of samples.clusters) sums.counts[placeOf.get(cluster)!]! += 1;
  for (const { metric, direction, weight } of meanRecallParts) {
    const table = direction === "TR" ? samples : texts;
    const found = pairedNumbers(metric, table);
    if (found === null) return null;
    const share = (weight * images.length) / table.ids.length;
    for (const [pair, cluster] of table.clusters.entries()) {
      const place = placeOf.get(cluster);
      if (place === undefined) return null;
      const [base, candidate] = [found.base[pair]!, found.candidate[pair]!];
      sums.base[place]! += share * base;
      sums.candidate[place]! += share * candidate;
      sums.differences[place]! += share * (candidate - base);
    }
  }
  return sums;
}
