/** A checkpoint without a language model on a task that ranks: what is checked, and chosen, before it is asked. */
import type { RetrievalSample } from "../../../datasets/dataset.ts";
import type { ImageTextScorer } from "../../../models/model.ts";
import { candidateCounts } from "../../../tasks/metrics/retrieval-ranking.ts";
import type { Similarities } from "../../../tasks/metrics/retrieval-ranking.ts";
import type { ProtocolName, RetrievalProtocol, RetrievalTask } from "../../../tasks/task.ts";
import type { FoundScorer } from "../../catalog/catalog.ts";
import type { OpenedSplit } from "../../catalog/open-split.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import type { InPrecision } from "../checkpoints.ts";
import { clusterBy } from "../clusters.ts";
import type { Overrides } from "../run-config.ts";
import type { LazyModel } from "../lazy-model.ts";
import { runPlan } from "../run-plan.ts";
import { windowsOfShard } from "../shard.ts";
import type { Evaluation, Pair, Preparation } from "../verbs.ts";
import { auditRetrieval } from "./audit.ts";
import { embeddingBatches } from "./ask.ts";
import { retrievalEvaluation } from "./evaluate.ts";

interface RetrievalPair {
  readonly checkpoint: FoundScorer & InPrecision;
  readonly task: RetrievalTask;
  readonly model: LazyModel<ImageTextScorer>;
  readonly open: () => Promise<OpenedSplit<RetrievalSample>>;
}

export function retrievalPair(pair: RetrievalPair): Pair {
  const { task, model, open } = pair;
  return {
    ...pair,
    prepare: (shared) => prepareRetrieval(pair, shared),
    audit: async ({ protocol: name, overrides, batchSize }, onSample) => {
      const { samples } = await open();
      const protocol = rankingOf(task, name, overrides);
      return auditRetrieval(await model.load(), { samples, protocol, batchSize }, onSample);
    },
  };
}

/** How a retrieval task ranks, with the choices that flags replace. */
export function rankingOf(task: RetrievalTask, name: ProtocolName, overrides: Overrides): RetrievalProtocol {
  const protocol = task.protocols[name];
  return { ...protocol, rerank: overrides.rerank ?? protocol.rerank };
}

async function prepareRetrieval(
  { checkpoint, task, model, open }: RetrievalPair,
  shared: Preparation,
): Promise<Evaluation> {
  const { split, samples, data } = await open();
  const { config, batchSize, openFolder } = shared;
  const { shard, elsewhere } = config;
  if (elsewhere !== null || config.isApart) {
    throw new UsageError(`--tasks ${task.name}: a ranking cannot be queued. Split it with --shard.`);
  }
  const protocol = rankingOf(task, config.protocol, config.overrides);
  const { maxTokens, rerank } = protocol;
  const choices = { decoding: {}, retrieval: { maxTokens, rerank } };
  const windows = embeddingBatches(samples, batchSize);
  const plan = await runPlan({ checkpoint, task, data, choices, windows }, shared);
  const cluster = clusterBy(plan.config.cluster, samples);
  const asked = windowsOfShard(windows, shard).flatMap((window) => window.samples);
  const folder = await openFolder(plan, asked.length);
  const texts = samples.reduce((sum, sample) => sum + sample.texts.length, 0);
  const note = rerankNote(rerank, { images: samples.length, texts });
  const notes = [...(split.notes ?? []), ...(note === null ? [] : [note])];
  return retrievalEvaluation({
    task,
    split,
    samples,
    protocol,
    cluster,
    plan,
    folder,
    notes,
    maxErrors: config.maxErrors,
    shard,
    asked,
    model,
  });
}

/** A note for a gallery with fewer candidates than are to be re-ranked; null where there are enough. */
export function rerankNote(rerank: number, { images, texts }: Pick<Similarities, "images" | "texts">): string | null {
  const counts = candidateCounts(rerank, { images, texts });
  if (counts.imageToText === rerank && counts.textToImage === rerank) return null;
  return (
    `--rerank ${rerank}: there are only ${images} images and ${texts} texts; ` +
    `${counts.imageToText} texts are re-ranked for each image and ${counts.textToImage} images for each text.`
  );
}
