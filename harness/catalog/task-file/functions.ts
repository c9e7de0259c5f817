/** What only code can say: functions in place of a prompt, an answer rule, a metric. They are taken out, and names left. */
import type { ScoredAnswer } from "./definition.ts";
import { UsageError } from "../usage-error.ts";
import type { MetricDefinition, PromptFunction } from "./definition.ts";

export interface TaskFunctions {
  readonly prompt: { readonly opt?: PromptFunction; readonly t5?: PromptFunction };
  readonly answer: ((text: string) => string) | null;
  readonly metrics: ReadonlyMap<string, MetricDefinition>;
}

export const noFunctions: TaskFunctions = { prompt: {}, answer: null, metrics: new Map() };

type AnyFunction = (...given: readonly unknown[]) => unknown;

/**
 * The definition with each function replaced by what a file could say in its place, and the functions. Throws a UsageError for
 * a metric without a name. `file`: for messages.
 */
export function takeFunctions(
  exported: unknown,
  file: string,
): { readonly value: unknown; readonly functions: TaskFunctions } {
  if (!isObject(exported)) return { value: exported, functions: noFunctions };
  const { prompt, answer, metrics } = exported;
  const metricsFound = Array.isArray(metrics) ? metrics.map((metric: unknown) => metricOf(metric, file)) : null;
  const value = {
    ...exported,
    ...(prompt !== undefined && {
      prompt: isObject(prompt) ? mapValues(prompt, withoutFunction) : withoutFunction(prompt),
    }),
    ...(isFunction(answer) && { answer: "trim" }),
    ...(metricsFound !== null && { metrics: metricsFound.map((metric) => (isNamed(metric) ? metric.name : metric)) }),
  };
  return {
    value,
    functions: {
      prompt: promptFunctions(prompt),
      answer: isFunction(answer) ? (text) => String(answer(text)) : null,
      metrics: new Map(metricsFound?.flatMap((metric) => (isNamed(metric) ? [[metric.name, metric] as const] : []))),
    },
  };
}

function promptFunctions(prompt: unknown): TaskFunctions["prompt"] {
  const functionOf = (given: unknown): PromptFunction | null => (isFunction(given) ? checkedPrompt(given) : null);
  const opt = functionOf(isObject(prompt) ? prompt["opt"] : prompt);
  const t5 = functionOf(isObject(prompt) ? prompt["t5"] : prompt);
  return { ...(opt !== null && { opt }), ...(t5 !== null && { t5 }) };
}

/** Throws a TypeError where the function gives something else than a text or null. */
function checkedPrompt(prompt: AnyFunction): PromptFunction {
  return (sample) => {
    const given = prompt(sample);
    if (given === null || typeof given === "string") return given;
    throw new TypeError(`found a value of type ${typeof given}, expected a text or null`);
  };
}

/** A metric of the file's own; what it names, or is wrong, as it is. */
function metricOf(given: unknown, file: string): unknown {
  if (isFunction(given)) return named(given.name, given, file);
  if (!isObject(given) || !isFunction(given["score"])) return given;
  const { name, score, higherIsBetter } = given;
  const definition = named(typeof name === "string" ? name : "", score, file);
  return { ...definition, ...(typeof higherIsBetter === "boolean" && { higherIsBetter }) };
}

function named(name: string, score: AnyFunction, file: string): MetricDefinition {
  if (name === "") {
    throw new UsageError(`${file}: metrics: found a function without a name, expected { name: "…", score: … }.`);
  }
  // what it gives is checked where it is called
  return { name, score: (scored: ScoredAnswer) => score(scored) as number };
}

function isNamed(metric: unknown): metric is MetricDefinition {
  return isObject(metric) && typeof metric["name"] === "string" && isFunction(metric["score"]);
}

function withoutFunction(value: unknown): unknown {
  return isFunction(value) ? null : value;
}

function mapValues(object: Readonly<Record<string, unknown>>, change: (value: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}

function isFunction(value: unknown): value is AnyFunction {
  return typeof value === "function";
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
