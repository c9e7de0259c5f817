/**
 * The door of a run: every name, file and folder of every model and task is checked before the first is computed. What
 * comes out needs weights and time, nothing else.
 */
import { join } from "node:path";
import type { RetrievalSample, Sample } from "../../datasets/dataset.ts";
import { doesWayMatter } from "../../models/generation/generation-way.ts";
import type { GraphPlacement } from "../../models/device/placement-profile.ts";
import type { LoadOptions } from "../../models/load-blip2.ts";
import { RunFolder } from "../../reports/records/run-folder.ts";
import type { RunPlan } from "../../reports/records/run-record.ts";
import { plannedBatchSize } from "./batch-size.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { checkpointPlace, findCheckpoint, refuseSameNames, taskNamed } from "../catalog/find-checkpoint.ts";
import { openSplit } from "../catalog/open-split.ts";
import type { OpenedSplit, SplitTask } from "../catalog/open-split.ts";
import { chooseDevice, checkPrecision } from "../catalog/device.ts";
import { recordedDevice, precisionToRecord, recordedProvider } from "./recorded-choices.ts";
import type { Evaluation } from "./evaluate.ts";
import { describeFeatureSizes } from "./feature-sizes.ts";
import { inWorkers } from "./in-workers.ts";
import type { PrepareOptions } from "./in-workers.ts";
import { placeOf, refuseOtherContent } from "./output-folder.ts";
import { pairsToRun } from "./pairs.ts";
import type { AskedCheckpoint, GenerationPair, Pair, RetrievalPair } from "./pairs.ts";
import { checkSearchMemory } from "./check-search-memory.ts";
import { askingOf, rankingOf, withCiderDf } from "./protocol.ts";
import { provenance } from "../catalog/provenance.ts";
import type { RetrievalEvaluation } from "./retrieval/retrieval-run.ts";
import type { LoadChoices, RunConfig } from "./run-config.ts";

export type AnyEvaluation = Evaluation<Sample> | RetrievalEvaluation;

export interface PreparationOptions {
  readonly hubCache: string;
  readonly onPreparation?: LoadOptions["onPreparation"] | undefined;
}

/** Every model on every task it can do: a model's tasks stand together. */
export async function prepare(
  config: RunConfig,
  catalog: Catalog,
  prepareOptions: PrepareOptions,
): Promise<readonly AnyEvaluation[]> {
  const tasks = config.tasks.map((name) => taskNamed(catalog, name));
  const checkpoints = await checkpointsToRun(config, catalog, prepareOptions);
  const pairs = pairsToRun(checkpoints, tasks, { areTasksNamed: config.areTasksNamed, catalog });
  const isSingle = pairs.length === 1;
  if (!isSingle) await refuseOtherContent(config);

  const asked = new Map<string, OpenedSplit<Sample>>();
  const ranked = new Map<string, OpenedSplit<RetrievalSample>>();
  for (const { kind, task } of pairs) {
    if (kind === "generation") await openOnce(asked, task, config, catalog);
    else await openOnce(ranked, task, config, catalog);
  }
  if (config.keepFeatures) {
    const samplesOf = ({ kind, task }: Pair): readonly Sample[] =>
      (kind === "generation" ? asked : ranked).get(task.name)!.samples;
    prepareOptions.onPreparation?.({ kind: "note", message: describeFeatureSizes(pairs, samplesOf, config) });
  }
  const made = await provenance(config);
  const evaluations: AnyEvaluation[] = [];
  try {
    for (const pair of pairs) {
      const { task } = pair;
      const path = isSingle ? config.output : join(config.output, ...placeOf(pair, config));
      const size = await plannedBatchSize(config, path);
      const open = (plan: RunPlan, samples: number): Promise<RunFolder> =>
        RunFolder.open(path, plan, { samples, overwrite: config.overwrite });
      evaluations.push(
        pair.kind === "generation"
          ? await prepareGeneration(pair, asked.get(task.name)!, { config, size, made, open })
          : await prepareRetrieval(pair, ranked.get(task.name)!, { config, size, made, open }),
      );
    }
    return evaluations;
  } catch (error) {
    for (const { folder } of evaluations) await folder.close();
    throw error;
  }
}

