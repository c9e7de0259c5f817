/** Captions for the tests of their scores: the official scorers' numbers, samples and answers, n-grams counted. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import type { CaptionSample } from "../../datasets/dataset.ts";
import { bleuCounts } from "../../tasks/metrics/captions/bleu.ts";
import { captionWords, tokenizeCaptions } from "../../tasks/metrics/captions/caption-tokens.ts";
import { ciderScores, documentFrequencies } from "../../tasks/metrics/captions/cider.ts";
import { NgramNumbers } from "../../tasks/metrics/captions/ngrams.ts";
import type { Hypothesis } from "../../tasks/task.ts";
import { projectRoot } from "./project.ts";

export interface Corpus {
  name: string;
  corpus: { Bleu_1: number; Bleu_2: number; Bleu_3: number; Bleu_4: number; ROUGE_L: number; CIDEr: number };
  images: {
    image_id: number;
    references: string[];
    candidate: string;
    referencesTokenized: string[];
    candidateTokenized: string;
    Bleu: number[];
    ROUGE_L: number;
    CIDEr: number;
  }[];
}

export function readCorpora(file: string): Corpus[] {
  return (JSON.parse(readFileSync(file, "utf8")) as { corpora: Corpus[] }).corpora;
}

export const corpora = readCorpora(path.join(projectRoot, "test/fixtures/metrics/caption-scores.json"));

export function assertClose(
  actual: number | null | undefined,
  expected: number | null | undefined,
  what: string,
): void {
  assert.ok(typeof actual === "number" && typeof expected === "number", what);
  const tolerance = 1e-9 * Math.max(Math.abs(actual), Math.abs(expected));
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what}: ${actual}, expected ${expected}`);
}

export function samplesOf(references: readonly (readonly string[])[]): CaptionSample[] {
  return references.map((captions, index) => ({
    id: `s${index}`,
    image: { id: `i${index}`, path: "" },
    references: captions,
  }));
}

export function answersTo(samples: readonly CaptionSample[], answers: readonly string[]): Hypothesis<CaptionSample>[] {
  return samples.map((sample, index) => ({ sample, answer: answers[index] ?? "" }));
}

export function samplesOfImages({ images }: Corpus) {
  const split = samplesOf(images.map(({ references }) => references));
  const hypotheses = answersTo(
    split,
    images.map(({ candidate }) => candidate),
  );
  return { split, hypotheses };
}

export function samplesOfCorpus(name: string) {
  const corpus = corpora.find((candidate) => candidate.name === name);
  assert.ok(corpus !== undefined);
  return samplesOfImages(corpus);
}

export function words(caption: string): string[] {
  return caption.split(" ").filter((word) => word !== "");
}

export function countsOf(hypotheses: readonly Hypothesis<CaptionSample>[]) {
  const ngrams = new NgramNumbers();
  const count = (tokens: readonly string[]) => ngrams.count(captionWords(tokens));
  const captions = tokenizeCaptions(hypotheses.map(({ answer }) => answer)).map(count);
  const references = tokenizeCaptions(hypotheses.flatMap(({ sample }) => sample.references)).map(count);
  return hypotheses.map(({ sample }, index) => {
    const caption = captions[index];
    assert.ok(caption !== undefined);
    return bleuCounts(caption, references.splice(0, sample.references.length));
  });
}

/** CIDEr of each image from its captions, with these images as the collection. */
export function ciderOf(hypotheses: readonly string[], references: readonly (readonly string[])[]): number[] {
  const ngrams = new NgramNumbers();
  const count = (tokens: readonly string[]) => ngrams.count(captionWords(tokens));
  const tokens = tokenizeCaptions(references.flat());
  const counts = references.map((captions) => tokens.splice(0, captions.length).map(count));
  return ciderScores(tokenizeCaptions(hypotheses).map(count), counts, documentFrequencies(counts, ngrams.size));
}

/** Numbers in 0..1 that are the same in every run. Park and Miller 1988's constants. */
export function congruential(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}
