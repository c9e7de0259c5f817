/**
 * Each metric once more, written from its description alone, for short texts: slow, with strings where the project counts
 * numbers, with recursion where it fills tables. Texts of BLEU, ROUGE-L and CIDEr are lower-case words parted by blanks.
 */

const wordsOf = (text: string): readonly string[] => text.split(" ").filter((word) => word !== "");
const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
export const meanOf = (values: readonly number[]): number => sumOf(values) / values.length;

/** VQA's normal form, of texts without apostrophes: the 21 characters, full stops, number words, articles. */
export function plainVqaForm(text: string): string {
  const marks = ';/[]"{}()=+\\_-><@`,?!'.split("");
  const isNumber = Array.from(text).some(
    (mark, at) => mark === "," && /\d/.test(text[at - 1] ?? "") && /\d/.test(text[at + 1] ?? ""),
  );
  let left = text;
  for (const mark of marks) {
    const isBesideBlank = text.includes(` ${mark}`) || text.includes(`${mark} `);
    left = left.split(mark).join(isBesideBlank || isNumber ? "" : " ");
  }
  left = Array.from(left)
    .filter((letter, at, all) => letter !== "." || /\d/.test(all[at + 1] ?? ""))
    .join("");
  const digits = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
  return wordsOf(left.toLowerCase())
    .map((word) => (word === "none" ? "0" : digits.includes(word) ? String(digits.indexOf(word)) : word))
    .filter((word) => !["a", "an", "the"].includes(word))
    .join(" ");
}

export function plainExactMatch(answer: string, references: readonly string[]): number {
  return references.map(plainVqaForm).includes(plainVqaForm(answer)) ? 1 : 0;
}

/** With ten references nothing is normalised where they agree. */
export function plainVqaAccuracy(answer: string, references: readonly string[]): number {
  const isRaw = references.length === 10 && new Set(references).size === 1;
  const form = isRaw ? (text: string) => text : plainVqaForm;
  if (references.length === 1) return form(answer) === form(references[0]!) ? 1 : 0;
  const scores = references.map((_, left) => {
    const others = references.filter((_, place) => place !== left);
    const matches = others.filter((other) => form(other) === form(answer)).length;
    return Math.min(1, matches / Math.min(3, others.length));
  });
  return meanOf(scores);
}

