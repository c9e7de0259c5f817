/**
 * The samples of a run that meet conditions, such as `answer type=number`, `accuracy<0.5` or `question~red`, and of them the
 * worst. A name is spelled in any case, with spaces, hyphens or underscores.
 */
import { unknownName, UsageError } from "../../catalog/usage-error.ts";
import type { HeldSample, ShownRun } from "./held-samples.ts";

type Value = string | number;

interface Condition {
  readonly text: string;
  readonly name: string;
  readonly isMet: (value: Value) => boolean;
}

/** All conditions must be met. Throws a UsageError for one that cannot be read, or names what no sample has. */
export function samplesWhere(samples: readonly HeldSample[], conditions: readonly string[]): readonly HeldSample[] {
  const parsed = conditions.map(parse);
  const rows = samples.map((sample) => ({ sample, fields: fieldsOf(sample) }));
  for (const { text, name } of parsed) {
    if (samples.length === 0 || rows.some(({ fields }) => fields.has(name))) continue;
    const names = [...new Set(rows.flatMap(({ fields }) => [...fields.keys()]))];
    throw unknownName(`--where ${JSON.stringify(text)}`, "field", { name, names });
  }
  return rows.flatMap(({ sample, fields }) => {
    const isWanted = parsed.every(({ name, isMet }) => {
      const value = fields.get(name);
      return value !== undefined && isMet(value);
    });
    return isWanted ? [sample] : [];
  });
}

const signs: Readonly<Record<string, (value: Value, asked: string) => boolean>> = {
  "!=": (value, asked) => !isEqual(value, asked),
  "<=": (value, asked) => Number(value) <= Number(asked),
  ">=": (value, asked) => Number(value) >= Number(asked),
  "=": isEqual,
  "<": (value, asked) => Number(value) < Number(asked),
  ">": (value, asked) => Number(value) > Number(asked),
  "~": (value, asked) => String(value).toLowerCase().includes(asked.toLowerCase()),
};

function isEqual(value: Value, asked: string): boolean {
  if (typeof value === "number") return asked !== "" && value === Number(asked);
  return value.trim().toLowerCase() === asked.toLowerCase();
}

function parse(text: string): Condition {
  const [, name = "", sign = "", asked = ""] = /^([^=<>!~]+)(!=|<=|>=|=|<|>|~)(.*)$/s.exec(text) ?? [];
  const test = signs[sign];
  const value = asked.trim();
  if (test === undefined || name.trim() === "") {
    throw new UsageError(
      `--where ${JSON.stringify(text)}: expected a name, a sign (=, !=, <, <=, >, >=, or ~ for "contains") and a value, such as "answer type=number" or "accuracy<0.5".`,
    );
  }
  if (/[<>]/.test(sign) && (value === "" || Number.isNaN(Number(value)))) {
    throw new UsageError(`--where ${JSON.stringify(text)}: found "${value}", expected a number after ${sign}.`);
  }
  return { text, name: plainName(name), isMet: (found) => test(found, value) };
}

/** `answerType`, `answer type` and `ANSWER_TYPE` are one name. */
function plainName(name: string): string {
  return name
    .trim()
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .replace(/[\s_-]+/g, " ")
    .toLowerCase();
}

function fieldsOf({
  id,
  image,
  question,
  columns,
  prediction,
  answer,
  scores,
}: HeldSample): ReadonlyMap<string, Value> {
  const all: Readonly<Record<string, Value | null>> = {
    ...columns,
    ...scores,
    id,
    image,
    question,
    answer,
    status: prediction?.status ?? "missing",
    prompt: prediction !== null && "prompt" in prediction ? prediction.prompt : null,
    text: prediction !== null && "text" in prediction ? prediction.text : null,
    error: prediction?.status === "failed" ? prediction.error : null,
  };
  return new Map(Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [[plainName(name), value]])));
}

/**
 * The worst by the run's main metric, failed samples first; of equally bad ones in the order of the data set. Samples without a
 * score come last.
 */
export function worstOf(samples: readonly HeldSample[], { run }: ShownRun, most: number): readonly HeldSample[] {
  const [metric] = run.scores?.metrics ?? [];
  const badness = ({ prediction, scores }: HeldSample): number => {
    if (prediction?.status === "failed") return -Infinity;
    const score = metric === undefined ? undefined : scores[metric.name];
    if (metric === undefined || score === undefined) return Infinity;
    return metric.higherIsBetter ? score : -score;
  };
  const order = samples.map((sample, place) => ({ sample, place, bad: badness(sample) }));
  order.sort((a, b) => (a.bad === b.bad ? a.place - b.place : a.bad - b.bad));
  return order.slice(0, most).map(({ sample }) => sample);
}
