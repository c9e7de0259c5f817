/** The scores of one sample, worked out by the metrics themselves; for retrieval, the ranks of its rows. */
import type { Sample } from "../../../datasets/dataset.ts";
import { readSimilarities } from "../../../reports/records/run-files.ts";
import { outcomeOf } from "../../../reports/records/journal.ts";
import type { Outcome } from "../../../reports/records/journal.ts";
import type { NamedWorking } from "../../../reports/report/sample-details.ts";
import { explainRank } from "../../../tasks/metrics/explain-rank.ts";
import { metricsThatApply } from "../../../tasks/metrics/hypotheses.ts";
import { candidates, rerankedScores, similarityScores } from "../../../tasks/metrics/retrieval-ranking.ts";
import type { GenerationTask, Hypothesis, RetrievalTask } from "../../../tasks/task.ts";
import { withCiderDf } from "../../evaluation/generation/asking.ts";
import { galleryOf, matchedByImage, pairsOf, seenOf } from "../../evaluation/retrieval/score.ts";
import type { AnsweredRun } from "../answered-run.ts";
import { isRetrieval } from "../sample-kinds.ts";

/** What works out the scores of samples of a run, by id. Empty for a sample that is not scored, and where the run's metrics are not there. */
export type WorkingsOf = (id: string) => readonly NamedWorking[];

export async function workingsOf(run: AnsweredRun): Promise<WorkingsOf> {
  if (run.task.kind === "retrieval") return await rankWorkings(run, run.task);
  return run.otherTask === null ? metricWorkings(run, run.task) : () => [];
}

function metricWorkings({ asked, split, record, predictions }: AnsweredRun, task: GenerationTask<Sample>): WorkingsOf {
  const hypotheses: Hypothesis<Sample>[] = [];
  const placeOf = new Map<string, number>();
  for (const { sample, answer } of asked) {
    if (answer === null) continue;
    placeOf.set(sample.id, hypotheses.length);
    const prediction = predictions.get(sample.id);
    const candidates = prediction?.status === "predicted" ? prediction.candidates?.best : undefined;
    hypotheses.push({ sample, answer, ...(candidates !== undefined && { candidates }) });
  }
  const told = withCiderDf(task, record.config.overrides["ciderDf"]).metrics;
  const metrics = metricsThatApply(told, hypotheses, split.samples);
  return (id) => {
    const place = placeOf.get(id);
    if (place === undefined) return [];
    return metrics.flatMap((metric) => {
      const working = metric.explain?.(place, hypotheses, split.samples);
      return working === undefined ? [] : [{ name: metric.name, ...working }];
    });
  };
}

/** Empty where the run has no similarities, or not all of its images were matched. */
async function rankWorkings(
  { path, asked, predictions, record }: AnsweredRun,
  task: RetrievalTask,
): Promise<WorkingsOf> {
  const outcomes = new Map(
    [...predictions.values()].map((prediction): readonly [string, Outcome] => [prediction.id, outcomeOf(prediction)]),
  );
  const samples = asked.map(({ sample }) => sample).filter(isRetrieval);
  const seen = seenOf(samples, outcomes);
  const values = await readSimilarities(path, pairsOf(seen));
  const known = matchedByImage(seen, outcomes);
  if (values === null || known.size < seen.length) return () => [];
  const gallery = galleryOf(seen);
  const similarities = { values, images: seen.length, texts: gallery.imageOfText.length };
  const rerank = record.config.retrieval?.rerank ?? task.protocols.paper.rerank;
  const matched = seen.map(({ image }) => known.get(image.id)!);
  const scores =
    rerank === 0
      ? similarityScores(similarities)
      : rerankedScores(similarities, candidates(similarities, rerank), matched);
  const texts = seen.flatMap((sample) => sample.texts.map(({ text }) => text));
  return (id) => {
    const image = seen.findIndex((sample) => sample.id === id);
    if (image === -1) return [];
    const own = Array.from(gallery.imageOfText.keys()).filter((text) => gallery.imageOfText[text] === image);
    const ofImage = explainRank(scores.imageToText(image), own, (text) => JSON.stringify(texts[text] ?? ""));
    const ofTexts = own.map((text) => ({
      name: `text to image: ${JSON.stringify(texts[text] ?? "")}`,
      ...explainRank(scores.textToImage(text), [image], (other) => `image ${gallery.images[other] ?? ""}`),
    }));
    return [{ name: "image to text", ...ofImage }, ...ofTexts];
  };
}
