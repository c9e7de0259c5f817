/**
 * A metric that a user wrote as a function of one answer. Its score is the mean over samples, with the standard error of other
 * metrics. A sample that the function throws at, or gives NaN for, is not scored; what is wrong for every sample, or not a
 * share from 0 to 1, is the function's own fault.
 */
import type { ReferencedSample } from "../../../tasks/metrics/hypotheses.ts";
import { meanScore } from "../../../tasks/metrics/mean-score.ts";
import type { Hypothesis, Metric } from "../../../tasks/task.ts";
import { UsageError } from "../usage-error.ts";
import { taskSampleOf } from "./definition.ts";
import type { MetricDefinition } from "./definition.ts";

type Outcome = { readonly value: number } | { readonly fault: string };

/** `file`: where it is written, for messages. Its methods throw a UsageError for a fault of the function. */
export function ownMetric(
  { name, score, higherIsBetter = true }: MetricDefinition,
  file: string,
): Metric<ReferencedSample> {
  const known = new WeakMap<Hypothesis<ReferencedSample>, Outcome>();
  const outcomeOf = (hypothesis: Hypothesis<ReferencedSample>): Outcome => {
    const found = known.get(hypothesis) ?? scoreOne(hypothesis, { name, score, file });
    known.set(hypothesis, found);
    return found;
  };
  return {
    name,
    unit: "fraction",
    higherIsBetter,
    score: (hypotheses) =>
      meanScore(hypotheses, (hypothesis) => {
        const outcome = outcomeOf(hypothesis);
        if ("value" in outcome) return outcome.value;
        throw new UsageError(`${file}: metric ${name}: sample ${hypothesis.sample.id}: ${outcome.fault}`);
      }),
    faultOf: (hypothesis) => {
      const outcome = outcomeOf(hypothesis);
      return "fault" in outcome ? `metric ${name} of ${file} ${outcome.fault}` : null;
    },
  };
}

function scoreOne(
  { sample, answer }: Hypothesis<ReferencedSample>,
  { name, score, file }: Pick<MetricDefinition, "name" | "score"> & { readonly file: string },
): Outcome {
  const seen = taskSampleOf(sample);
  let value: unknown;
  try {
    value = score({ hypothesis: answer, references: seen.references, sample: seen });
  } catch (error) {
    return { fault: `threw ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}` };
  }
  if (typeof value === "number" && Number.isNaN(value)) return { fault: "gave NaN" };
  if (typeof value === "number" && value >= 0 && value <= 1) return { value };
  const isPromise = value instanceof Promise;
  if (value instanceof Promise) value.catch(() => undefined); // its end is not waited for
  const found = isPromise ? "a promise" : typeof value === "number" ? String(value) : `a value of type ${typeof value}`;
  throw new UsageError(
    `${file}: metric ${name}: found ${found} for sample ${sample.id}, expected a number from 0 to 1` +
      `${isPromise ? "; a metric must not be async" : ""}.`,
  );
}
