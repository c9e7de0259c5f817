/**
 * Predictions → scores: what a task's metrics say of the answers of a run. The model is not needed, so a run can be scored
 * again at any time; one set of predictions always gives one set of bytes.
 */
import type { Sample, Split } from "../../../datasets/dataset.ts";
import type { Outcome } from "../../../reports/records/journal.ts";
import { scoresFormat } from "../../../reports/records/run-record.ts";
import type { ScoreSheet } from "../../../reports/records/run-record.ts";
import { clustersOf, metricsThatApply } from "../../../tasks/metrics/hypotheses.ts";
import type { GenerationTask, Hypothesis } from "../../../tasks/task.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import type { ClusterOf } from "../clusters.ts";
import { metricScore, publishedOf } from "../metric-score.ts";

export interface Predicted<S extends Sample> {
  readonly split: Split<S>;
  /** The samples that were to be asked. */
  readonly samples: readonly S[];
  /** By sample id. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** From generated text to the answer. */
  readonly answer: (text: string) => string;
  readonly cluster: ClusterOf;
  /** Name of the checkpoint, to find published scores by. */
  readonly checkpoint: string;
  /** Fingerprint of the code that scores. */
  readonly code: string;
}

/**
 * The scores of a run. Failed samples, and those that a metric cannot score, are counted and never scored. Samples stand in the
 * order of the data set. Throws a UsageError where a metric can score none.
 */
export function scorePredictions<S extends Sample>(task: GenerationTask<S>, predicted: Predicted<S>): ScoreSheet {
  const { split, samples, outcomes, answer, cluster, checkpoint, code } = predicted;
  const hypotheses: Hypothesis<S>[] = [];
  const unscored: { id: string; error: string }[] = [];
  let failed = 0;
  for (const sample of samples) {
    const outcome = outcomes.get(sample.id);
    if (outcome?.status === "predicted") {
      const { text, candidates } = outcome;
      const hypothesis = {
        sample,
        answer: answer(text),
        ...(cluster !== null && { cluster: cluster(sample) }),
        ...(candidates !== undefined && { candidates: candidates.best }),
      };
      const fault = faultOf(task, hypothesis);
      if (fault === null) hypotheses.push(hypothesis);
      else unscored.push({ id: sample.id, error: fault });
    } else if (outcome?.status === "failed") failed += 1;
  }
  const [first] = unscored;
  if (first !== undefined && hypotheses.length === 0) {
    throw new UsageError(`${first.error} for each of ${unscored.length} samples, the first of which is ${first.id}.`);
  }
  const clusters = clustersOf(hypotheses);

  const metrics = metricsThatApply(task.metrics, hypotheses, split.samples);
  const scored = metrics.map((metric) => ({ metric, score: metric.score(hypotheses, split.samples) }));
  const columns = scored.flatMap(({ metric, score }) => [
    ...(score.bySample === undefined ? [] : [[metric.name, score.bySample] as const]),
    ...Object.entries(score.countsBySample ?? {}),
  ]);
  return {
    format: scoresFormat,
    code,
    counts: {
      samples: samples.length,
      scored: hypotheses.length,
      failed: failed + unscored.length,
      missing: samples.length - hypotheses.length - failed - unscored.length,
    },
    metrics: scored.map(({ metric, score }) =>
      metricScore(metric, score, {
        clusters: new Set(clusters).size,
        published: publishedOf(task, checkpoint, split.name, metric.name),
      }),
    ),
    samples: {
      id: hypotheses.map(({ sample }) => sample.id),
      image: hypotheses.map(({ sample }) => sample.image.id),
      ...(cluster !== null && { cluster: clusters }),
      answer: hypotheses.map((hypothesis) => hypothesis.answer),
      ...answerTypes(hypotheses.map(({ sample }) => sample)),
      ...Object.fromEntries(columns),
    },
    ...(unscored.length > 0 && { unscored }),
  };
}

/** Why one of the metrics cannot score a hypothesis. */
function faultOf<S extends Sample>({ metrics }: GenerationTask<S>, hypothesis: Hypothesis<S>): string | null {
  for (const metric of metrics) {
    const fault = metric.faultOf?.(hypothesis) ?? null;
    if (fault !== null) return fault;
  }
  return null;
}

/** A column of the answer types, where the samples are questions that have one. */
function answerTypes(samples: readonly Sample[]): { readonly answerType?: readonly string[] } {
  const types = samples.flatMap((sample) =>
    "answerType" in sample && typeof sample.answerType === "string" ? [sample.answerType] : [],
  );
  return types.length === samples.length && types.some((type) => type !== "") ? { answerType: types } : {};
}
