/**
 * The metrics that a task can name, a list by hand: to add one, add its line. A metric's name is its name in records and
 * tables, too.
 */
import type { Metric, RetrievalMetric } from "../task.ts";
import { anls } from "./anls.ts";
import {
  choiceAccuracy,
  choiceAccuracyPerCharacter,
  choiceAccuracyPerToken,
  choiceAccuracySum,
} from "./choice-accuracy.ts";
import { bleu1, bleu2, bleu3, bleu4, cider, rougeL } from "./captions/caption-metrics.ts";
import { exactMatch } from "./exact-match.ts";
import type { ReferencedSample } from "./hypotheses.ts";
import { usualRetrievalMetrics } from "./recall.ts";
import { tokenF1 } from "./token-f1.ts";
import { vqaAccuracyOfAny } from "./vqa-accuracy.ts";

/** Of answers and captions: each compares a text with the sample's references. */
export const textMetrics: readonly Metric<ReferencedSample>[] = [
  { ...exactMatch, name: "exact-match" },
  vqaAccuracyOfAny,
  tokenF1,
  anls,
  choiceAccuracy,
  choiceAccuracySum,
  choiceAccuracyPerToken,
  choiceAccuracyPerCharacter,
  cider,
  bleu1,
  bleu2,
  bleu3,
  bleu4,
  rougeL,
];

/** Of ranks. Recall can be asked at any number of candidates: see retrievalMetricNamed. */
export const retrievalMetricNames: readonly RetrievalMetric[] = usualRetrievalMetrics;

/** null: there is none of this name. `recall@k` is there for every whole number k from 1. */
export function retrievalMetricNamed(name: string): RetrievalMetric | null {
  const [, cutoff] = /^recall@([1-9]\d{0,5})$/.exec(name) ?? [];
  if (cutoff !== undefined) return `recall@${Number(cutoff)}`;
  return retrievalMetricNames.find((known) => known === name) ?? null;
}
