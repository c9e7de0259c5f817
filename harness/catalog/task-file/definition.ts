/**
 * A task as a user writes it in code: `export default defineTask({ … })`. What a YAML or JSON file can say is in
 * settings.ts; code may also give functions, for the prompt, the answer and the metrics.
 */
import { columnsOf, questionPlace } from "../../../tasks/prompt-template.ts";
import { referenceTexts } from "../../../tasks/metrics/hypotheses.ts";
import type { ReferencedSample } from "../../../tasks/metrics/hypotheses.ts";
import type { ByFamily, TaskSettings } from "./settings.ts";

/** A sample, as functions of a task see it. */
export interface TaskSample {
  readonly id: string;
  /** Id of its image. */
  readonly image: string;
  /** null: the task asks none. */
  readonly question: string | null;
  readonly references: readonly string[];
  /** All that its row says, by column. */
  readonly columns: Readonly<Record<string, string>>;
}

export interface ScoredAnswer {
  /** The answer, as the task's answer rule made it. */
  readonly hypothesis: string;
  readonly references: readonly string[];
  readonly sample: TaskSample;
}

/** A share from 0 to 1; higher is better unless the metric says otherwise. The function must be pure, and not async. */
export type MetricFunction = (scored: ScoredAnswer) => number;

export interface MetricDefinition {
  readonly name: string;
  readonly score: MetricFunction;
  readonly higherIsBetter?: boolean;
}

export type PromptFunction = (sample: TaskSample) => string | null;

export interface TaskDefinition extends Omit<TaskSettings, "prompt" | "answer" | "metrics"> {
  /** null: the model is given the image without text. Unset: as vqa, caption and retrieval ask. */
  readonly prompt?: ByFamily<string | null | PromptFunction>;
  readonly answer?: TaskSettings["answer"] | ((text: string) => string);
  /** The first is the main one. A function's name is the metric's. */
  readonly metrics?: readonly (string | MetricFunction | MetricDefinition)[];
}

/** Gives the definition back; it is there for its type. A task file's default export is read, see docs/own-data.md. */
export function defineTask(definition: TaskDefinition): TaskDefinition {
  return definition;
}

const shownSamples = new WeakMap<object, TaskSample>();

export function taskSampleOf(sample: ReferencedSample): TaskSample {
  const known = shownSamples.get(sample);
  if (known !== undefined) return known;
  const columns = Object.fromEntries(columnsOf(sample));
  const shown: TaskSample = {
    id: sample.id,
    image: sample.image.id,
    question: columns[questionPlace] ?? null,
    references: referenceTexts(sample),
    columns,
  };
  shownSamples.set(sample, shown);
  return shown;
}
