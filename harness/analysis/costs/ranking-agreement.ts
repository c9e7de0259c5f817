/** How far two retrieval runs on equal images and texts rank alike. */
import type { RankAgreement, RankingAgreement } from "../../../reports/records/findings/costs.ts";
import type { RetrievalScores } from "../../../tasks/metrics/recall.ts";
import { candidates, rerankedScores, similarityScores } from "../../../tasks/metrics/retrieval-ranking.ts";
import type { MatchedTexts, Similarities } from "../../../tasks/metrics/retrieval-ranking.ts";

export interface RankedRun {
  readonly similarities: Similarities;
  readonly rerank: number;
  /** The matched texts of each image with their logits, see rerankedScores. */
  readonly matched: readonly MatchedTexts[];
}

/** Compares two runs, which must have equal numbers of images and of texts. */
export function rankingAgreement(reference: RankedRun, run: RankedRun): RankingAgreement {
  const { images, texts, values } = run.similarities;
  const others = reference.similarities.values;
  let [sum, most] = [0, 0];
  for (let pair = 0; pair < values.length; pair += 1) {
    const difference = Math.abs(values[pair]! - others[pair]!);
    sum += difference;
    most = Math.max(most, difference);
  }
  return {
    images,
    texts,
    meanSimilarityDifference: sum / values.length,
    maxSimilarityDifference: most,
    similarity: rankAgreement(similarityScores(reference.similarities), similarityScores(run.similarities), run),
    reranked: rankAgreement(finalScores(reference), finalScores(run), run),
  };
}

function finalScores({ similarities, rerank, matched }: RankedRun): RetrievalScores {
  if (rerank === 0) return similarityScores(similarities);
  return rerankedScores(similarities, candidates(similarities, rerank), matched);
}

function rankAgreement(a: RetrievalScores, b: RetrievalScores, { similarities }: RankedRun): RankAgreement {
  const { images, texts } = similarities;
  return {
    imageToText: agreementOfRows(images, a.imageToText, b.imageToText),
    textToImage: agreementOfRows(texts, a.textToImage, b.textToImage),
  };
}

type ScoresOfRow = (place: number) => Float32Array;

/**
 * `first`: the share of rows in which both runs rank the same candidate first; `ten`: the share of a row's first ten
 * candidates that are among the other run's first ten.
 */
function agreementOfRows(
  rows: number,
  a: ScoresOfRow,
  b: ScoresOfRow,
): { readonly first: number; readonly ten: number } {
  let [first, ten] = [0, 0];
  for (let row = 0; row < rows; row += 1) {
    // each row is read before the next, since both may be views into one reused buffer
    const [own, other] = [highestTen(a(row)), highestTen(b(row))];
    if (own[0] === other[0]) first += 1;
    ten += own.filter((candidate) => other.includes(candidate)).length / own.length;
  }
  return { first: first / rows, ten: ten / rows };
}

/**
 * Indices of the ten highest scores, the highest first; equal scores in rising order of index. Fewer where the row is
 * shorter.
 */
function highestTen(scores: Float32Array): readonly number[] {
  const best: number[] = [];
  for (let place = 0; place < scores.length; place += 1) {
    if (best.length === 10 && scores[place]! <= scores[best[9]!]!) continue;
    const before = best.findIndex((other) => scores[other]! < scores[place]!);
    best.splice(before === -1 ? best.length : before, 0, place);
    if (best.length > 10) best.pop();
  }
  return best;
}
