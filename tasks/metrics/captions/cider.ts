/**
 * CIDEr-D: how alike a caption and its references are, n-grams that many images share counting less. Vedantam et al. 2015,
 * arXiv 1411.5726, section 4 and appendix ("CIDEr-D"); as salaniz/pycocoevalcap (ad63453) computes it,
 * cider/cider_scorer.py. Not stemmed. 0 to 10, higher is better.
 *
 *   weight of an n-gram       count * (ln N - ln max(1, d))         N images, d of them have it in a reference
 *   likeness to a reference   sum of min(h, r) * r / (|h| * |r|)    h, r: weights in hypothesis and reference, one n at a time
 *                             * exp(-difference in length ^ 2 / 72)
 *   score of an image         10 * mean over references and n = 1..4; of a corpus: the mean over images
 *
 * Edge cases: an empty hypothesis or reference has likeness 0. With one image, or equal references for all images,
 * every weight and so every score is 0, since no n-gram distinguishes images.
 */
import type { NgramCounts } from "./ngrams.ts";
import { forEachShared, longestNgram } from "./ngrams.ts";

const sigma = 6; // cider_scorer.py, CiderScorer
const scale = 10; // cider_scorer.py, compute_cider

/** In how many images' references each n-gram is found. */
export interface DocumentFrequencies {
  /** Number of images that were counted. */
  readonly documents: number;
  /** ln N - ln max(1, d) for each n-gram, by its number. */
  readonly weights: Float64Array;
}

/**
 * @param references the references of each image, all counted by one `NgramNumbers`
 * @param ngrams the number of n-grams numbered so far by that `NgramNumbers`
 * @throws RangeError for no images.
 */
export function documentFrequencies(
  references: readonly (readonly NgramCounts[])[],
  ngrams: number,
): DocumentFrequencies {
  if (references.length === 0) throw new RangeError("CIDEr: there are no images whose references could be counted");
  const found = new Uint32Array(ngrams);
  const lastImage = new Int32Array(ngrams).fill(-1);
  for (const [image, captions] of references.entries()) {
    for (const { ids } of captions) {
      for (const id of ids) {
        if (lastImage[id] !== image) found[id]! += 1;
        lastImage[id] = image;
      }
    }
  }
  const all = Math.log(references.length);
  const weights = new Float64Array(ngrams);
  for (let id = 0; id < ngrams; id += 1) weights[id] = all - Math.log(Math.max(1, found[id]!));
  return { documents: references.length, weights };
}

/**
 * The score of each image.
 *
 * @throws RangeError for an image without references.
 */
export function ciderScores(
  hypotheses: readonly NgramCounts[],
  references: readonly (readonly NgramCounts[])[],
  frequencies: DocumentFrequencies,
): number[] {
  return hypotheses.map((counts, image) => {
    const captions = references[image] ?? [];
    if (captions.length === 0) throw new RangeError(`CIDEr: image ${image} has no references; leave it out`);
    return scoreOf(likenesses(counts, captions, frequencies));
  });
}

/** The score of an image from its hypothesis's likeness to each reference. */
export function scoreOf(each: readonly Likeness[]): number {
  let sum = 0;
  for (const { byOrder, lengthFactor } of each) {
    let ofReference = 0;
    for (const cosine of byOrder) ofReference += cosine;
    sum += ofReference * lengthFactor;
  }
  return (scale * sum) / longestNgram / each.length;
}

/** How alike a hypothesis and a reference are. */
export interface Likeness {
  /** For n = 1..4: the clipped cosine of their weights; 0 where a norm is 0, as in cider_scorer.py, sim. */
  readonly byOrder: readonly number[];
  /** exp(-difference ^ 2 / 72) */
  readonly lengthFactor: number;
}

export function likenesses(
  hypothesis: NgramCounts,
  references: readonly NgramCounts[],
  frequencies: DocumentFrequencies,
): readonly Likeness[] {
  const vectorOf = vectors(frequencies);
  const vector = vectorOf(hypothesis);
  return references.map((reference) => likeness(vector, vectorOf(reference)));
}

/** A caption as the weights of its n-grams, one vector for each n. */
interface CaptionVector {
  readonly counts: NgramCounts;
  /** In the order of `counts.ids`. */
  readonly weights: readonly number[];
  /** For each n, the vector's length. */
  readonly norms: readonly number[];
}

function vectors({ documents, weights }: DocumentFrequencies): (counts: NgramCounts) => CaptionVector {
  const unseen = Math.log(documents); // an n-gram that is in no reference has the largest weight
  return (counts) => {
    const own = counts.ids.map((id, index) => (counts.counts[index] ?? 0) * (weights[id] ?? unseen));
    let index = 0;
    const norms = counts.ends.map((end) => {
      let squares = 0;
      for (; index < end; index += 1) squares += (own[index] ?? 0) ** 2;
      return Math.sqrt(squares);
    });
    return { counts, weights: own, norms };
  };
}

function likeness(hypothesis: CaptionVector, reference: CaptionVector): Likeness {
  const products = [0, 0, 0, 0];
  forEachShared(hypothesis.counts, reference.counts, (inHypothesis, inReference, order) => {
    const weight = reference.weights[inReference] ?? 0;
    products[order]! += Math.min(hypothesis.weights[inHypothesis] ?? 0, weight) * weight;
  });
  const byOrder = products.map((product, order) => {
    const norms = (hypothesis.norms[order] ?? 0) * (reference.norms[order] ?? 0);
    return norms === 0 ? 0 : product / norms;
  });
  const difference = lengthInBigrams(hypothesis.counts) - lengthInBigrams(reference.counts);
  return { byOrder, lengthFactor: Math.exp(-(difference * difference) / (2 * sigma * sigma)) };
}

/** Length counts bigrams, not words (cider_scorer.py, counts2vec), so captions of no and of one word are equally long. */
function lengthInBigrams({ words }: NgramCounts): number {
  return Math.max(0, words - 1);
}
