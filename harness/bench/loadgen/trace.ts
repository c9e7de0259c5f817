/**
 * mlperf_log_trace.json: a run in the Chrome trace event format, for chrome://tracing and ui.perfetto.dev. Two processes:
 *
 *   load generator   a span for each query, from when it was due to its last answer, and one for each of its samples with the
 *                    time in the queue; a counter of how late queries were issued
 *   model            a span for each batch, its stages in it, and a mark for each generated token
 *
 * A batch and its tokens stand where they were. Its stages are as long as they took, one behind the other up to its end:
 * where the model went back to a stage, that is added to it. Images are read beside the model: args of the batch.
 */
import type { RunLog, SampleRecord } from "./run-log.ts";

type TraceValue = string | number | null;

interface TraceEvent {
  readonly name: string;
  readonly cat: string;
  /** M: a name; b, e: begin and end of an asynchronous span; X: a span; i: an instant; C: a counter. */
  readonly ph: "M" | "b" | "e" | "X" | "i" | "C";
  /** Microseconds from the start of the run. */
  readonly ts: number;
  readonly dur?: number;
  readonly pid: number;
  readonly tid: number;
  readonly id?: number;
  readonly s?: "t";
  readonly args?: Readonly<Record<string, TraceValue>>;
}

export interface TracedRun {
  readonly log: RunLog;
  /** Name of the model and of how it is run. */
  readonly sut: string;
}

const generator = { pid: 1, tid: 1 };
const model = { pid: 2, tid: 1 };

/** One event a line. */
export function traceText({ log, sut }: TracedRun): string {
  const lines: string[] = [];
  for (const event of [...names(sut), ...queryEvents(log), ...batchEvents(log)]) lines.push(JSON.stringify(event));
  return `{"displayTimeUnit":"ms","traceEvents":[\n${lines.join(",\n")}\n]}\n`;
}

function names(sut: string): readonly TraceEvent[] {
  const named = (place: typeof generator, name: string): TraceEvent => {
    return { name: "process_name", cat: "__metadata", ph: "M", ts: 0, ...place, args: { name } };
  };
  return [named(generator, "load generator"), named(model, `model: ${sut}`)];
}

function* queryEvents({ queries }: RunLog): Generator<TraceEvent> {
  for (const [number, { scheduledNs, issuedNs, completedNs, samples }] of queries.entries()) {
    const query = { cat: "query", id: number, ...generator };
    const args = { query: number, samples: samples.length, issue_delay_us: microseconds(issuedNs - scheduledNs) };
    yield { ...query, name: "query", ph: "b", ts: microseconds(scheduledNs), args };
    if (completedNs !== null) yield { ...query, name: "query", ph: "e", ts: microseconds(completedNs) };
    const counted = { us: args.issue_delay_us };
    yield { name: "issue delay", cat: "query", ph: "C", ts: microseconds(issuedNs), ...generator, args: counted };
    for (const sample of samples) yield* sampleEvents(sample, scheduledNs);
  }
}

function* sampleEvents({ id, index, answer, completedNs }: SampleRecord, scheduledNs: number): Generator<TraceEvent> {
  const sample = { cat: "sample", id, ...generator };
  const args = { seq_id: id, qsl_idx: index, tokens: answer?.tokens ?? null, error: answer?.error ?? null };
  yield { ...sample, name: "sample", ph: "b", ts: microseconds(scheduledNs), args };
  const startedNs = answer?.timing.startedNs ?? null;
  if (startedNs !== null) {
    yield { ...sample, name: "queue", ph: "b", ts: microseconds(scheduledNs) };
    yield { ...sample, name: "queue", ph: "e", ts: microseconds(startedNs) };
  }
  if (completedNs !== null) yield { ...sample, name: "sample", ph: "e", ts: microseconds(completedNs) };
}

/** Done in other threads, or before the model begins with the batch. */
const besides: ReadonlySet<string> = new Set(["imageRead", "imageDecode", "imageResize"]);

function* batchEvents(log: RunLog): Generator<TraceEvent> {
  for (const { startedNs, finishedNs, tokensNs, stagesMs, samples } of batchesOf(log)) {
    const beside = Object.fromEntries(
      [...stagesMs].flatMap(([stage, ms]) => (besides.has(stage) ? [[stage, ms]] : [])),
    );
    const args = { samples, ...beside };
    const [ts, end] = [microseconds(startedNs), microseconds(finishedNs)];
    yield { name: "batch", cat: "model", ph: "X", ts, dur: end - ts, ...model, args };
    const spans = [...stagesMs].filter(([stage]) => !besides.has(stage));
    let at = Math.max(ts, end - spans.reduce((sum, [, ms]) => sum + ms * 1000, 0));
    for (const [name, ms] of spans) {
      const dur = Math.min(ms * 1000, end - at);
      yield { name, cat: "stage", ph: "X", ts: at, dur, ...model };
      at += dur;
    }
    for (const tokenNs of tokensNs) {
      yield { name: "token", cat: "model", ph: "i", s: "t", ts: microseconds(tokenNs), ...model };
    }
  }
}

interface TracedBatch {
  readonly startedNs: number;
  readonly finishedNs: number;
  readonly tokensNs: readonly number[];
  /** Of all its samples together. */
  readonly stagesMs: ReadonlyMap<string, number>;
  readonly samples: number;
}

/** Samples that the model began with at the same time are a batch; in the order of time. */
function batchesOf({ queries }: RunLog): readonly TracedBatch[] {
  const batches = new Map<number, TracedBatch & { samples: number; readonly stagesMs: Map<string, number> }>();
  for (const { samples } of queries) {
    for (const { answer } of samples) {
      const { startedNs = null, finishedNs, tokensNs = [], stagesMs = {} } = answer?.timing ?? {};
      if (startedNs === null || finishedNs === undefined) continue;
      const known = batches.get(startedNs);
      const batch = known ?? { startedNs, finishedNs, tokensNs, stagesMs: new Map<string, number>(), samples: 0 };
      batch.samples += 1;
      for (const [stage, ms] of Object.entries(stagesMs)) {
        batch.stagesMs.set(stage, (batch.stagesMs.get(stage) ?? 0) + ms);
      }
      batches.set(startedNs, batch);
    }
  }
  return [...batches.values()].sort((a, b) => a.startedNs - b.startedNs);
}

function microseconds(nanoseconds: number): number {
  return nanoseconds / 1000;
}
