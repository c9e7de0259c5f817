/**
 * How the samples of a run are asked: a task's protocol for one language model, with the choices that flags replace. A run
 * with such a choice is `custom` in reports; the record lists the flags.
 */
import type { Sample } from "../../../datasets/dataset.ts";
import type { DecodingOptions, WriterFamily } from "../../../models/model.ts";
import { choicesOf } from "../../../tasks/choices.ts";
import type { LengthNorm } from "../../../tasks/choices.ts";
import { cider, ciderMetric } from "../../../tasks/metrics/captions/caption-metrics.ts";
import { columnsIn, promptTemplate, questionPlace } from "../../../tasks/prompt-template.ts";
import type { PromptTemplate } from "../../../tasks/prompt-template.ts";
import { askedOf } from "../../../tasks/task.ts";
import type { GenerationTask, ProtocolName } from "../../../tasks/task.ts";
import { decodingOf } from "../../catalog/text-settings.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import type { Overrides } from "../run-config.ts";
import type { ListedTexts } from "./listed-texts.ts";
import type { Ranking } from "./rank-answers.ts";
import type { Shots } from "./shots.ts";

/** How each `S` is asked of one language model: a sample of a data set, or a question about an image of the user's own. */
export interface Asking<S> {
  readonly prompt: (sample: S) => string | null;
  readonly decoding: DecodingOptions;
  readonly answer: (text: string) => string;
  /** Longer prompts are cut; null: none is. */
  readonly maxPromptTokens: number | null;
  /** Answers are chosen among candidates; unset: they are generated. */
  readonly ranking?: Ranking<S>;
  /** Prompts show other samples with their answers first; unset: none. */
  readonly shots?: Shots<S>;
}

/** What a run asks, and with what. */
export interface AskedOf<S extends Sample> {
  readonly family: WriterFamily;
  readonly overrides: Overrides;
  readonly samples: readonly S[];
  /** For answers that are ranked; null: each sample's choices. Unset: null. */
  readonly candidates?: ListedTexts | null;
  /** null: none. Unset: null. */
  readonly shots?: Shots<S> | null;
}

/** How a run asks. Throws a UsageError where a flag does not fit the samples, or another flag. */
export function askingOf<S extends Sample>(
  task: GenerationTask<S>,
  name: ProtocolName,
  { family, overrides, samples, candidates = null, shots = null }: AskedOf<S>,
): Asking<S> {
  const protocol = task.protocols[name];
  const asked = askedOf(protocol, family);
  if (asked === null)
    throw new UsageError(`--tasks ${task.name}: the Q-Former itself writes captions, and answers no questions.`);
  const { prompt } = overrides;
  task.checkSamples?.(samples);
  const replaced = prompt === undefined ? null : replacedPrompt(prompt, task.name, samples);
  const maxPromptTokens = protocol.maxPromptTokens?.[family] ?? null;
  if (shots !== null && maxPromptTokens !== null) {
    throw new UsageError(
      `--shots: --protocol ${name} cuts prompts of ${task.name} after ${maxPromptTokens} tokens, and with them the question ` +
        "behind the shots. Use another protocol.",
    );
  }
  return {
    prompt: replaced === null ? asked.prompt : replaced.fill,
    decoding: decodingOf(asked.decoding, overrides),
    answer: protocol.answer,
    maxPromptTokens,
    ...(shots !== null && { shots }),
    ...rankingOf(overrides, { task: task.name, samples, candidates }),
  };
}

/** Of a long list of candidates only the best are recorded. */
const mostRecorded = 20;

function rankingOf<S extends Sample>(
  { answers, lengthNorm: given }: Overrides,
  { task, samples, candidates }: { task: string; samples: readonly S[]; candidates: ListedTexts | null },
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

/** Throws a UsageError. */
function replacedPrompt(given: string, task: string, samples: readonly Sample[]): PromptTemplate {
  const template = promptTemplate(given);
  const names = columnsIn(samples);
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