/** Every model in every precision. */
export async function checkpointsToRun(
  choices: LoadChoices,
  catalog: Catalog,
  prepareOptions: PrepareOptions,
): Promise<readonly AskedCheckpoint[]> {
  const { hubCache, onPreparation } = prepareOptions;
  const config: Required<LoadChoices> = {
    ...{ workers: 1, imageThreads: 0, generation: "auto", keepFeatures: false },
    ...choices,
  };
  const chosen = await chooseDevice(config.device, prepareOptions);
  const precisions = config.precisions.map((each) => checkPrecision(each, chosen.device, prepareOptions));
  const { device } = chosen;
  const { cache: cacheFolder, threads, imageThreads, maxPixels, generation, keepFeatures } = config;
  const settings = { hubCache, cacheFolder, threads, device, imageThreads, generation, keepFeatures };
  const given = { ...(maxPixels !== null && { maxPixels }), ...(onPreparation !== undefined && { onPreparation }) };
  const options = { ...settings, ...given };
  const checkpoints: AskedCheckpoint[] = [];
  for (const name of config.models) {
    const { where } = checkpointPlace(catalog, name);
    for (const precision of precisions) {
      const placements = new Map<string, GraphPlacement>();
      const onPlacement = (placement: GraphPlacement): void => void placements.set(placement.graph, placement);
      const found = await findCheckpoint(catalog, name, { ...options, precision, onPlacement });
      const spreading = { where, config, device, precision, catalog };
      const placed = config.workers > 1 ? inWorkers(found, spreading, { ...prepareOptions, onPlacement }) : found;
      checkpoints.push({ ...placed, precision, chosen, placements });
    }
  }
  refuseSameNames(checkpoints);
  return checkpoints;
}

interface Making {
  readonly config: RunConfig;
  readonly size: Awaited<ReturnType<typeof plannedBatchSize>>;
  readonly made: Awaited<ReturnType<typeof provenance>>;
  readonly open: (plan: RunPlan, samples: number) => Promise<RunFolder>;
}

async function prepareGeneration(
  { checkpoint, task, model }: GenerationPair,
  { split, samples, data }: OpenedSplit<Sample>,
  { config, size, made, open }: Making,
): Promise<Evaluation<Sample>> {
  const { protocol, overrides, limit, maxErrors } = config;
  const { batchSize, isOpen: isBatchSizeOpen } = size;
  const { name, source, family, fingerprint } = checkpoint;
  const asking = askingOf(task, protocol, { family, overrides, samples });
  checkSearchMemory(checkpoint, { decoding: asking.decoding, texts: Math.min(batchSize, samples.length) });
  const { newTokens } = asking.decoding;
  const decoding = { ...asking.decoding, newTokens: { ...newTokens }, maxPromptTokens: asking.maxPromptTokens };
  const plan: RunPlan = {
    config: {
      task: task.name,
      protocol,
      limit,
      batchSize,
      ...precisionToRecord(checkpoint),
      ...recordedProvider(checkpoint),
      ...(doesWayMatter(config.generation, checkpoint.precision, checkpoint.chosen.device) && {
        generation: config.generation,
      }),
      decoding,
      overrides: { ...overrides },
    },
    checkpoint: { name, source, family, fingerprint },
    data,
    ...made,
    ...recordedDevice(checkpoint),
    seeds: {},
  };
  const folder = await open(plan, samples.length);
  return {
    kind: "generation",
    task: withCiderDf(task, overrides.ciderDf),
    split,
    samples,
    asking,
    plan,
    isBatchSizeOpen,
    folder,
    maxErrors,
    firstSteps: config.firstSteps,
    model,
  };
}

async function prepareRetrieval(
  { checkpoint, task, model }: RetrievalPair,
  { split, samples, data }: OpenedSplit<RetrievalSample>,
  { config, size, made, open }: Making,
): Promise<RetrievalEvaluation> {
  const { overrides, limit, maxErrors } = config;
  const { batchSize } = size;
  const { name, source, family, fingerprint } = checkpoint;
  const protocol = rankingOf(task, config.protocol, overrides);
  const { maxTokens, rerank } = protocol;
  const plan: RunPlan = {
    config: {
      task: task.name,
      protocol: config.protocol,
      limit,
      batchSize,
      ...precisionToRecord(checkpoint),
      ...recordedProvider(checkpoint),
      decoding: {},
      retrieval: { maxTokens, rerank },
      overrides: { ...overrides },
    },
    checkpoint: { name, source, family, fingerprint },
    data,
    ...made,
    ...recordedDevice(checkpoint),
    seeds: {},
  };
  const folder = await open(plan, samples.length);
  return { kind: "retrieval", task, split, samples, protocol, plan, folder, maxErrors, model };
}

/** A split is read once, however many checkpoints are asked about it. */
async function openOnce<S extends Sample>(
  opened: Map<string, OpenedSplit<S>>,
  task: SplitTask<S>,
  config: RunConfig,
  catalog: Catalog,
): Promise<void> {
  if (!opened.has(task.name)) opened.set(task.name, await openSplit(task, config, catalog));
}
