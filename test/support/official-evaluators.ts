/**
 * What official evaluators do with files of results, in as few lines as their rules take: which files they accept, and the
 * score they come to. Written from their descriptions and not with the code under test, so that both can be held against
 * each other.
 */
import { readFileSync } from "node:fs";
import { tokenizeCaptions } from "../../tasks/metrics/captions/caption-tokens.ts";

function read(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}

type Id = number | string;

interface VqaAnnotation {
  readonly question_id: Id;
  readonly answers: readonly { readonly answer: string }[];
}

/**
 * GT-Vision-Lab/VQA, commit a013f00: vqa.py, loadRes, and vqaEval.py, evaluate. The accuracy of each question, by its id.
 * Without the table of contractions, which no answer of the tests has.
 */
export function officialVqa(questionFile: string, annotationFile: string, resultFile: string): ReadonlyMap<Id, number> {
  const { questions, info, task_type, data_type, data_subtype, license } = read(questionFile) as Record<
    string,
    unknown
  >;
  // loadRes copies each of them, and KeyError is what a file without one comes to
  for (const field of [info, task_type, data_type, data_subtype, license])
    if (field === undefined) throw new Error("KeyError");
  const { annotations } = read(annotationFile) as { annotations: readonly VqaAnnotation[] };
  const results = read(resultFile) as { question_id: Id; answer: string }[];
  if (!Array.isArray(results)) throw new Error("results is not an array of objects");
  const ids = new Set((questions as VqaAnnotation[]).map(({ question_id: id }) => id));
  const found = new Set(results.map(({ question_id: id }) => id));
  const isSame = ids.size === found.size && [...ids].every((id) => found.has(id));
  if (!isSame || annotations.some(({ question_id: id }) => !ids.has(id))) {
    throw new Error("Results do not correspond to current VQA set.");
  }
  const answerOf = new Map(results.map(({ question_id: id, answer }) => [id, answer]));
  return new Map(
    annotations.map(({ question_id: id, answers }) => {
      const clean = (text: string): string => text.replace(/[\n\t]/g, " ").trim();
      let references = answers.map(({ answer }) => clean(answer));
      let answer = clean(answerOf.get(id) ?? "");
      if (new Set(references).size > 1) {
        references = references.map(officialNormalForm);
        answer = officialNormalForm(answer);
      }
      const each = references.map((_, index) => {
        const matches = references.filter((other, place) => place !== index && other === answer).length;
        return Math.min(1, matches / 3);
      });
      return [id, each.reduce((sum, one) => sum + one, 0) / each.length];
    }),
  );
}

function officialNormalForm(text: string): string {
  let out = text;
  for (const mark of ';/[]"{}()=+\\_-><@`,?!') {
    const isDropped = text.includes(`${mark} `) || text.includes(` ${mark}`) || /\d,\d/.test(text);
    out = out.replaceAll(mark, isDropped ? "" : " ");
  }
  const numbers = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
  return out
    .replace(/\.(?!\d)/g, "")
    .toLowerCase()
    .split(/\s+/)
    .map((word) => (word === "none" ? "0" : numbers.includes(word) ? String(numbers.indexOf(word)) : word))
    .filter((word) => word !== "" && !["a", "an", "the"].includes(word))
    .join(" ");
}

/** eval.py of GQA: the share of questions whose prediction is the answer, letter by letter. */
export function officialGqa(questionFile: string, predictionFile: string): number {
  const questions = read(questionFile) as Record<string, { answer: string }>;
  const list = read(predictionFile) as { questionId: string; prediction: string }[];
  const predictions = new Map(list.map(({ questionId, prediction }) => [questionId, prediction]));
  const all = Object.entries(questions);
  if (all.some(([id]) => !predictions.has(id))) throw new Error("missing predictions");
  return all.filter(([id, { answer }]) => predictions.get(id) === answer).length / all.length;
}

/**
 * pycocoevalcap: COCO.loadRes of captions, and CIDEr-D over the images of the results, by image id. Words by the tokenizer
 * that has tests of its own.
 */
export function officialCider(referenceFile: string, resultFile: string): ReadonlyMap<Id, number> {
  const { annotations, images } = read(referenceFile) as {
    annotations: readonly { image_id: Id; caption: string }[];
    images: readonly { id: Id }[];
  };
  const results = read(resultFile) as { image_id: Id; caption: string }[];
  const known = new Set(images.map(({ id }) => id));
  if (!results.every(({ image_id: id }) => known.has(id)))
    throw new Error("Results do not correspond to current coco set");
  if (new Set(results.map(({ image_id: id }) => id)).size < results.length) throw new Error("assert(len(hypo) == 1)");
  const captionsOf = (id: Id): string[] =>
    annotations.filter(({ image_id: of }) => of === id).map(({ caption }) => caption);
  const references = results.map(({ image_id: id }) => tokenizeCaptions(captionsOf(id)).map(ngramsOf));
  const hypotheses = tokenizeCaptions(results.map(({ caption }) => caption)).map(ngramsOf);
  const weight = (ngram: string): number => {
    const documents = references.filter((captions) => captions.some((counts) => counts.has(ngram))).length;
    return Math.log(references.length) - Math.log(Math.max(1, documents));
  };
  return new Map(
    results.map(({ image_id: id }, image) => {
      let sum = 0;
      for (const reference of references[image]!)
        for (let n = 1; n <= 4; n += 1) sum += likeness(hypotheses[image]!, reference, n, weight);
      return [id, (10 * sum) / 4 / references[image]!.length];
    }),
  );
}

type Ngrams = ReadonlyMap<string, number>;

function ngramsOf(words: readonly string[]): Ngrams {
  const counts = new Map<string, number>();
  for (let n = 1; n <= 4; n += 1) {
    for (let start = 0; start + n <= words.length; start += 1) {
      const ngram = words.slice(start, start + n).join(" ");
      counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
    }
  }
  return counts;
}

function likeness(hypothesis: Ngrams, reference: Ngrams, n: number, weight: (ngram: string) => number): number {
  const ofLength = (counts: Ngrams, length: number): [string, number][] =>
    [...counts].filter(([ngram]) => ngram.split(" ").length === length);
  const vector = (counts: Ngrams): Map<string, number> =>
    new Map(ofLength(counts, n).map(([ngram, count]) => [ngram, count * weight(ngram)]));
  const [h, r] = [vector(hypothesis), vector(reference)];
  const norm = (of: Map<string, number>): number => Math.hypot(...of.values());
  const product = [...h].reduce(
    (sum, [ngram, value]) => sum + Math.min(value, r.get(ngram) ?? 0) * (r.get(ngram) ?? 0),
    0,
  );
  const bigrams = (counts: Ngrams): number => ofLength(counts, 2).reduce((sum, [, count]) => sum + count, 0);
  const difference = bigrams(hypothesis) - bigrams(reference);
  const norms = norm(h) * norm(r);
  return (norms === 0 ? 0 : product / norms) * Math.exp(-(difference ** 2) / 72);
}
