/** Reads questions and answers from records, which come from JSON files or from rows of parquet files. */
import type { Annotation, VqaSample } from "./dataset.ts";
import { listField, optionalField, RecordError, integerField, stringField } from "./record-fields.ts";
import type { Fields } from "./record-fields.ts";

export interface Question {
  readonly id: string;
  readonly imageId: number;
  readonly text: string;
}

export type Answers = Pick<VqaSample, "questionType" | "answerType" | "references">;

/** The questions and answers of a whole split. */
export interface ReadQuestions {
  readonly questions: readonly Question[];
  /** The answers of every question, by question id; null: they are private. */
  readonly answers: ReadonlyMap<string, Answers> | null;
  /** The files they were read from. */
  readonly files: readonly string[];
}

/** The answers of a question. If not all have an annotator number, their positions in the list are used as numbers. */
export function readReferences(fields: Fields, shared: (text: string) => string): readonly Annotation[] {
  const answers = listField(fields, "answers");
  if (answers.length === 0) throw new RecordError("answers is empty, expected at least one");
  const ids = answers.map((answer) => optionalField(answer, "answer_id", integerField));
  const isNumbered = ids.every((id) => id !== null);
  return answers.map((answer, place) => ({
    answer: shared(stringField(answer, "answer")),
    confidence: shared(optionalField(answer, "answer_confidence", stringField) ?? ""),
    id: isNumbered ? ids[place]! : place + 1,
  }));
}

/** Remembers the value made for each key, so that repeated values are stored in memory once. */
export function memo<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const value = make(key);
    made.set(key, value);
    return value;
  };
}
