/**
 * All points of a sweep: each system's accuracy run, then the points in turn, as often as there are restarts (A B A B, so that
 * a machine that slows down slows all of them). What is on disk is not measured again.
 */
import { describeDevice } from "../../../models/device/device.ts";
import type { BenchFolder } from "../../../reports/records/bench/bench-folder.ts";
import type { BenchPoint } from "../../../reports/records/bench/bench-record.ts";
import type { BenchRun } from "../../../reports/records/bench/bench-run.ts";
import { pointOf } from "./aggregate.ts";
import { settingsOf } from "./bench-config.ts";
import type { BenchConfig } from "./bench-config.ts";
import { machineWarnings } from "./machine.ts";
import { measureAccuracy } from "./measure-accuracy.ts";
import { measureRun } from "./measure.ts";
import type { RunAsked, RunWatcher } from "./measure.ts";
import { nameOf } from "./points.ts";
import type { Point } from "./points.ts";
import type { PreparedSweep } from "./prepare-sweep.ts";
import { weightsKey } from "./prepare-sweep.ts";
import { recordRun } from "./record-run.ts";

export interface Sweep {
  readonly config: BenchConfig;
  readonly prepared: PreparedSweep;
  readonly folder: BenchFolder;
  readonly hubCache: string;
  readonly entry?: string;
  /** Bytes of weights, by weightsKey. */
  readonly weights: ReadonlyMap<string, number>;
}

export interface SweepWatcher extends RunWatcher {
  readonly onRun: (run: BenchRun) => void;
  readonly onProblem: (problem: string) => void;
}

/** The points in the order of the plan; null: the user stopped it. */
export async function sweep(work: Sweep, watcher: SweepWatcher): Promise<readonly BenchPoint[] | null> {
  const { folder, prepared, config } = work;
  const missing: Point[] = [];
  for (const point of prepared.points) if ((await folder.readPoint(point.name)) === null) missing.push(point);
  await folder.writeRecord({ status: "running" });
  if (config.accuracy && !(await measureAllAccuracies(work, missing, watcher))) return null;

  const neighbours: number[] = [];
  const broken = new Set<Point>(); // their model stalled or crashed, and would again
  for (let restart = 1; restart <= config.restarts; restart += 1) {
    for (const point of missing) {
      if (broken.has(point)) continue;
      if (watcher.isStopped()) return null;
      const before = await runsOf(folder, point, restart - 1);
      const run =
        (await folder.readRun(point.name, restart)) ?? (await measureOne(work, { point, restart, before }, watcher));
      if (run === null) return null;
      if (run.neighbours !== null) neighbours.push(run.neighbours);
      if (run.isBroken) broken.add(point);
      if (run.isBroken || restart === config.restarts) await writePoint(work, point, [...before, run]);
    }
  }
  const points: BenchPoint[] = [];
  for (const { name } of prepared.points) {
    const point = await folder.readPoint(name);
    if (point !== null) points.push(point);
  }
  await finish(work, neighbours, points);
  return points;
}

async function runsOf(folder: BenchFolder, { name }: Point, restarts: number): Promise<readonly BenchRun[]> {
  const runs: BenchRun[] = [];
  for (let restart = 1; restart <= restarts; restart += 1) {
    const run = await folder.readRun(name, restart);
    if (run !== null) runs.push(run);
  }
  return runs;
}

async function measureOne(
  work: Sweep,
  { point, restart, before }: { readonly point: Point; readonly restart: number; readonly before: readonly BenchRun[] },
  watcher: SweepWatcher,
): Promise<BenchRun | null> {
  const { config, prepared, folder } = work;
  const { samples, library } = prepared;
  const requested = settingsOf(config, point.scenario, samples);
  // The peak is looked for once; the other runs are made at it.
  const peak = before.map((run) => run.peakQueriesPerSecond).find((found) => found !== null) ?? null;
  const asked: RunAsked = {
    ...askedOf(work, point),
    point,
    settings: peak === null ? requested : { ...requested, targetQps: peak },
    quick: config.quick,
    findPeak: config.findPeak && restart === 1 ? { fromQps: config.targetQps } : null,
  };
  const measured = await measureRun(asked, watcher);
  if (measured === null) return null;
  const qsl = { name: library, samples };
  const { run, logs } = recordRun(measured, {
    point: point.name,
    restart,
    requested,
    qsl,
    quick: config.quick,
    trace: config.trace,
  });
  await folder.writeRun(run, logs);
  watcher.onRun(run);
  return run;
}

/** Measures the accuracy of each system once. false: the user stopped it. */
async function measureAllAccuracies(work: Sweep, missing: readonly Point[], watcher: SweepWatcher): Promise<boolean> {
  const { prepared, folder } = work;
  for (const point of new Map(missing.map((each) => [nameOf(each.system), each])).values()) {
    const { system } = point;
    const name = nameOf(system);
    if ((await folder.readAccuracy(name)) !== null) continue;
    const { library } = prepared;
    const asked = { ...askedOf(work, point), name, batchSize: system.batchSize, library };
    const measured = await measureAccuracy(asked, watcher);
    if (measured === null) return false;
    if (measured.accuracy.problem !== null) watcher.onProblem(`${name}: no accuracy: ${measured.accuracy.problem}`);
    await folder.writeAccuracy(measured.accuracy, measured.logs);
  }
  return true;
}

function askedOf(
  { config, prepared, hubCache, entry }: Sweep,
  { system }: Point,
): Pick<RunAsked, "place" | "entry" | "subject" | "samples" | "stallMs"> {
  const { where, subject } = prepared.checkpoints.get(system.checkpoint)!;
  const { threads, precision } = system;
  const { cache: cacheFolder, maxPixels } = config;
  const place = { where, threads, device: prepared.device, precision, hubCache, cacheFolder };
  return {
    place: { ...place, ...(maxPixels !== null && { maxPixels }) },
    ...(entry !== undefined && { entry }),
    subject,
    samples: prepared.samples,
    stallMs: config.stallMs,
  };
}

async function writePoint(
  { prepared, folder, weights }: Sweep,
  point: Point,
  runs: readonly BenchRun[],
): Promise<void> {
  const accuracy = await folder.readAccuracy(nameOf(point.system));
  const { facts } = prepared.checkpoints.get(point.system.checkpoint)!;
  const device = describeDevice(prepared.device);
  const weightsBytes = weights.get(weightsKey(point)) ?? null;
  await folder.writePoint(pointOf(runs, { point, checkpoint: facts, device, weightsBytes, accuracy }));
}

async function finish({ folder }: Sweep, shares: readonly number[], points: readonly BenchPoint[]): Promise<void> {
  const { machine } = folder.record;
  const mean = shares.length === 0 ? null : shares.reduce((sum, share) => sum + share, 0) / shares.length;
  const neighbours = mean ?? machine.neighbours;
  const isWhole = points.every(({ isBroken, failed }) => isBroken !== true && failed === 0);
  await folder.writeRecord({
    status: isWhole ? "complete" : "partial",
    machine: { ...machine, neighbours, warnings: machineWarnings(machine, neighbours) },
    timings: { ...folder.record.timings, finishedAt: new Date().toISOString() },
  });
}
