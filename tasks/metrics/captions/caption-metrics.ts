/**
 * The scores of generated captions: CIDEr-D, BLEU-1 to BLEU-4 and ROUGE-L, as metrics of a task. Their common work is
 * done once for all of them (caption-run.ts). BLEU is four metrics, since a row shows one number and papers report the
 * four separately.
 *
 * No hypotheses, or none with references: no score. Only some without references: an error, since they cannot be
 * scored.
 */
import type { Metric, Score } from "../../task.ts";
import { bleu, bleuColumns, negated, sumBleuCounts } from "./bleu.ts";
import type { BleuCounts } from "./bleu.ts";
import { captionRun } from "./caption-run.ts";
import type { CaptionRun, Hypotheses } from "./caption-run.ts";
import { ciderScores, likenesses, scoreOf } from "./cider.ts";
import { clustersOf } from "../hypotheses.ts";
import type { ReferencedSample } from "../hypotheses.ts";
import { rougeL as rougeLOfImage, rougeLParts } from "./rouge-l.ts";
import { clusteredStandardError, jackknifeStandardError } from "../standard-error.ts";
import { quotedWords, shownNumber, unscoredWorking } from "../working.ts";

/**
 * The images over which CIDEr computes document frequencies. `split`: all images of the split, so that scores of a part
 * are comparable with those of the whole. `sample`: the scored images only, as in the official code. They are equal
 * where all images are scored.
 */
export type DocumentCollection = "split" | "sample";

/**
 * There is also no score where no reference has a word, which is an error in the official code, or where there is only
 * one image: the official score is then always 0, since no n-gram distinguishes images.
 */
export function ciderMetric(collection: DocumentCollection): Metric<ReferencedSample> {
  return {
    name: collection === "split" ? "CIDEr" : "CIDEr (df: sample)",
    unit: "cider",
    higherIsBetter: true,
    score(hypotheses, split) {
      const run = ciderRun(hypotheses, split, collection);
      if (run === null) return unscored;
      return meanOverImages(hypotheses, ciderScores(run.hypothesisNgrams, run.referenceNgrams, run.frequencies));
    },
    explain(place, hypotheses, split) {
      const run = ciderRun(hypotheses, split, collection);
      if (run === null) return unscoredWorking;
      const { frequencies } = run;
      const each = likenesses(run.hypothesisNgrams[place]!, run.referenceNgrams[place]!, frequencies);
      const score = scoreOf(each);
      return {
        score,
        steps: [
          { what: "words of the caption", result: quotedWords(run.hypothesisTokens[place]!) },
          ...each.map(({ byOrder, lengthFactor }, index) => ({
            what: `a reference: ${quotedWords(run.referenceTokens[place]![index]!)}`,
            result:
              `cosine of tf-idf by n = 1..4: ${byOrder.map((cosine) => shownNumber(cosine)).join(", ")}; ` +
              `for its length times ${shownNumber(lengthFactor)}`,
          })),
          {
            what: `10 times the mean over n and references; n-grams weighed by ${frequencies.documents} images`,
            result: shownNumber(score),
          },
        ],
      };
    },
  };
}

export const cider = ciderMetric("split");

/** null: no score, see ciderMetric. */
function ciderRun(
  hypotheses: Hypotheses,
  split: readonly ReferencedSample[],
  collection: DocumentCollection,
): CaptionRun | null {
  const run = captionRun(hypotheses, collection === "split" ? split : scoredSamples(hypotheses, split));
  const images = run?.documents.filter((image) => image.some(({ words }) => words > 0)) ?? [];
  return images.length < 2 ? null : run;
}

/** The scored samples; the split itself where all of it is scored, so that its counts are reused. */
function scoredSamples(hypotheses: Hypotheses, split: readonly ReferencedSample[]): readonly ReferencedSample[] {
  return hypotheses.length === split.length ? split : hypotheses.map(({ sample }) => sample);
}

