/**
 * How the samples of a run are asked: a task's protocol for one language model, with the choices that flags replace. A run
 * with such a choice is `custom` in reports; the record lists the flags.
 */
import type { Sample } from "../../../datasets/dataset.ts";
import type { DecodingOptions, LanguageModelFamily } from "../../../models/model.ts";
import { cider, ciderMetric } from "../../../tasks/metrics/caption-metrics.ts";
import { blipQuestion } from "../../../tasks/question-text.ts";
import type { GenerationTask, ProtocolName } from "../../../tasks/task.ts";
import { textSettingsIn } from "../../catalog/text-settings.ts";
import type { TextSettings } from "../../catalog/text-settings.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import type { LengthNorm, Overrides } from "../run-config.ts";
import type { CandidateList } from "./candidate-file.ts";
import type { Ranking } from "./rank-answers.ts";

/** How each `S` is asked of one language model: a sample of a data set, or a question about an image of the user's own. */
export interface Asking<S> {
  readonly prompt: (sample: S) => string | null;
  readonly decoding: DecodingOptions;
  readonly answer: (text: string) => string;
  /** Longer prompts are cut; null: none is. */
  readonly maxPromptTokens: number | null;
  /** Answers are chosen among candidates; unset: they are generated. */
  readonly ranking?: Ranking<S>;
}

/** What a run asks, and with what. */
export interface AskedOf<S extends Sample> {
  readonly family: LanguageModelFamily;
  readonly overrides: Overrides;
  readonly samples: readonly S[];
  /** For answers that are ranked; null: each sample's choices. Unset: null. */
  readonly candidates?: CandidateList | null;
}

/** How a run asks. Throws a UsageError where a flag does not fit the samples, or another flag. */
export function askingOf<S extends Sample>(
  task: GenerationTask<S>,
  name: ProtocolName,
  { family, overrides, samples, candidates = null }: AskedOf<S>,
): Asking<S> {
  const protocol = task.protocols[name];
  const { prompt } = overrides;
  if (prompt !== undefined) checkTemplate(prompt, task.name, samples);
  return {
    prompt: prompt === undefined ? (sample) => protocol.prompt[family](sample) : (sample) => fillIn(prompt, sample),
    decoding: decodingOf(protocol.decoding[family], overrides),
    answer: protocol.answer,
    maxPromptTokens: protocol.maxPromptTokens?.[family] ?? null,
    ...rankingOf(overrides, { task: task.name, samples, candidates }),
  };
}

/** Of a long list of candidates only the best are recorded. */
const mostRecorded = 20;

function rankingOf<S extends Sample>(
  { answers, lengthNorm: given }: Overrides,
  { task, samples, candidates }: { task: string; samples: readonly S[]; candidates: CandidateList | null },
): { readonly ranking?: Ranking<S> } {
  const lengthNorm: LengthNorm = given ?? "none";
  if (answers === undefined) {
    const flag = candidates !== null ? "--candidates" : lengthNorm === "none" ? null : "--length-norm";
    if (flag === null) return {};
    throw new UsageError(`${flag}: answers are generated, and have no candidates. Give --answers ranked as well.`);
  }
  if (candidates !== null) {
    return { ranking: { lengthNorm, recorded: mostRecorded, candidates: () => candidates.texts } };
  }
  if (samples.every((sample) => choicesOf(sample).length === 0)) {
    throw new UsageError(
      `--answers ranked: the samples of ${task} have no choices. Give a file with a candidate on each line: --candidates <file>.`,
    );
  }
  return { ranking: { lengthNorm, recorded: Infinity, candidates: choicesOf } };
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

/** The sample's own candidates; none where it has no such column. */
function choicesOf(sample: Sample): readonly string[] {
  return "choices" in sample && Array.isArray(sample.choices) ? sample.choices.map(String) : [];
}

function questionOf(sample: Sample): string | null {
  return "question" in sample && typeof sample.question === "string" ? sample.question : null;
}
