/**
 * How the samples of a run are asked: a task's protocol for one language model, with the choices that flags replace. A run
 * with such a choice is `custom` in reports; the record lists the flags.
 */
import type { Sample } from "../../../datasets/dataset.ts";
import type { DecodingOptions, WriterFamily } from "../../../models/model.ts";
import { cider, ciderMetric } from "../../../tasks/metrics/caption-metrics.ts";
import { blipQuestion } from "../../../tasks/question-text.ts";
import { askedOf } from "../../../tasks/task.ts";
import type { GenerationTask, ProtocolName } from "../../../tasks/task.ts";
import { textSettingsIn } from "../../catalog/text-settings.ts";
import type { TextSettings } from "../../catalog/text-settings.ts";
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
  { family, overrides, samples }: { family: WriterFamily; overrides: Overrides; samples: readonly S[] },
): Asking<S> {
  const protocol = task.protocols[name];
  const asked = askedOf(protocol, family);
  if (asked === null)
    throw new UsageError(`--tasks ${task.name}: the Q-Former itself writes captions, and answers no questions.`);
  const { prompt } = overrides;
  if (prompt !== undefined) checkTemplate(prompt, task.name, samples);
  return {
    prompt: prompt === undefined ? asked.prompt : (sample) => fillIn(prompt, sample),
    decoding: decodingOf(asked.decoding, overrides),
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

/** A protocol's decoding with what flags replace. `flags`: the names of those for the fewest and the most new tokens. */
export function decodingOf(
  choices: DecodingOptions,
  replaced: TextSettings,
  flags = { min: "--min-new-tokens", max: "--max-new-tokens" },
): DecodingOptions {
  const { minNewTokens, maxNewTokens, ...others } = textSettingsIn(replaced);
  const newTokens = {
    min: minNewTokens ?? choices.newTokens.min,
    max: maxNewTokens ?? choices.newTokens.max,
  };
  if (newTokens.min > newTokens.max) {
    const flag = minNewTokens === undefined ? flags.max : flags.min;
    throw new UsageError(
      `${flag}: at least ${newTokens.min} new tokens and at most ${newTokens.max} cannot both be. ` +
        `Give ${flags.min} and ${flags.max} together.`,
    );
  }
  return { ...choices, ...others, newTokens };
}

const place = "{question}";

function checkTemplate(template: string, task: string, samples: readonly Sample[]): void {
  const unknown = [...template.matchAll(/\{[a-z_]*\}/gi)].map(([found]) => found).find((found) => found !== place);
  if (unknown !== undefined) {
    throw new UsageError(`--prompt: nothing is known to put in place of ${unknown}, expected ${place}.`);
  }
  const hasQuestions = samples.some((sample) => questionOf(sample) !== null);
  if (hasQuestions && !template.includes(place)) {
    throw new UsageError(`--prompt: no ${place} in "${template}"; every question of ${task} would be asked the same.`);
  }
  if (!hasQuestions && template.includes(place)) {
    throw new UsageError(`--prompt: ${place} in "${template}", but ${task} asks no questions. Leave it out.`);
  }
}

/** The template with the sample's question, spelled as the protocols spell it (question-text.ts); null for an empty prompt. */
function fillIn(template: string, sample: Sample): string | null {
  const prompt = template.replaceAll(place, () => blipQuestion(questionOf(sample) ?? ""));
  return prompt === "" ? null : prompt;
}

function questionOf(sample: Sample): string | null {
  return "question" in sample && typeof sample.question === "string" ? sample.question : null;
}
