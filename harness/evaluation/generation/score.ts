/**
 * Predictions → scores: what a task's metrics say of the answers of a run. The model is not needed, so a run can be scored
 * again at any time; one set of predictions always gives one set of bytes.
 */
import type { Sample, Split } from "../../../datasets/dataset.ts";
import type { Outcome } from "../../../reports/records/journal.ts";
import { scoresFormat } from "../../../reports/records/run-record.ts";
import type { ScoreSheet } from "../../../reports/records/run-record.ts";
import { metricsThatApply } from "../../../tasks/metrics/hypotheses.ts";
import type { GenerationTask, Hypothesis } from "../../../tasks/task.ts";
import { metricScore, publishedOf } from "../metric-score.ts";

export interface Predicted<S extends Sample> {
  readonly split: Split<S>;
  /** The samples that were to be asked. */
  readonly samples: readonly S[];
  /** By sample id. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** From generated text to the answer. */
  readonly answer: (text: string) => string;
  /** Name of the checkpoint, to find published scores by. */
  readonly checkpoint: string;
  /** Fingerprint of the code that scores. */
  readonly code: string;
}

/** The scores of a run. Failed samples are counted, never scored. Samples stand in the order of the data set. */
export function scorePredictions<S extends Sample>(task: GenerationTask<S>, predicted: Predicted<S>): ScoreSheet {
  const { split, samples, outcomes, answer, checkpoint, code } = predicted;
  const hypotheses: Hypothesis<S>[] = [];
  let failed = 0;
  for (const sample of samples) {
    const outcome = outcomes.get(sample.id);
    if (outcome?.status === "predicted") {
      const { text, candidates } = outcome;
      hypotheses.push({
        sample,
        answer: answer(text),
        ...(candidates !== undefined && { candidates: candidates.best }),
      });
    } else if (outcome?.status === "failed") failed += 1;
  }
  const images = new Set(hypotheses.map(({ sample }) => sample.image.id)).size;

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
      failed,
      missing: samples.length - hypotheses.length - failed,
    },
    metrics: scored.map(({ metric, score }) =>
      metricScore(metric, score, {
        clusters: images,
        published: publishedOf(task, checkpoint, split.name, metric.name),
      }),
    ),
    samples: {
      id: hypotheses.map(({ sample }) => sample.id),
      image: hypotheses.map(({ sample }) => sample.image.id),
      answer: hypotheses.map((hypothesis) => hypothesis.answer),
      ...answerTypes(hypotheses.map(({ sample }) => sample)),
      ...Object.fromEntries(columns),
    },
  };
}

/** A column of the answer types, where the samples are questions that have one. */
function answerTypes(samples: readonly Sample[]): { readonly answerType?: readonly string[] } {
  const types = samples.flatMap((sample) =>
    "answerType" in sample && typeof sample.answerType === "string" ? [sample.answerType] : [],
  );
  return types.length === samples.length && types.some((type) => type !== "") ? { answerType: types } : {};
}
