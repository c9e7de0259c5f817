/**
 * Times the scorers on made-up answers, captions and similarities, as many as the paper's data sets have:
 *
 *   npm run bench:metrics -- [--images 5000] [--questions 214354] [--seed 2014]
 *
 * One JSON object a line, in CPU seconds of all threads. Each scorer runs once, without a warm-up, as it does for a
 * user. `officialCpuSecondsElsewhere` was measured once with the official Python and Java code, on a similar machine
 * and an equal amount of other data: read it as an order of magnitude.
 */
import type { CaptionSample, VqaSample } from "../../datasets/dataset.ts";
import { normalNumbers, uniformNumbers } from "../../models/checkpoint/random-numbers.ts";
import { bleu1, bleu2, bleu3, bleu4, cider, rougeL } from "../../tasks/metrics/captions/caption-metrics.ts";
import { captionRun } from "../../tasks/metrics/captions/caption-run.ts";
import { tokenizeCaptions } from "../../tasks/metrics/captions/caption-tokens.ts";
import { retrievalRanks, retrievalScores } from "../../tasks/metrics/recall.ts";
import { similarityScores } from "../../tasks/metrics/retrieval-ranking.ts";
import { vqaAccuracy, vqaAccuracyAlways, vqaAccuracyLavis } from "../../tasks/metrics/vqa-accuracy.ts";
import type { Hypothesis, Score } from "../../tasks/task.ts";
import { measure, peakMemoryMiB, print, readFlags, round, runBenchmark } from "./bench-report.ts";

/** At 5,000 images of 5 references, and at 214,354 questions of 10 annotators (the split val of VQAv2). */
const OFFICIAL_CPU_SECONDS = { captions: 8.5, vqa: 59 };

function main(): void {
  const defaults = { images: 5000, questions: 214354, seed: 2014 };
  const flags = readFlags("bench:metrics", defaults, process.argv.slice(2));
  const [images, questions, seed] = [flags.count("images"), flags.count("questions"), flags.count("seed")];
  const random = new Random(seed);
  timeCaptions(captionHypotheses(images, random), images === defaults.images);
  timeVqa(vqaHypotheses(questions, random), questions === defaults.questions);
  timeRecall(images, seed);
}

function timeCaptions(hypotheses: readonly Hypothesis<CaptionSample>[], isOfficialSize: boolean): void {
  const split = hypotheses.map(({ sample }) => sample);
  const captions = [...split.flatMap(({ references }) => references), ...hypotheses.map(({ answer }) => answer)];
  const images = hypotheses.length;
  let total = 0;
  const stage = (work: string, run: () => readonly Score[]): void => {
    const { value, cpuSeconds } = measure(run);
    total += cpuSeconds;
    print({ work, images, cpuSeconds: round(cpuSeconds, 2), ...scoresOf(value) });
  };
  // In the order of a run: the first stage, tokens and n-grams, is shared by all metrics and done once.
  stage("captions: tokens and n-grams", () => {
    captionRun(hypotheses, split);
    return [];
  });
  stage("captions: CIDEr", () => [cider.score(hypotheses, split)]);
  stage("captions: BLEU-1 to 4", () => [bleu1, bleu2, bleu3, bleu4].map((metric) => metric.score(hypotheses, split)));
  stage("captions: ROUGE-L", () => [rougeL.score(hypotheses, split)]);
  print({
    work: "captions: all of these",
    images,
    captions: captions.length,
    cpuSeconds: round(total, 2),
    ...(isOfficialSize && { officialCpuSecondsElsewhere: OFFICIAL_CPU_SECONDS.captions }),
    peakMemoryMiB: peakMemoryMiB(),
  });
  const tokens = measure(() => tokenizeCaptions(captions));
  print({
    work: "captions: tokens alone, once more",
    captions: captions.length,
    tokens: tokens.value.reduce((sum, { length }) => sum + length, 0),
    cpuSeconds: round(tokens.cpuSeconds, 2),
  });
}

function timeVqa(hypotheses: readonly Hypothesis<VqaSample>[], isOfficialSize: boolean): void {
  const split = hypotheses.map(({ sample }) => sample);
  const questions = hypotheses.length;
  let total = 0;
  for (const metric of [vqaAccuracy, vqaAccuracyLavis, vqaAccuracyAlways]) {
    const { value, cpuSeconds } = measure(() => metric.score(hypotheses, split));
    total += cpuSeconds;
    const isOfficial = metric === vqaAccuracy && isOfficialSize;
    print({
      work: `vqa: ${metric.name}`,
      questions,
      cpuSeconds: round(cpuSeconds, 2),
      ...(isOfficial && { officialCpuSecondsElsewhere: OFFICIAL_CPU_SECONDS.vqa }),
      ...scoresOf([value]),
    });
  }
  print({ work: "vqa: all three", questions, cpuSeconds: round(total, 2), peakMemoryMiB: peakMemoryMiB() });
}

