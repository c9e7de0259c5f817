/**
 * The plain way beside the fast one: images, texts and pairs one at a time, then in the batches of a run. In fp32 both must
 * give one order of the texts.
 */
import type { RetrievalSample } from "../../../datasets/dataset.ts";
import { CheckpointError } from "../../../models/model.ts";
import type { ImageFile, ImageTextScorer } from "../../../models/model.ts";
import type { AuditDifference, AuditOutcome } from "../../../reports/records/findings/audit.ts";
import { candidates } from "../../../tasks/metrics/retrieval-ranking.ts";
import { scoreTolerance } from "../audit.ts";
import type { AuditFindings } from "../verbs.ts";
import { matchTexts } from "./ranking.ts";
import type { Ranking } from "./ranking.ts";

/** Texts an image is matched with: the most similar. Each costs a pass through the Q-Former, alone. */
const matchedTexts = 16;

export interface RetrievalAuditWork {
  readonly samples: readonly RetrievalSample[];
  readonly protocol: Ranking;
  readonly batchSize: number;
}

export async function auditRetrieval(
  scorer: ImageTextScorer,
  { samples, protocol, batchSize }: RetrievalAuditWork,
  onSample: (count: number) => void,
): Promise<AuditFindings> {
  const words = samples.flatMap(({ texts }) => texts.map(({ text }) => protocol.text(text)));
  const read = await scorer.readTexts(words, protocol);
  const images = samples.map(({ image }) => image);
  const apart = images.map((image) => ({ ...image, id: `${image.id}, alone` }));

  const fast = await scorer.compare(await embed(scorer, images, batchSize), await scorer.embedTexts(read));
  const vectors: Float32Array[] = [];
  for (const text of read) vectors.push(await scorer.embedTexts([text]));
  const plain: Float32Array[] = [];
  for (const image of await embed(scorer, apart, 1)) {
    for (const vector of vectors) plain.push(await scorer.compare([image], vector));
  }

  const shape = { images: images.length, texts: read.length };
  const chosen = candidates({ values: fast, ...shape }, Math.min(matchedTexts, protocol.rerank)).imageToText;
  const differences: AuditDifference[] = [];
  let largest = 0;
  for (const [index, { id }] of samples.entries()) {
    const own = plain.slice(index * read.length, (index + 1) * read.length).map((value) => value[0]!);
    const row = Array.from(fast.subarray(index * read.length, (index + 1) * read.length));
    const places = Array.from(chosen[index]!);
    const texts = places.map((place) => read[place]!);
    const { rerankBy } = protocol;
    const together = await match(scorer, { image: images[index]!, texts, rerankBy });
    const alone: number[] = [];
    for (const text of texts) alone.push(...(await match(scorer, { image: apart[index]!, texts: [text], rerankBy })));
    for (const [plainScores, fastScores, name] of [
      [own, row, (place: number): string => words[place] ?? ""],
      [alone, together, (place: number): string => words[places[place] ?? 0] ?? ""],
    ] as const) {
      const most = plainScores.reduce((high, score, place) => Math.max(high, Math.abs(score - fastScores[place]!)), 0);
      largest = Math.max(largest, most);
      const [a, b] = [bestOf(plainScores, name), bestOf(fastScores, name)];
      const what = a.text === b.text ? "score" : "answer";
      if (what === "answer" || most > scoreTolerance) differences.push({ id, what, plain: a, fast: b });
    }
    onSample(2);
  }
  return { failed: 0, differences, largestScoreDifference: largest };
}

async function embed(scorer: ImageTextScorer, images: readonly ImageFile[], size: number): Promise<Float32Array[]> {
  const vectors: Float32Array[] = [];
  for (let start = 0; start < images.length; start += size) {
    for (const embedded of await scorer.embedImages(images.slice(start, start + size))) {
      if (embedded.status === "failed") throw new CheckpointError(embedded.error);
      vectors.push(embedded.vectors);
    }
  }
  return vectors;
}

async function match(
  scorer: ImageTextScorer,
  candidates: Parameters<typeof matchTexts>[1],
): Promise<readonly number[]> {
  const matching = await matchTexts(scorer, candidates);
  if (matching.status === "failed") throw new CheckpointError(matching.error);
  return Array.from(matching.logits);
}

function bestOf(scores: readonly number[], name: (place: number) => string): AuditOutcome {
  const place = scores.reduce((best, score, other) => (score > scores[best]! ? other : best), 0);
  return { text: scores.length === 0 ? "" : name(place), tokens: [], score: scores[place] ?? null };
}
