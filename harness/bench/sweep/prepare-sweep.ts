/** The door of a sweep: every name, file and folder is checked, and all weights are converted, before anything is measured. */
import { cpus } from "node:os";
import type { Sample } from "../../../datasets/dataset.ts";
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { describePrecision, PRECISION_NAMES } from "../../../models/checkpoint/precision.ts";
import { planQuantization, prepareWeights, storedBytes } from "../../../models/checkpoint/quantized-weights.ts";
import type { LoadOptions } from "../../../models/load-blip2.ts";
import { benchFormat } from "../../../reports/records/bench/bench-record.ts";
import type { BenchPoint, BenchRecord } from "../../../reports/records/bench/bench-record.ts";
import type { Task } from "../../../tasks/task.ts";
import type { Device } from "../../../models/device/device.ts";
import type { Catalog, FoundCheckpoint } from "../../catalog/catalog.ts";
import { chooseDevice, checkPrecision } from "../../catalog/device.ts";
import type { ChoosingOptions } from "../../catalog/device.ts";
import { findTask } from "../../catalog/find-task.ts";
import { openSplit } from "../../catalog/open-split.ts";
import { checkpointPlace, findCheckpoint, refuseSameNames } from "../../catalog/find-checkpoint.ts";
import type { DataPlaces, OpenedSplit } from "../../catalog/open-split.ts";
import { promptFault } from "../../evaluation/generation/requests.ts";
import { askingOf } from "../../evaluation/generation/asking.ts";
import { rankingOf } from "../../evaluation/retrieval/prepare.ts";
import { provenance } from "../../catalog/provenance.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { settingsOf } from "./bench-config.ts";
import type { BenchConfig } from "./bench-config.ts";
import { describeMachine, machineWarnings } from "./machine.ts";
import { planPoints } from "./points.ts";
import type { Point } from "./points.ts";
import { generationSubject } from "./subject-generation.ts";
import { retrievalSubject } from "./subject-retrieval.ts";
import type { Subject } from "./subject.ts";

export interface SweepCheckpoint {
  readonly facts: BenchPoint["checkpoint"];
  /** The folder that it is loaded from, or its name in the Hugging Face cache. */
  readonly where: string;
  readonly subject: Subject;
}

export interface PreparedSweep {
  /** Number of samples in the library. */
  readonly samples: number;
  /** Data set and split. */
  readonly library: string;
  /** The checkpoints by their names. */
  readonly checkpoints: ReadonlyMap<string, SweepCheckpoint>;
  readonly points: readonly Point[];
  readonly record: BenchRecord;
  readonly device: Device;
}

export async function prepareSweep(
  config: BenchConfig,
  catalog: Catalog,
  { hubCache, ...told }: Pick<LoadOptions, "hubCache"> & Pick<ChoosingOptions, "onMessage" | "onPreparation">,
): Promise<PreparedSweep> {
  const { task, opened, subjectOf, plan } = await openTask(config, { catalog, hubCache });
  const { device } = await chooseDevice(config.device, told);
  const precisions = config.precisions.map((each) => checkPrecision(each, device, told));
  const checkpoints = new Map<string, SweepCheckpoint>();
  const facts: BenchPoint["checkpoint"][] = [];
  for (const name of config.models) {
    const options = { hubCache, cacheFolder: config.cache, threads: 1 };
    const found = await findCheckpoint(catalog, name, options);
    const subject = subjectOf(found);
    if (subject === null) throw new UsageError(unfit(found, config, catalog));
    const { family, fingerprint, source } = found;
    facts.push({ name: found.name, family, fingerprint, source });
    refuseSameNames(facts);
    const { where } = checkpointPlace(catalog, name);
    checkpoints.set(found.name, { facts: facts.at(-1)!, where, subject });
  }
  const points = planPoints({ ...config, precisions }, [...checkpoints.keys()]);
  const record = await benchRecord(config, { task, opened, facts, points, device, plan });
  const { dataset, split } = opened.data;
  return { samples: opened.samples.length, library: `${dataset} ${split}`, checkpoints, points, record, device };
}

interface OpenedTask {
  readonly task: Pick<Task, "name" | "file">;
  readonly opened: Pick<OpenedSplit<Sample>, "samples" | "data">;
  /** null: the checkpoint cannot do the task. */
  readonly subjectOf: (found: FoundCheckpoint) => Subject | null;
  /** What must not differ for a sweep to be continued, besides what is so of all tasks. */
  readonly plan: readonly (readonly [name: string, value: unknown])[];
}

