/** Questions about images and their answers, as records have them, whether they stand in JSON files or in rows. */
import type { Annotation, VqaSample } from "./dataset.ts";
import { listField, optionalField, RecordError, integerField, stringField } from "./record-fields.ts";
import type { Fields } from "./record-fields.ts";

export interface Question {
  readonly id: string;
  readonly imageId: number;
  readonly text: string;
}

export type Answers = Pick<VqaSample, "questionType" | "answerType" | "references">;

/** All of a split. */
export interface ReadQuestions {
  readonly questions: readonly Question[];
  /** By question id: of every question; null: they are private. */
  readonly answers: ReadonlyMap<string, Answers> | null;
  /** The files they were read from. */
  readonly files: readonly string[];
}

/** The answers of a question. Where they are not all numbered, their places in the list tell the annotators apart. */
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

/** Gives the same value for the same key, so that what repeats is in memory once. */
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
