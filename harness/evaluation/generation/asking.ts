/**
 * How the samples of a run are asked: a task's protocol for one language model, with the choices that flags replace. A run
 * with such a choice is `custom` in reports; the record lists the flags.
 */
import type { Sample } from "../../../datasets/dataset.ts";
import type { DecodingOptions, LanguageModelFamily } from "../../../models/model.ts";
import { cider, ciderMetric } from "../../../tasks/metrics/caption-metrics.ts";
import { columnNames, promptTemplate, questionPlace } from "../../../tasks/prompt-template.ts";
import type { PromptTemplate } from "../../../tasks/prompt-template.ts";
import type { GenerationTask, ProtocolName } from "../../../tasks/task.ts";
import { decodingOf } from "../../catalog/text-settings.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import type { Overrides } from "../run-config.ts";

/** How each `S` is asked of one language model: a sample of a data set, or a question about an image of the user's own. */
export interface Asking<S> {
  readonly prompt: (sample: S) => string | null;
  readonly decoding: DecodingOptions;
  readonly answer: (text: string) => string;
  /** Longer prompts are cut; null: none is. */
  readonly maxPromptTokens: number | null;
}

/** How a run asks. Throws a UsageError where a flag does not fit the samples, or another flag. */
export function askingOf<S extends Sample>(
  task: GenerationTask<S>,
  name: ProtocolName,
  { family, overrides, samples }: { family: LanguageModelFamily; overrides: Overrides; samples: readonly S[] },
): Asking<S> {
  const protocol = task.protocols[name];
  const { prompt } = overrides;
  task.checkSamples?.(samples);
  const replaced = prompt === undefined ? null : replacedPrompt(prompt, task.name, samples);
  return {
    prompt: replaced === null ? (sample) => protocol.prompt[family](sample) : replaced.fill,
    decoding: decodingOf(protocol.decoding[family], overrides),
    answer: protocol.answer,
    maxPromptTokens: protocol.maxPromptTokens?.[family] ?? null,
  };
}

/** The task with CIDEr's document frequencies from where `--cider-df` says; its name then says so, too. */
export function withCiderDf(task: GenerationTask<Sample>, ciderDf: unknown): GenerationTask<Sample> {
  if (ciderDf !== "sample") return task;
  return {
    ...task,
    metrics: task.metrics.map((metric) => (metric.name === cider.name ? ciderMetric("sample") : metric)),
  };
}

/** Throws a UsageError. */
function replacedPrompt(given: string, task: string, samples: readonly Sample[]): PromptTemplate {
  const template = promptTemplate(given);
  const names = columnNames(samples);
  const places = names.map((name) => `{${name}}`);
  const unknown = template.columns.find((column) => column !== questionPlace && !names.includes(column));
  if (unknown !== undefined) {
    const expected = places.length === 0 ? `{${questionPlace}}` : places.join(" or ");
    throw new UsageError(`--prompt: nothing is known to put in place of {${unknown}}, expected ${expected}.`);
  }
  const hasQuestions = names.includes(questionPlace);
  if (hasQuestions && template.columns.length === 0) {
    throw new UsageError(
      `--prompt: no {${questionPlace}} in "${given}"; every question of ${task} would be asked the same.`,
    );
  }
  if (!hasQuestions && template.columns.includes(questionPlace)) {
    throw new UsageError(`--prompt: {${questionPlace}} in "${given}", but ${task} asks no questions. Leave it out.`);
  }
  return template;
}
