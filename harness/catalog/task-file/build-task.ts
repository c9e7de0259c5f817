/**
 * What a task file says → a task. What it leaves out is as the task of its kind has it: `vqa`, `caption` or `retrieval`, for
 * data of one's own.
 */
import { dirname, resolve } from "node:path";
import type { Dataset, RetrievalSample, Sample } from "../../../datasets/dataset.ts";
import { answerRules, patternAnswer } from "../../../tasks/answer-rules.ts";
import type { ReferencedSample } from "../../../tasks/metrics/hypotheses.ts";
import { retrievalMetricNamed, retrievalMetricNames, textMetrics } from "../../../tasks/metrics/named-metrics.ts";
import { retrievalScoreNames } from "../../../tasks/metrics/recall.ts";
import { ownCaption } from "../../../tasks/own-caption.ts";
import { ownRetrieval } from "../../../tasks/own-retrieval.ts";
import { ownVqa } from "../../../tasks/own-vqa.ts";
import { columnsIn, questionPlace } from "../../../tasks/prompt-template.ts";
import type { GenerationProtocol, GenerationTask, Metric, ProtocolName } from "../../../tasks/task.ts";
import type { RetrievalMetric, RetrievalTask, Task, TaskData, TaskFile } from "../../../tasks/task.ts";
import { decodingOf } from "../text-settings.ts";
import { unknownName, UsageError } from "../usage-error.ts";
import type { PlaceOf } from "./check-settings.ts";
import type { TaskFunctions } from "./functions.ts";
import { ownMetric } from "./own-metric.ts";
import { promptsOf } from "./prompts.ts";
import type { ByFamily, TaskSettings } from "./settings.ts";

/** A task file that was read and fits the schema. */
export interface ReadTask {
  readonly name: string;
  readonly settings: TaskSettings;
  readonly functions: TaskFunctions;
  readonly placeOf: PlaceOf;
  readonly file: TaskFile;
}

/**
 * Throws a UsageError where metrics, rules or numbers do not fit each other. `about`: a task that asks about the data set that
 * the file names; null: about data of one's own.
 */
export function buildTask(read: ReadTask, about: Task | null): Task {
  if (read.settings.kind === "retrieval") {
    return retrievalTask(read, about?.kind === "retrieval" ? about.dataset : ownRetrieval.dataset);
  }
  const usual = read.settings.kind === "vqa" ? ownVqa : ownCaption;
  return generationTask(read, usual, about?.kind === "generation" ? about.dataset : usual.dataset);
}

function generationTask(
  read: ReadTask,
  base: GenerationTask<Sample>,
  dataset: Dataset<Sample>,
): GenerationTask<ReferencedSample> {
  const { settings, functions, placeOf } = read;
  const metrics = textMetricsOf(read) ?? base.metrics;
  const prompts = promptsOf(read);
  const answer = functions.answer ?? namedAnswer(settings, placeOf);
  const protocol = (name: ProtocolName): GenerationProtocol<Sample> => {
    const { prompt, decoding, maxPromptTokens, answer: usual } = base.protocols[name];
    const limits = settings.maxPromptTokens === undefined ? maxPromptTokens : families(settings.maxPromptTokens);
    const replaced = families(settings.decoding ?? {});
    const where = placeOf(["decoding"], "key");
    const flags = { min: `${where}: decoding: minNewTokens`, max: `${where}: decoding: maxNewTokens` };
    const decodingFor = (family: "opt" | "t5") => decodingOf(decoding[family], replaced[family], flags);
    // The Q-Former reads no prompt, and is asked by settings that are not for one language model.
    const common = "opt" in (settings.decoding ?? {}) ? {} : replaced.opt;
    const itg = decoding.itg === undefined ? {} : { itg: decodingOf(decoding.itg, common, flags) };
    return {
      prompt: prompts === null ? prompt : { ...prompt, ...prompts.templates },
      decoding: { opt: decodingFor("opt"), t5: decodingFor("t5"), ...itg },
      ...(limits !== undefined && { maxPromptTokens: limits }),
      answer: answer ?? usual,
    };
  };
  return {
    ...common(read),
    kind: "generation",
    dataset: dataset as Dataset<ReferencedSample>,
    protocols: { paper: protocol("paper"), lavis: protocol("lavis") },
    metrics,
    published: publishedOf(
      read,
      metrics.map((metric) => metric.name),
    ),
    checkSamples: (samples) => {
      const columns = columnsIn(samples);
      refuseQuestionless(read, dataset.name, columns);
      prompts?.check(columns);
    },
  };
}