export const rougeL: Metric<ReferencedSample> = {
  name: "ROUGE-L",
  unit: "fraction",
  higherIsBetter: true,
  score(hypotheses, split) {
    const run = captionRun(hypotheses, split);
    if (run === null) return unscored;
    const { hypothesisTokens, referenceTokens } = run;
    return meanOverImages(
      hypotheses,
      hypothesisTokens.map((tokens, index) => rougeLOfImage(tokens, referenceTokens[index] ?? [])),
    );
  },
  explain(place, hypotheses, split) {
    const run = captionRun(hypotheses, split);
    if (run === null) return unscoredWorking;
    const [tokens, references] = [run.hypothesisTokens[place]!, run.referenceTokens[place]!];
    const { precision, recall, score } = rougeLParts(tokens, references);
    return {
      score,
      steps: [
        { what: "words of the caption", result: quotedWords(tokens) },
        { what: "longest common subsequence / length of the caption, the best", result: shownNumber(precision) },
        { what: "longest common subsequence / length of the reference, the best", result: shownNumber(recall) },
        { what: "their F, recall counting 1.2² times", result: shownNumber(score) },
      ],
    };
  },
};

/** @param n 1 to 4: the longest n-grams that count. */
function bleuMetric(n: number): Metric<ReferencedSample> {
  const score = (images: readonly BleuCounts[]) => bleu(sumBleuCounts(images))[n - 1] ?? 0;
  return {
    name: `BLEU-${n}`,
    unit: "fraction",
    higherIsBetter: true,
    score(hypotheses, split) {
      const run = captionRun(hypotheses, split);
      if (run === null) return unscored;
      const images = run.bleuCounts;
      const total = sumBleuCounts(images);
      const clusterOf = clustersOf(hypotheses);
      const clusters = groupBy(images, (index) => clusterOf[index]);
      return {
        value: score([total]),
        standardError: jackknifeStandardError(
          [...clusters.values()].map((cluster) => score([total, negated(sumBleuCounts(cluster))])),
        ),
        countsBySample: bleuColumns(images),
        ...breakdownByDomain(hypotheses, images, score),
      };
    },
    explain(place, hypotheses, split) {
      const run = captionRun(hypotheses, split);
      if (run === null) return unscoredWorking;
      const { correct, guesses, hypothesisLength, referenceLength } = run.bleuCounts[place]!;
      return {
        score: null, // a corpus has one, from the sums of these counts
        steps: [
          { what: "words of the caption", result: quotedWords(run.hypothesisTokens[place]!) },
          ...correct.slice(0, n).map((count, order) => ({
            what: `${order + 1}-grams that are in a reference`,
            result: `${count} of ${guesses[order] ?? 0}`,
          })),
          { what: "length, and that of the closest reference", result: `${hypothesisLength}, ${referenceLength}` },
        ],
      };
    },
  };
}

export const bleu1 = bleuMetric(1);
export const bleu2 = bleuMetric(2);
export const bleu3 = bleuMetric(3);
export const bleu4 = bleuMetric(4);

const unscored: Score = { value: null, standardError: null };

/** A score that is a mean over images, with CIDEr's document frequencies taken as fixed. */
function meanOverImages(hypotheses: Hypotheses, bySample: readonly number[]): Score {
  return {
    value: mean(bySample),
    standardError: clusteredStandardError(bySample, clustersOf(hypotheses)),
    bySample,
    ...breakdownByDomain(hypotheses, bySample, mean),
  };
}

function mean(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

/** The score of each domain of NoCaps; nothing where no sample has one. */
function breakdownByDomain<T>(
  hypotheses: Hypotheses,
  images: readonly T[],
  score: (images: readonly T[]) => number,
): Pick<Score, "breakdown"> {
  const domains = groupBy(images, (index) => hypotheses[index]?.sample.domain);
  if (domains.size === 0) return {};
  const scores = [...domains].map(([name, part]) => [name, { value: score(part), samples: part.length }] as const);
  return { breakdown: { domain: Object.fromEntries(scores) } };
}

/** In the order the groups first come; values of no group are left out. */
function groupBy<T>(
  values: readonly T[],
  groupOf: (index: number) => string | undefined,
): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const [index, value] of values.entries()) {
    const name = groupOf(index);
    if (name === undefined) continue;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [value]);
    else group.push(value);
  }
  return groups;
}
