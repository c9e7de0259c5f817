/** The choices of a run on disk as those of a run to be made: for windows that its shards left. */
import { fp32Precision, parsePrecision } from "../../models/checkpoint/precision.ts";
import { generationWays } from "../../models/generation/generation-way.ts";
import { providerNames } from "../../models/device/device.ts";
import type { RunRecord } from "../../reports/records/run-record.ts";
import { differingFields } from "../../reports/records/run-folder-text.ts";
import { RunFolderError } from "../../reports/records/run-folder-error.ts";
import { lengthNorms } from "../../tasks/choices.ts";
import { deviceRequest } from "../catalog/device-request.ts";
import { recordedPlace } from "../catalog/find-checkpoint.ts";
import { textSettingsIn } from "../catalog/text-settings.ts";
import type { Overrides, RunConfig } from "../evaluation/run-config.ts";
import type { Evaluation } from "../evaluation/verbs.ts";

/** What is this machine's own, and not in a record. */
export type LocalChoices = Pick<RunConfig, "output" | "cache" | "threads" | "workers" | "candidates" | "shard"> & {
  /** Where the checkpoint is here; null: where the shards had it. */
  readonly model: string | null;
  readonly data: string | null;
  readonly images: string | null;
};

export function recordedConfig({ config, taskFile, checkpoint, data }: RunRecord, local: LocalChoices): RunConfig {
  const { device, precision, generation, protocol } = config;
  return {
    ...local,
    models: [local.model ?? recordedPlace(checkpoint) ?? checkpoint.name],
    tasks: [taskFile?.path ?? config.task],
    areTasksNamed: true,
    data: local.data ?? data.folder,
    images: local.images ?? data.images,
    columns: data.columns ?? {},
    allowOutside: data.allowOutside ?? false,
    maxPixels: null,
    split: data.split,
    protocol: protocol === "lavis" ? "lavis" : "paper",
    limit: config.limit,
    batchSize: config.batchSize ?? "auto", // shards have one: read-shard.ts refuses imported runs
    memoryBudget: null,
    device: deviceRequest(providerNames.find((name) => name === device) ?? "cpu", undefined),
    imageThreads: 0,
    precisions: [precision === undefined ? fp32Precision : parsePrecision(precision)],
    firstSteps: 0,
    generation: generationWays.find((way) => way === generation) ?? "auto",
    overrides: overridesOf(config.overrides),
    cluster: config.cluster ?? null,
    prompts: [],
    maxErrors: null,
    keepFeatures: false,
    overwrite: false,
    elsewhere: null,
    isApart: false,
    schedulerTask: null,
  };
}

/** Throws a RunFolderError where what is here is not what the shards had. */
export function refuseOtherRun(record: RunRecord, { plan }: Evaluation): void {
  const fields = differingFields(record, plan);
  if (fields.length === 0) return;
  throw new RunFolderError(
    ["--fill: what is here is not what the shards had:", ...fields.map((line) => `  ${line}`)].join("\n"),
  );
}

function overridesOf(recorded: RunRecord["config"]["overrides"]): Overrides {
  const { prompt, answers, lengthNorm, rerank, ciderDf, shots, shotsFrom, shotsSeed, shotsCaptioned } = recorded;
  const norm = lengthNorms.find((each) => each === lengthNorm) ?? "none";
  return {
    ...textSettingsIn(recorded),
    ...(typeof prompt === "string" && { prompt }),
    ...(answers === "ranked" && { answers }),
    ...(norm !== "none" && { lengthNorm: norm }),
    ...(typeof shots === "number" && { shots }),
    ...(typeof shotsFrom === "string" && { shotsFrom }),
    ...(typeof shotsSeed === "number" && { shotsSeed }),
    ...(shotsCaptioned === true && { shotsCaptioned }),
    ...(typeof rerank === "number" && { rerank }),
    ...(ciderDf === "sample" && { ciderDf }),
  };
}
