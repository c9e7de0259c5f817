/** How far the ranks of one retrieval run are those of another, on the same images and texts. */
import type { RankAgreement, RankingAgreement } from "../../../reports/records/findings/costs.ts";
import type { RetrievalScores } from "../../../tasks/metrics/recall.ts";
import { candidates, rerankedScores, similarityScores } from "../../../tasks/metrics/retrieval-ranking.ts";
import type { MatchedTexts, Similarities } from "../../../tasks/metrics/retrieval-ranking.ts";

export interface RankedRun {
  readonly similarities: Similarities;
  readonly rerank: number;
  /** Of each image; see rerankedScores. */
  readonly matched: readonly MatchedTexts[];
}

/** Of runs of the same shape. */
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

/** `first`: rows with the same first candidate; `ten`: the share of a row's first ten that are among the other's. */
function agreementOfRows(
  rows: number,
  a: ScoresOfRow,
  b: ScoresOfRow,
): { readonly first: number; readonly ten: number } {
  let [first, ten] = [0, 0];
  for (let row = 0; row < rows; row += 1) {
    const [own, other] = [highestTen(a(row)), highestTen(b(row))]; // rows are read one after the other: memory is used again
    if (own[0] === other[0]) first += 1;
    ten += own.filter((candidate) => other.includes(candidate)).length / own.length;
  }
  return { first: first / rows, ten: ten / rows };
}

/** The highest first; of equals the lower place. Fewer where there are fewer. */
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
