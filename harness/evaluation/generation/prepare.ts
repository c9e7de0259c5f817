/** A checkpoint with a language model on a task whose answers are text: what is checked, and chosen, before it is asked. */
import type { Sample } from "../../../datasets/dataset.ts";
import { doesWayMatter } from "../../../models/generation/generation-way.ts";
import type { VisionLanguageModel } from "../../../models/model.ts";
import type { GenerationTask } from "../../../tasks/task.ts";
import type { FoundGenerator } from "../../catalog/catalog.ts";
import type { OpenedSplit } from "../../catalog/open-split.ts";
import type { InPrecision } from "../checkpoints.ts";
import type { LazyModel } from "../lazy-model.ts";
import { runPlan } from "../run-plan.ts";
import type { Evaluation, Pair, Preparation } from "../verbs.ts";
import { askingOf, withCiderDf } from "./asking.ts";
import { readCandidateFile } from "./candidate-file.ts";
import { auditGeneration } from "./audit.ts";
import { checkSearchMemory } from "./check-search-memory.ts";
import { generationEvaluation } from "./evaluate.ts";

interface GenerationPair {
  readonly checkpoint: FoundGenerator & InPrecision;
  readonly task: GenerationTask<Sample>;
  readonly model: LazyModel<VisionLanguageModel>;
  readonly open: () => Promise<OpenedSplit<Sample>>;
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
  { checkpoint, task, model, open }: GenerationPair,
  shared: Preparation,
): Promise<Evaluation> {
  const { split, samples, data } = await open();
  const { config, batchSize, isBatchSizeOpen, openFolder } = shared;
  const { protocol, overrides, generation, memoryBudget, maxErrors, firstSteps } = config;
  const candidates = config.candidates === null ? null : await readCandidateFile(config.candidates);
  const asking = askingOf(task, protocol, { family: checkpoint.family, overrides, samples, candidates });
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
    decoding: { ...(ranking === undefined && search), maxPromptTokens },
  };
  const plan = runPlan({ checkpoint, task, data, choices }, shared);
  return generationEvaluation({
    task: withCiderDf(task, overrides.ciderDf),
    split,
    samples,
    asking,
    plan,
    isBatchSizeOpen,
    memoryBudget,
    folder: await openFolder(plan, samples.length),
    maxErrors,
    firstSteps,
    model,
  });
}