/** Times recall in both directions, on random similarities in which an image's own texts score somewhat higher. */
function timeRecall(images: number, seed: number): void {
  const texts = 5 * images + 2 * Math.floor(images / 1000); // COCO's test split: 5,000 images, 25,010 texts
  const imageOfText = Array.from({ length: texts }, (_, text) => Math.min(Math.floor(text / 5), images - 1));
  const values = new Float32Array(images * texts);
  // a prime length, so that no two rows or columns repeat when the numbers are cycled
  const numbers = normalNumbers(1_000_003, { seed, deviation: 0.1 });
  for (let at = 0; at < values.length; at += numbers.length) {
    values.set(numbers.subarray(0, Math.min(numbers.length, values.length - at)), at);
  }
  for (const [text, image] of imageOfText.entries()) values[image * texts + text]! += 0.4;

  const gallery = { images: Array.from({ length: images }, (_, image) => String(image)), imageOfText };
  const ranks = measure(() => retrievalRanks(similarityScores({ values, images, texts }), gallery));
  const scores = measure(() => retrievalScores(ranks.value, gallery));
  print({
    work: "recall: ranks, then recall@1, 5, 10 both ways",
    images,
    texts,
    similaritiesMiB: round(values.byteLength / 2 ** 20),
    cpuSeconds: round(ranks.cpuSeconds + scores.cpuSeconds, 2),
    "TR@10": round(scores.value["TR@10"]?.value ?? 0, 4),
    "IR@10": round(scores.value["IR@10"]?.value ?? 0, 4),
    peakMemoryMiB: peakMemoryMiB(),
  });
}

function scoresOf(scores: readonly Score[]): object {
  return scores.length === 0 ? {} : { scores: scores.map(({ value }) => (value === null ? null : round(value, 4))) };
}

/** A seeded generator of made-up words and numbers. */
class Random {
  readonly next: () => number;
  /** Sorted by how often they are drawn, the most common first. */
  readonly #words: readonly string[];

  constructor(seed: number) {
    this.next = uniformNumbers(seed);
    const [first, second] = ["b d f g k l m n p r s t", "a e i o u"].map((letters) => letters.split(" "));
    const syllable = (): string => `${this.#anyOf(first!)}${this.#anyOf(second!)}`;
    const words = Array.from({ length: 400 }, () => syllable() + syllable() + (this.next() < 0.5 ? "" : syllable()));
    this.#words = ["a", "the", "on", "of", "in", "with", "and", "is", ...words];
  }

  /** A whole number from `least` to `most`, both included. */
  integer(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** A word; as in a natural language, a few words make up half of all draws. */
  word(): string {
    return this.#words[Math.floor(this.#words.length * this.next() ** 3)] ?? "a";
  }

  rareWord(): string {
    return this.#anyOf(this.#words);
  }

  #anyOf(words: readonly string[]): string {
    return words[Math.floor(words.length * this.next())] ?? "";
  }
}

/**
 * Captions of 8 to 14 words, a third of them from a few topic words of the image; references have capitals and full
 * stops.
 */
function captionHypotheses(images: number, random: Random): readonly Hypothesis<CaptionSample>[] {
  return Array.from({ length: images }, (_, image) => {
    const subject = Array.from({ length: 6 }, () => random.rareWord());
    const caption = (): string => {
      const word = (): string => (random.next() < 0.35 ? (subject[random.integer(0, 5)] ?? "") : random.word());
      return Array.from({ length: random.integer(8, 14) }, word).join(" ");
    };
    const reference = (): string => {
      const text = caption();
      const written =
        random.next() < 0.1 ? text.replace(" ", ", ") : random.next() < 0.1 ? text.replace(" ", "'s ") : text;
      return `${written.slice(0, 1).toUpperCase()}${written.slice(1)}${random.next() < 0.7 ? "." : ""}`;
    };
    const references = Array.from({ length: 5 }, reference);
    return { sample: { id: String(image), image: imageOf(image), references }, answer: caption() };
  });
}

/**
 * Questions with ten annotators, most of whom agree; some answers have capitals, articles, number words or full stops.
 */
function vqaHypotheses(questions: number, random: Random): readonly Hypothesis<VqaSample>[] {
  const types = ["yes/no", "number", "other"];
  const numbers = ["one", "2", "three", "4", "10"];
  return Array.from({ length: questions }, (_, question) => {
    const type = random.integer(0, 2);
    const answer = (): string => {
      if (type === 0) return random.next() < 0.6 ? "yes" : "no";
      if (type === 1) return numbers[random.integer(0, numbers.length - 1)] ?? "";
      return random.next() < 0.6 ? random.rareWord() : `${random.rareWord()} ${random.rareWord()}`;
    };
    const main = answer();
    const written = (text: string): string => {
      const style = random.next();
      if (style < 0.02) return `${text}.`;
      if (style < 0.04) return `the ${text}`;
      if (style < 0.06) return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
      return style < 0.08 ? text.replace(" ", "-") : text;
    };
    const references = Array.from({ length: 10 }, (_, annotator) => ({
      answer: written(random.next() < 0.7 ? main : answer()),
      confidence: random.next() < 0.8 ? "yes" : "maybe",
      id: annotator + 1,
    }));
    const sample: VqaSample = {
      id: String(question),
      image: imageOf(Math.floor(question / 5)),
      question: "what is it?",
      questionType: "what is",
      answerType: types[type] ?? "",
      references,
    };
    return { sample, answer: random.next() < 0.6 ? main : answer() };
  });
}

function imageOf(index: number): CaptionSample["image"] {
  return { id: String(index), path: `${index}.jpg` };
}

await runBenchmark(main);
