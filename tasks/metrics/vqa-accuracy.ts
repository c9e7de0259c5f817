/**
 * VQA accuracy: agreement with (usually ten) annotators. Antol et al. 2015; Goyal et al. 2017. For each annotator,
 * min(1, matches among the others / 3); then the mean. With ten answers 1, 2, 3, 4 matches score 0.3, 0.6, 0.9, 1.
 *
 * Three public scorers go by this name and differ in what they normalise (vqa-answer.ts) before they compare:
 *
 *                        hypothesis                          references
 *   vqaAccuracy          if the references differ            if they differ             the official code
 *   vqaAccuracyLavis     always                              punctuation, if they differ  LAVIS's copy: BLIP-2's numbers
 *   vqaAccuracyAlways    always                              always
 *
 * The formula was made for ten annotators. With one it gives 0 even for the right answer, with two at most a third, as
 * nobody has three others to agree with. `vqaAccuracyOfAny` is for data with any number of references: ten are scored by the
 * official code; for any other number both sides are always in normal form, and the 3 is the number of other annotators where
 * there are fewer than 3. So 1 means that all agree, whatever their number, and from four references on the formula is the
 * official one. One reference: 1 if the answer equals it, else 0.
 *
 * Edge cases: any number of references is allowed. If no sample has references (a private split) there is no score; if
 * only some have none, that is an error. An empty hypothesis is an answer like any other. Two records with equal
 * answer, confidence and id count as one annotator.
 */
import type { Annotation } from "../../datasets/dataset.ts";
import type { Metric } from "../task.ts";
import type { ReferencedSample } from "./hypotheses.ts";
import { meanScore } from "./mean-score.ts";
import { changed, shownNumber, unscoredWorking } from "./working.ts";
import { cleanAnswer, normaliseAnswer, removePunctuation } from "./vqa-answer.ts";

/** A hypothesis and references, both normalised as a scorer prescribes. */
interface Comparison {
  readonly answer: string;
  readonly references: readonly string[];
}

type Step = (text: string) => string;

/** How a scorer normalises. `normalise` is `normaliseAnswer` with remembered results. */
type Rule = (answer: string, references: readonly string[], normalise: Step) => Comparison;

const official: Rule = (answer, references, normalise) => {
  const cleaned = references.map(cleanAnswer);
  if (agree(cleaned)) return { answer: cleanAnswer(answer), references: cleaned };
  return { answer: normalise(cleanAnswer(answer)), references: cleaned.map(normalise) };
};

/** vqaEval.py:86-103. Where all annotators agree nothing is normalised: "2" against ten "two" scores 0. */
export const vqaAccuracy: Metric<ReferencedSample> = vqaMetric("accuracy", official);

/**
 * LAVIS, lavis/common/vqa_tools/vqa_eval.py, `evaluate`: references keep their capitals, articles, number words and
 * outer white space, so references with any of these never match. It made the validation numbers that LAVIS publishes
 * for BLIP-2.
 */
export const vqaAccuracyLavis: Metric<ReferencedSample> = vqaMetric(
  "accuracy-lavis",
  (answer, references, normalise) => ({
    answer: normalise(cleanAnswer(answer)),
    references: agree(references) ? references : references.map(removePunctuation),
  }),
);

const always: Rule = (answer, references, normalise) => ({
  answer: normalise(cleanAnswer(answer)),
  references: references.map((reference) => normalise(cleanAnswer(reference))),
});

/** Always normalises both sides, as lmms-eval and others do. */
export const vqaAccuracyAlways: Metric<ReferencedSample> = vqaMetric("accuracy-always", always);

const officialNumber = 10; // annotators of a question of VQAv2

/** For any number of references, see above. */
export const vqaAccuracyOfAny: Metric<ReferencedSample> = vqaMetric(
  "vqa-accuracy",
  (answer, references, normalise) => {
    return (references.length === officialNumber ? official : always)(answer, references, normalise);
  },
  (annotators) => Math.min(enoughOthers, annotators - 1),
);

const enoughOthers = 3; // vqaEval.py:109

/** `enough`: how many others must agree with an answer for the full score, by the number of annotators. */
function vqaMetric(
  name: string,
  rule: Rule,
  enough: (annotators: number) => number = () => enoughOthers,
): Metric<ReferencedSample> {
  return {
    name,
    unit: "fraction",
    higherIsBetter: true,
    score(hypotheses) {
      const normalise = remembered(normaliseAnswer);
      return meanScore(hypotheses, ({ sample, answer }) => {
        const annotations = sample.references.map(annotationOf);
        const texts = annotations.map((annotation) => annotation.answer);
        return mean(agreements(rule(answer, texts, normalise), annotations, enough(annotations.length)));
      });
    },
    explain(place, hypotheses) {
      const { sample, answer } = hypotheses[place]!;
      const annotations = sample.references.map(annotationOf);
      if (annotations.length === 0) return unscoredWorking;
      const compared = rule(
        answer,
        annotations.map((annotation) => annotation.answer),
        normaliseAnswer,
      );
      const needed = enough(annotations.length);
      const each = agreements(compared, annotations, needed);
      const steps = annotations.map((annotation, index) => ({
        what: `annotator ${annotation.id}: ${changed(annotation.answer, compared.references[index]!)}`,
        result:
          needed === 0
            ? shownNumber(each[index]!)
            : `min(1, ${matchesOf(compared, annotations, index)} / ${needed}) = ${shownNumber(each[index]!)}`,
      }));
      const score = mean(each);
      return {
        score,
        steps: [
          { what: "the answer, as it is compared", result: changed(answer, compared.answer) },
          ...steps,
          { what: "each: others with that answer; their mean", result: shownNumber(score) },
        ],
      };
    },
  };
}

/** A caption as the answer of an annotator of its own. */
function annotationOf(reference: Annotation | string, index: number): Annotation {
  return typeof reference === "string" ? { answer: reference, confidence: "", id: index + 1 } : reference;
}

/**
 * For each annotator min(1, matches among the other annotators / enough), in their order; 1 for a match where there are no
 * others to ask for. vqaEval.py:105-112.
 */
function agreements(compared: Comparison, annotations: readonly Annotation[], enough: number): readonly number[] {
  if (!compared.references.includes(compared.answer)) return annotations.map(() => 0);
  return annotations.map((_, index) =>
    enough === 0 ? 1 : Math.min(1, matchesOf(compared, annotations, index) / enough),
  );
}

/** How many annotators other than that at `index` gave the answer. */
function matchesOf({ answer, references }: Comparison, annotations: readonly Annotation[], index: number): number {
  const matching = annotations.filter((_, place) => references[place] === answer);
  if (references[index] !== answer) return matching.length;
  // Records are compared as a whole: those with equal answers are different annotators if confidence or id differ.
  return matching.filter((match) => !isSameAnnotator(match, annotations[index]!)).length;
}

function mean(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

function isSameAnnotator(a: Annotation, b: Annotation): boolean {
  return a.id === b.id && a.confidence === b.confidence;
}

function agree(texts: readonly string[]): boolean {
  return texts.every((text) => text === texts[0]);
}

const rememberedTexts = 1 << 17; // more than the distinct answers of VQAv2 val; about 20 MB at worst

/** Wraps a function so that its results are remembered by text, since most answers of a split occur many times. */
function remembered(step: Step): Step {
  const known = new Map<string, string>();
  return (text) => {
    let value = known.get(text);
    if (value === undefined) {
      if (known.size >= rememberedTexts) known.clear();
      known.set(text, (value = step(text)));
    }
    return value;
  };
}