function refuseQuestionless({ settings, placeOf }: ReadTask, dataset: string, columns: readonly string[]): void {
  if (settings.kind !== "vqa" || columns.includes(questionPlace)) return;
  throw new UsageError(`${placeOf(["kind"])}: kind: vqa asks questions, and ${dataset} has none.`);
}

function retrievalTask(read: ReadTask, dataset: Dataset<RetrievalSample>): RetrievalTask {
  const { settings } = read;
  const metrics = retrievalMetricsOf(read) ?? ownRetrieval.metrics;
  const { paper, lavis } = ownRetrieval.protocols;
  const { rerank, maxTokens } = settings;
  const replaced = { ...(rerank !== undefined && { rerank }), ...(maxTokens !== undefined && { maxTokens }) };
  return {
    ...common(read),
    kind: "retrieval",
    dataset,
    protocols: { paper: { ...paper, ...replaced }, lavis: { ...lavis, ...replaced } },
    metrics,
    published: publishedOf(read, retrievalScoreNames(metrics)),
  };
}

function common({ name, settings, file }: ReadTask): Pick<Task, "name" | "file" | "data" | "cluster"> {
  const { cluster } = settings;
  return { name, file, data: dataOf(settings, file), ...(cluster !== undefined && { cluster }) };
}

/** Paths in the file are relative to its own folder, so that it can be moved with its data. */
function dataOf({ data, images, split, columns }: TaskSettings, { path }: TaskFile): TaskData {
  const absolute = (place: string): string => (place.startsWith("hf:") ? place : resolve(dirname(path), place));
  return {
    ...(data !== undefined && { data: absolute(data) }),
    ...(images !== undefined && { images: absolute(images) }),
    ...(split !== undefined && { split }),
    ...(columns !== undefined && { columns }),
  };
}

function families<Choice extends object | number>(
  choice: ByFamily<Choice>,
): { readonly opt: Choice; readonly t5: Choice } {
  return typeof choice === "object" && "opt" in choice ? choice : { opt: choice, t5: choice };
}

function namedAnswer({ answer }: TaskSettings, placeOf: PlaceOf): ((text: string) => string) | null {
  if (answer === undefined) return null;
  if (typeof answer === "string") return answerRules[answer];
  try {
    return patternAnswer(new RegExp(answer.pattern, "su"));
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${placeOf(["answer", "pattern"])}: answer.pattern: ${said}.`, { cause });
  }
}

/** null: the file names none. */
function textMetricsOf({ settings, functions, placeOf, file }: ReadTask): readonly Metric<ReferencedSample>[] | null {
  const names = settings.metrics;
  if (names === undefined) return null;
  const known = textMetrics.map(({ name }) => name);
  return names.map((name, index) => {
    const at = `${placeOf(["metrics", index])}: metrics`;
    if (names.indexOf(name) !== index) throw new UsageError(`${at}: ${name} stands there twice. Leave one out.`);
    const own = functions.metrics.get(name);
    const found = textMetrics.find((metric) => metric.name === name);
    if (own !== undefined && found !== undefined) {
      throw new UsageError(`${at}: ${name} is a metric of the project. Give your own another name.`);
    }
    if (own !== undefined) return ownMetric(own, file.path);
    if (found !== undefined) return found;
    throw unknownName(at, `metric "${name}"`, { name, names: known });
  });
}

function retrievalMetricsOf({ settings, functions, placeOf }: ReadTask): readonly RetrievalMetric[] | null {
  return (
    settings.metrics?.map((name, index) => {
      const at = `${placeOf(["metrics", index])}: metrics`;
      if (functions.metrics.has(name)) {
        throw new UsageError(`${at}: ${name} is a function, and ranks are scored by named metrics only.`);
      }
      const found = retrievalMetricNamed(name);
      if (found !== null) return found;
      const otherwise = " Or recall@k with another whole number.";
      throw unknownName(at, `metric "${name}"`, { name, names: retrievalMetricNames, otherwise });
    }) ?? null
  );
}

function publishedOf({ settings, placeOf }: ReadTask, metrics: readonly string[]): Task["published"] {
  return (settings.published ?? []).map((number, index) => {
    if (metrics.includes(number.metric)) return number;
    const at = `${placeOf(["published", index, "metric"])}: published[${index}].metric`;
    throw unknownName(at, `metric of this task as "${number.metric}"`, { name: number.metric, names: metrics });
  });
}
