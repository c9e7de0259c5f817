/**
 * The accuracy run of a system: each sample once, through the same process and the same batches as the timed runs, and scored
 * by the task's first metric.
 */
import { benchAccuracyFormat } from "../../../reports/records/bench/bench-run.ts";
import type { BenchAccuracy } from "../../../reports/records/bench/bench-run.ts";
import { systemClock } from "../loadgen/clock.ts";
import { runQueries } from "../loadgen/issue.ts";
import { logFiles } from "../loadgen/log-files.ts";
import { defaultSettings } from "../loadgen/settings.ts";
import { judge } from "../loadgen/verdict.ts";
import type { RunAsked, RunWatcher } from "./measure.ts";
import { ModelUnderTest } from "./model-under-test.ts";
import type { StartedModel } from "./subject.ts";

export interface AccuracyAsked extends Pick<RunAsked, "place" | "entry" | "subject" | "samples" | "stallMs"> {
  /** Name of the accuracy run. */
  readonly name: string;
  readonly batchSize: number;
  /** Data set and split. */
  readonly library: string;
}

export interface MeasuredAccuracy {
  readonly accuracy: BenchAccuracy;
  readonly logs: Readonly<Record<string, string>>;
}

/** null: the user stopped it. */
export async function measureAccuracy(asked: AccuracyAsked, watcher: RunWatcher): Promise<MeasuredAccuracy | null> {
  const { name, place, entry, stallMs, subject, samples, library, batchSize } = asked;
  const startedAt = new Date();
  watcher.onProgress(`${name}: loading`, 0, 1);
  let model: StartedModel;
  try {
    model = await subject.start(place, { label: "accuracy", ...(entry !== undefined && { entry }) });
  } catch (error) {
    return { accuracy: unanswered(name, error instanceof Error ? error.message : String(error)), logs: {} };
  }
  try {
    const clock = systemClock();
    const sut = new ModelUnderTest({ name: model.process.name, ask: model.ask, batchSize, clock });
    const settings = { ...defaultSettings("offline", samples), mode: "AccuracyOnly" } as const;
    const log = await runQueries(sut, {
      settings,
      samples,
      clock,
      stallNs: stallMs * 1e6,
      isStopped: watcher.isStopped,
      onAnswers: (done, issued) => {
        watcher.onProgress(`${name}: accuracy`, done, issued);
      },
    });
    if (log.end.kind === "interrupted") return null;
    const qsl = { name: library, samples };
    const verdict = judge(log, settings);
    const logs = logFiles({
      log,
      settings,
      requested: settings,
      verdict,
      sut: name,
      qsl,
      startedAt,
      quick: false,
      trace: false,
    });
    const outputs = log.queries.flatMap(({ samples: records }) =>
      records.flatMap(({ index, answer }): [number, string | null][] =>
        answer === null ? [] : [[index, answer.text]],
      ),
    );
    const failed = outputs.filter(([, text]) => text === null).length;
    const problem = "reason" in log.end ? log.end.reason : null;
    const accuracy = subject.score(outputs);
    return { accuracy: { format: benchAccuracyFormat, name, accuracy, failed, problem, outputs }, logs };
  } finally {
    await model.process.kill();
  }
}

function unanswered(name: string, problem: string): BenchAccuracy {
  return { format: benchAccuracyFormat, name, accuracy: null, failed: 0, problem, outputs: [] };
}
