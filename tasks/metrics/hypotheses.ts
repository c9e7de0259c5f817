/** What metrics read of a hypothesis: the texts of its references, and the cluster that its score belongs to. */
import type { Annotation, Sample } from "../../datasets/dataset.ts";
import type { Hypothesis, Metric } from "../task.ts";

/** A sample whose references are texts: human answers of a question, or captions of an image. */
export interface ReferencedSample extends Sample {
  readonly references: readonly (Annotation | string)[];
  /** "" or unset: none. */
  readonly answerType?: string;
  readonly questionType?: string;
  readonly domain?: string;
}

/** The metrics that have something to score of a run. */
export function metricsThatApply<S extends Sample>(
  metrics: readonly Metric<S>[],
  hypotheses: readonly Hypothesis<S>[],
  split: readonly S[],
): readonly Metric<S>[] {
  return metrics.filter((metric) => metric.appliesTo?.(hypotheses, split) ?? true);
}

export function referenceTexts({ references }: Pick<ReferencedSample, "references">): readonly string[] {
  return references.map((reference) => (typeof reference === "string" ? reference : reference.answer));
}

/** Each score's cluster: samples of one cluster are not independent of each other. Where none is chosen it is the image. */
export function clustersOf(hypotheses: readonly Hypothesis<Sample>[]): readonly string[] {
  return hypotheses.map(({ sample, cluster }) => cluster ?? sample.image.id);
}