/** Articles between white space only, which is all that letters and ASCII punctuation leave. */
function squadForm(text: string): string[] {
  const letters = Array.from(text.toLowerCase())
    .filter((letter) => !/[!-/:-@[-`{-~]/.test(letter))
    .join("");
  return letters.split(/\s+/).filter((word) => word !== "" && !["a", "an", "the"].includes(word));
}

export function plainTokenF1(answer: string, references: readonly string[]): number {
  const scores = references.map((reference) => {
    const [words, expected] = [squadForm(answer), squadForm(reference)];
    if (words.length === 0 && expected.length === 0) return 1;
    const left = [...expected];
    let shared = 0;
    for (const word of words) {
      if (!left.includes(word)) continue;
      left.splice(left.indexOf(word), 1);
      shared += 1;
    }
    return shared === 0 ? 0 : (2 * shared) / (words.length + expected.length);
  });
  return Math.max(...scores);
}

export function plainAnls(answer: string, references: readonly string[]): number {
  const known = new Map<string, number>();
  const distance = (a: string, b: string): number => {
    if (a === "" || b === "") return a.length + b.length;
    if (a[0] === b[0]) return distance(a.slice(1), b.slice(1));
    const pair = `${a}\n${b}`;
    const [left, right] = [a.slice(1), b.slice(1)];
    const least = known.get(pair) ?? 1 + Math.min(distance(left, b), distance(a, right), distance(left, right));
    known.set(pair, least);
    return least;
  };
  const form = (text: string): string => wordsOf(text.toLowerCase()).join(" ");
  const scores = references.map((reference) => {
    const longer = Math.max(answer.length, reference.length);
    return longer === 0 ? 1 : 1 - distance(form(answer), form(reference)) / longer;
  });
  const best = Math.max(...scores);
  return best >= 0.5 ? best : 0;
}

function ngramsOf(caption: string, n: number): readonly string[] {
  return wordsOf(caption)
    .map((_, index, all) => all.slice(index, index + n))
    .filter((ngram) => ngram.length === n)
    .map((ngram) => ngram.join(" "));
}

const timesIn = (ngrams: readonly string[], ngram: string): number => ngrams.filter((other) => other === ngram).length;

/** Of a corpus: BLEU-n. Of one image: the same of a corpus of one. */
export function plainBleu(captions: readonly string[], references: readonly (readonly string[])[], n: number): number {
  let product = 1;
  for (let k = 1; k <= n; k += 1) {
    let [right, all] = [0, 0];
    for (const [image, caption] of captions.entries()) {
      const ngrams = ngramsOf(caption, k);
      all += ngrams.length;
      for (const ngram of new Set(ngrams)) {
        const most = Math.max(...references[image]!.map((reference) => timesIn(ngramsOf(reference, k), ngram)));
        right += Math.min(timesIn(ngrams, ngram), most);
      }
    }
    product *= (right + 1e-15) / (all + 1e-9);
  }
  const lengthOf = (caption: string): number => wordsOf(caption).length;
  const closest = captions.map((caption, image) => {
    const lengths = references[image]!.map(lengthOf).sort((a, b) => a - b);
    const distances = lengths.map((length) => Math.abs(length - lengthOf(caption)));
    return lengths[distances.indexOf(Math.min(...distances))]!;
  });
  const ratio = (sumOf(captions.map(lengthOf)) + 1e-15) / (sumOf(closest) + 1e-9);
  return product ** (1 / n) * (ratio < 1 ? Math.exp(1 - 1 / ratio) : 1);
}

/** Of captions that have a word. */
export function plainRougeL(caption: string, references: readonly string[]): number {
  const common = (a: readonly string[], b: readonly string[]): number => {
    if (a.length === 0 || b.length === 0) return 0;
    if (a[0] === b[0]) return 1 + common(a.slice(1), b.slice(1));
    return Math.max(common(a.slice(1), b), common(a, b.slice(1)));
  };
  const words = wordsOf(caption);
  const shared = references.map((reference) => common(words, wordsOf(reference)));
  const precision = Math.max(...shared) / words.length;
  const recall = Math.max(...shared.map((count, at) => count / wordsOf(references[at]!).length));
  return precision * recall === 0 ? 0 : (2.44 * precision * recall) / (recall + 1.44 * precision);
}

/** CIDEr-D as its definition reads, n-grams being strings. */
export function plainCider(hypotheses: readonly string[], references: readonly (readonly string[])[]): number[] {
  const documents = (ngram: string, n: number) =>
    references.filter((captions) => captions.some((caption) => ngramsOf(caption, n).includes(ngram))).length;
  const vector = (caption: string, n: number) => {
    const ngrams = ngramsOf(caption, n);
    const weight = (ngram: string) => Math.log(references.length) - Math.log(Math.max(1, documents(ngram, n)));
    return new Map(ngrams.map((ngram) => [ngram, timesIn(ngrams, ngram) * weight(ngram)]));
  };
  const norm = (weights: ReadonlyMap<string, number>) => Math.hypot(...weights.values());
  const likeness = (hypothesis: string, reference: string, n: number) => {
    const [h, r] = [vector(hypothesis, n), vector(reference, n)];
    const product = [...h].reduce(
      (sum, [ngram, weight]) => sum + Math.min(weight, r.get(ngram) ?? 0) * (r.get(ngram) ?? 0),
      0,
    );
    const difference = ngramsOf(hypothesis, 2).length - ngramsOf(reference, 2).length;
    return norm(h) * norm(r) === 0 ? 0 : (product / norm(h) / norm(r)) * Math.exp(-(difference ** 2) / 72);
  };
  return hypotheses.map((hypothesis, image) => {
    const captions = references[image] ?? [];
    const all = captions.flatMap((reference) => [1, 2, 3, 4].map((n) => likeness(hypothesis, reference, n)));
    return (10 * sumOf(all)) / all.length;
  });
}

/** Ranks of the best right candidate, by sorting; `right` names those of each row. Wrong ones come first among equals. */
export function plainRanks(rows: readonly (readonly number[])[], right: readonly (readonly number[])[]): number[] {
  return rows.map((row, index) => {
    const own = right[index]!;
    const order = row
      .map((score, candidate) => ({ score, isRight: own.includes(candidate) }))
      .sort((a, b) => b.score - a.score || Number(a.isRight) - Number(b.isRight));
    return order.findIndex(({ isRight }) => isRight);
  });
}

/** The standard error of a mean over clusters: sqrt(G / (G - 1) * sum of squared cluster sums of residuals) / n. */
export function plainStandardError(values: readonly number[], clusters: readonly string[]): number {
  const residuals = values.map((value) => value - meanOf(values));
  const names = [...new Set(clusters)];
  const sums = names.map((name) => sumOf(residuals.filter((_, place) => clusters[place] === name)));
  const squares = sumOf(sums.map((sum) => sum * sum));
  return Math.sqrt((names.length / (names.length - 1)) * squares) / values.length;
}