async function openTask(config: BenchConfig, places: DataPlaces): Promise<OpenedTask> {
  const { catalog } = places;
  const task = await findTask(catalog, config.task);
  const { protocol: name, rerank } = config;
  if (task.kind === "retrieval") {
    const opened = await openSplit(task, config, places);
    refuseUnaskable(opened.samples, ({ fault = null }) => fault);
    const protocol = rankingOf(task, name, rerank === null ? {} : { rerank });
    const subject = retrievalSubject({ opened, protocol });
    const subjectOf = ({ kind }: FoundCheckpoint): Subject | null => (kind === "retrieval" ? subject : null);
    return { task, opened, subjectOf, plan: [["rerank", protocol.rerank]] };
  }
  if (rerank !== null) {
    const names = catalog.tasks.filter(({ kind }) => kind === "retrieval").map((each) => each.name);
    throw new UsageError(`--rerank: ${task.name} ranks nothing. Tasks that do: ${names.join(", ")}.`);
  }
  const opened = await openSplit(task, config, places);
  const { samples } = opened;
  return {
    task,
    opened,
    subjectOf: (found) => {
      const generator = found.kind === "generation" ? found : found.writer;
      if (generator === undefined) return null;
      const asking = askingOf(task, name, { family: generator.family, overrides: {}, samples });
      refuseUnaskable(samples, (sample) => promptFault(sample, asking));
      return generationSubject({ task, opened, checkpoint: found.name, asking, writes: generator.family === "itg" });
    },
    plan: [],
  };
}

/** A sweep asks each sample many times, and has no place for one that cannot be asked. */
function refuseUnaskable(samples: readonly Sample[], faultOf: (sample: Sample) => string | null): void {
  for (const sample of samples) {
    const fault = faultOf(sample);
    if (fault === null) continue;
    throw new UsageError(
      `--tasks: sample ${sample.id} cannot be asked: ${fault} Mend it, or leave it out with --limit.`,
    );
  }
}

/** Why a checkpoint is not for the task. */
function unfit({ name, kind }: FoundCheckpoint, { task }: BenchConfig, { tasks }: Catalog): string {
  const what = kind === "retrieval" ? "for image-text retrieval, generates no text" : "generates text, ranks nothing";
  const names = tasks.filter((each) => each.kind === kind).map((each) => each.name);
  return `--model ${name}: ${what}, and --tasks ${task} is no task of it. Its tasks: ${names.join(", ")}.`;
}

async function benchRecord(
  config: BenchConfig,
  {
    task,
    opened,
    facts,
    points,
    device,
    plan: ofTask,
  }: Pick<OpenedTask, "task" | "opened" | "plan"> & {
    readonly facts: readonly BenchPoint["checkpoint"][];
    readonly points: readonly Point[];
    readonly device: Device;
  },
): Promise<BenchRecord> {
  const { dataset, split, files } = opened.data;
  const { code, packages } = await provenance({ threads: config.threads[0]!, workers: 1 });
  const machine = await describeMachine();
  const samples = opened.samples.length;
  const plan = new Map<string, unknown>([
    ["quick", config.quick],
    ["task", task.name],
    ...(task.file === undefined ? [] : [["task file", task.file.sha256] as const]),
    ["protocol", config.protocol],
    ["split", split],
    ["samples", samples],
    ["restarts", config.restarts],
    ["find peak", config.findPeak],
    ["accuracy", config.accuracy],
    ["code", code.fingerprint],
    ...(device.provider === "cpu" ? [] : [["device", [device.provider, device.name].join(" ")] as const]),
    ["processor", cpus()[0]?.model.trim() ?? "unknown"],
    ...ofTask,
    ...files.map(({ name, sha256 }) => [`data ${name}`, sha256] as const),
    ...Object.entries(packages).map(([name, version]) => [`package ${name}`, version] as const),
    ...facts.map(({ name, fingerprint }) => [`checkpoint ${name}`, fingerprint] as const),
    ...config.scenarios.flatMap((scenario) => {
      const { seeds, ...settings } = settingsOf(config, scenario, samples);
      const values = { ...settings, ...seeds };
      return Object.entries(values).map(([name, value]) => [`${scenario} ${name}`, value] as const);
    }),
  ]);
  return {
    format: benchFormat,
    status: "running",
    plan: Object.fromEntries([...plan].map(([name, value]) => [name, String(value)])),
    quick: config.quick,
    task: task.name,
    data: { dataset, split, files: [...files], samples },
    code: { ...code },
    packages: { ...packages },
    machine: { ...machine, neighbours: null, warnings: machineWarnings(machine, null) },
    precisionNames: PRECISION_NAMES,
    points: points.map(({ name }) => name),
    timings: { startedAt: new Date().toISOString(), finishedAt: null },
  };
}

/**
 * Converts and quantizes what the points need, so that loading is loading; gives the bytes of the weights by checkpoint and
 * precision, see `weightsKey`.
 */
export async function prepareAllWeights(
  { points, checkpoints }: PreparedSweep,
  options: Omit<LoadOptions, "threads">,
): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  for (const point of points) {
    const { checkpoint: name, precision } = point.system;
    if (sizes.has(weightsKey(point))) continue;
    const checkpoint = await openCheckpoint(checkpoints.get(name)!.where, options);
    await prepareWeights(checkpoint, { ...options, precision });
    sizes.set(weightsKey(point), storedBytes(planQuantization(checkpoint, precision)));
  }
  return sizes;
}

export function weightsKey({ system }: Point): string {
  return `${system.checkpoint} ${describePrecision(system.precision)}`;
}
