/** A checkpoint with a language model on a task whose answers are text: what is checked, and chosen, before it is asked. */
import type { Sample } from "../../../datasets/dataset.ts";
import { doesWayMatter } from "../../../models/generation/generation-way.ts";
import type { VisionLanguageModel } from "../../../models/model.ts";
import type { GenerationTask } from "../../../tasks/task.ts";
import type { FoundGenerator } from "../../catalog/catalog.ts";
import type { OpenedSplit } from "../../catalog/open-split.ts";
import type { InPrecision } from "../checkpoints.ts";
import { clusterBy } from "../clusters.ts";
import type { LazyModel } from "../lazy-model.ts";
import { runPlan } from "../run-plan.ts";
import type { Evaluation, Pair, Preparation } from "../verbs.ts";
import { windowsOfShard } from "../shard.ts";
import { planWindows } from "./ask.ts";
import { askingOf, withCiderDf } from "./asking.ts";
import { readListedTexts } from "./listed-texts.ts";
import { auditGeneration } from "./audit.ts";
import { checkSearchMemory } from "./check-search-memory.ts";
import { generationEvaluation } from "./evaluate.ts";
import { openShots } from "./shots.ts";

interface GenerationPair {
  readonly checkpoint: FoundGenerator & InPrecision;
  readonly task: GenerationTask<Sample>;
  readonly model: LazyModel<VisionLanguageModel>;
  readonly open: () => Promise<OpenedSplit<Sample>>;
  /** The split that shots are drawn from. */
  readonly openShots: () => Promise<OpenedSplit<Sample>>;
}

export function generationPair(pair: GenerationPair): Pair {
  const { checkpoint, task, model, open } = pair;
  return {
    ...pair,
    prepare: (shared) => prepareGeneration(pair, shared),
    audit: async ({ protocol, overrides, batchSize }, onSample) => {
      const { split, samples } = await open();
      const asking = askingOf(task, protocol, { family: checkpoint.family, overrides, samples });
      return auditGeneration(await model.load(), { task, split, samples, asking, batchSize }, onSample);
    },
  };
}

async function prepareGeneration(
  { checkpoint, task, model, open, openShots: openPool }: GenerationPair,
  shared: Preparation,
): Promise<Evaluation> {
  const { split, samples, data } = await open();
  const { config, batchSize, isBatchSizeOpen, openFolder } = shared;
  const { protocol, overrides, generation, memoryBudget, maxErrors, firstSteps, shard, elsewhere } = config;
  const candidates = config.candidates === null ? null : await readListedTexts(config.candidates, "--candidates");
  const { family } = checkpoint;
  const drawn = await openShots(overrides, { family, samples, open: openPool });
  const shots = drawn?.shots ?? null;
  const asking = askingOf(task, protocol, { family, overrides, samples, candidates, shots });
  const { maxPromptTokens, ranking } = asking;
  if (ranking === undefined) {
    checkSearchMemory(checkpoint, { decoding: asking.decoding, texts: Math.min(batchSize, samples.length) });
  }
  const { newTokens } = asking.decoding;
  const search = { ...asking.decoding, newTokens: { ...newTokens } };
  const isWayRecorded =
    ranking === undefined && doesWayMatter(generation, checkpoint.precision, checkpoint.chosen.device);
  const choices = {
    ...(isWayRecorded && { generation }),
    ...(candidates !== null && { candidates: { count: candidates.texts.length, sha256: candidates.sha256 } }),
    ...(drawn !== null && { shots: drawn.record }),
    decoding: { ...(ranking === undefined && search), maxPromptTokens },
  };
  const windows = planWindows(samples, batchSize);
  const plan = await runPlan({ checkpoint, task, data, choices, windows }, shared);
  const asked = windowsOfShard(windows, shard).flatMap((window) => window.samples);
  const cluster = clusterBy(plan.config.cluster, samples);
  return generationEvaluation({
    task: withCiderDf(task, overrides.ciderDf),
    split,
    samples,
    asking,
    cluster,
    plan,
    isBatchSizeOpen,
    memoryBudget,
    folder: await openFolder(plan, asked.length),
    maxErrors,
    firstSteps,
    shard,
    elsewhere,
    model,
  });
}
