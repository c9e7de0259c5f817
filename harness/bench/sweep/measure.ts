/**
 * One run: a point in one process, from the start of the model to its end. Whatever happens to the model, the run ends with a
 * record; only what the user can mend before anything is measured is thrown.
 */
import { runQueries } from "../loadgen/issue.ts";
import { goFirst } from "../loadgen/priority.ts";
import type { RunLog } from "../loadgen/run-log.ts";
import type { LoadGenSettings } from "../loadgen/settings.ts";
import { systemClock } from "../loadgen/clock.ts";
import type { ModelPlace } from "../../processes/model-service.ts";
import { energyJoules, readEnergy } from "./energy.ts";
import { neighboursShare, readProcessorTime } from "./machine.ts";
import { ModelUnderTest } from "./model-under-test.ts";
import { peakOf } from "./peak.ts";
import type { Point } from "./points.ts";
import type { StartedModel, Subject } from "./subject.ts";
import { warmUp } from "./warm-up.ts";
import type { WarmUp } from "./warm-up.ts";

export interface RunAsked {
  readonly point: Point;
  readonly subject: Subject;
  readonly place: ModelPlace;
  /** The file the model's process runs; unset: a BLIP-2. */
  readonly entry?: string;
  readonly settings: LoadGenSettings;
  /** Number of samples in the library. */
  readonly samples: number;
  readonly stallMs: number;
  readonly quick: boolean;
  /** Server: whether the highest rate that holds is to be looked for first, and from where on; null: from the warm-up's pace. */
  readonly findPeak: { readonly fromQps: number | null } | null;
}

export interface RunWatcher {
  readonly isStopped: () => boolean;
  readonly onProgress: (what: string, done: number, total: number) => void;
  /** Gets what else a user may want to know. */
  readonly onNote: (text: string) => void;
}

/** What was measured; `log` is null where the model never came to answer. */
export interface MeasuredRun {
  readonly log: RunLog | null;
  readonly settings: LoadGenSettings;
  /** Why there is no log, or what broke; null for nothing. */
  readonly problem: string | null;
  readonly warmUp: WarmUp | null;
  readonly peakQueriesPerSecond: number | null;
  readonly loadMs: number | null;
  readonly galleryMs: number | null;
  readonly peakMemoryBytes: number | null;
  readonly energyJoules: number | null;
  readonly neighbours: number | null;
  readonly startedAt: Date;
  readonly finishedAt: Date;
}

/** null: the user stopped it, and it is to be measured again. */
export async function measureRun(asked: RunAsked, watcher: RunWatcher): Promise<MeasuredRun | null> {
  const { settings, point } = asked;
  const startedAt = new Date();
  const nothing = {
    log: null,
    settings,
    warmUp: null,
    peakQueriesPerSecond: null,
    loadMs: null,
    peakMemoryBytes: null,
    galleryMs: null,
    energyJoules: null,
    neighbours: null,
    startedAt,
  };
  watcher.onProgress(`${point.name}: loading`, 0, 1);
  const started = await startModel(asked);
  if ("problem" in started) return { ...nothing, problem: started.problem, finishedAt: new Date() };
  const { process: model, galleryMs } = started.model;
  const goBack = goFirst(); // the model's process was started before
  try {
    const measured = await measureLoaded(started.model, asked, watcher);
    if (measured === null) return null;
    const isReleased = measured.problem === null;
    if (isReleased) await withLimit(model.release(), asked.stallMs); // in order, where it can
    const peakMemoryBytes = model.memory.peakBytes === 0 ? null : model.memory.peakBytes;
    return { ...nothing, loadMs: model.loadMs, galleryMs, peakMemoryBytes, ...measured, finishedAt: new Date() };
  } finally {
    goBack();
    await model.kill();
  }
}

/** Loading takes as long as reading a large checkpoint; more than this many times the patience with an answer is a stall. */
const loadPatience = 10;

async function startModel({
  subject,
  place,
  entry,
  stallMs,
}: RunAsked): Promise<{ readonly model: StartedModel } | { readonly problem: string }> {
  const options = { label: "bench", ...(entry !== undefined && { entry }) };
  try {
    const starting = subject.start(place, options);
    const model = await withLimit(starting, loadPatience * stallMs);
    if (model !== null) return { model };
    void starting.then((late) => late.process.kill()).catch(() => undefined);
    return { problem: `the model was not loaded after ${(loadPatience * stallMs) / 1000} s and was given up` };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

type MeasuredLoaded = Pick<
  MeasuredRun,
  "log" | "settings" | "problem" | "warmUp" | "peakQueriesPerSecond" | "energyJoules" | "neighbours"
>;

async function measureLoaded(
  model: StartedModel,
  asked: RunAsked,
  { isStopped, onProgress, onNote }: RunWatcher,
): Promise<MeasuredLoaded | null> {
  const { point, quick, samples, stallMs } = asked;
  const clock = systemClock();
  const { process: loaded, ask } = model;
  const sut = new ModelUnderTest({ name: loaded.name, ask, batchSize: point.system.batchSize, clock });
  const common = { samples, clock, stallNs: stallMs * 1e6, isStopped };
  onProgress(`${point.name}: warming up`, 0, 1);
  const size = warmUpSize(point);
  const limits = quick ? { queries: 20, ms: 5000 } : { queries: 50, ms: 60_000 };
  const warm = await warmUp(sut, size, { ...common, limits });
  const before = { warmUp: warm, energyJoules: null, neighbours: null };
  const end = warm.end;
  if (end?.kind === "interrupted") return null;
  if (end !== null && "reason" in end) {
    const problem = `while warming up: ${end.reason}`;
    return { ...before, log: null, settings: asked.settings, problem, peakQueriesPerSecond: null };
  }
  const perSecond = (size * 1e9) / (warm.medianNs ?? 1e9);

  let settings = sized(asked.settings, perSecond);
  let peak: number | null = null;
  if (asked.findPeak !== null && settings.scenario === "server") {
    // Queries that come at half the pace at which they were answered one after the other.
    const targetQps = asked.findPeak.fromQps ?? Number((perSecond / 2).toPrecision(3));
    settings = { ...settings, targetQps };
    const onTried = (tried: number, holds: boolean): void => {
      onNote(`${point.name}: ${tried.toPrecision(3)} queries a second ${holds ? "hold" : "do not hold"}`);
    };
    const tryRate = async (trial: LoadGenSettings): Promise<RunLog> => {
      const log = await runQueries(sut, { ...common, settings: trial });
      await withLimit(sut.clear(), stallMs); // the next trial does not wait for what this one left
      return log;
    };
    peak = await peakOf(settings, tryRate, { onTried });
    if (isStopped()) return null;
    if (peak === null) onNote(`${point.name}: no rate was found that holds; measured at ${targetQps} queries a second`);
    else settings = { ...settings, targetQps: peak };
  }

  const pids = [process.pid, ...(loaded.pid === undefined ? [] : [loaded.pid])];
  const [timeBefore, energyBefore] = [await readProcessorTime(pids), await readEnergy()];
  const leastSamples = settings.minQueryCount * settings.samplesPerQuery;
  const log = await runQueries(sut, {
    ...common,
    settings,
    onAnswers: (done, issued) => {
      onProgress(point.name, done, Math.max(issued, leastSamples));
    },
  });
  const energy = energyJoules(energyBefore, await readEnergy());
  const neighbours = neighboursShare(timeBefore, await readProcessorTime(pids));
  if (log.end.kind === "interrupted") return null;
  const problem = "reason" in log.end ? log.end.reason : null;
  return { ...before, log, settings, problem, peakQueriesPerSecond: peak, energyJoules: energy, neighbours };
}

/** As many samples as the model gets at once when it is busy. */
function warmUpSize({ scenario, system }: Point): number {
  if (scenario === "single-stream") return 1;
  return scenario === "multi-stream" ? 8 : system.batchSize;
}

/** Offline: the pace of the warm-up says how many samples fill the minimum duration. */
function sized(settings: LoadGenSettings, perSecond: number): LoadGenSettings {
  return settings.scenario === "offline" ? { ...settings, targetQps: Number(perSecond.toPrecision(3)) } : settings;
}

/** The promise's value; null where it took longer. */
async function withLimit<Value>(work: Promise<Value>, limitMs: number): Promise<Value | null> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<null>((resolve) => {
    timer = setTimeout(resolve, limitMs, null);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
