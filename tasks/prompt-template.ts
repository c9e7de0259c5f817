/**
 * Prompts with places for what a sample has: `Question: {question} Answer:`.
 *
 *   {question}   the sample's question, spelled as the protocols spell it (question-text.ts)
 *   {site}       any other column of the sample, as it is written there; of a list its texts with commas
 *
 * A brace without its other half is text.
 */
import type { Sample } from "../datasets/dataset.ts";
import { blipQuestion } from "./question-text.ts";

export const questionPlace = "question";

/** A sample lacks what its prompt needs. The sample fails, and no other. */
export class PromptError extends Error {
  override readonly name = "PromptError";
}

/** Either a text, or the name of a column. */
type Piece = { readonly text: string } | { readonly column: string };

export interface PromptTemplate {
  /** Names of the columns in its places, in their order, each once. */
  readonly columns: readonly string[];
  /** null for an empty prompt: the model is given the image without text. Throws a PromptError where a column has no value. */
  readonly fill: (sample: Sample) => string | null;
}

export function promptTemplate(template: string): PromptTemplate {
  const pieces = piecesOf(template);
  const columns = pieces.flatMap((piece) => ("column" in piece ? [piece.column] : []));
  const fill = (sample: Sample): string | null => {
    const values = columnsOf(sample);
    const prompt = pieces.map((piece) => ("text" in piece ? piece.text : valueOf(piece.column, values))).join("");
    return prompt === "" ? null : prompt;
  };
  return { columns: [...new Set(columns)], fill };
}

function piecesOf(template: string): readonly Piece[] {
  return Array.from(template.matchAll(/\{([^{}]*)\}|[^{}]+|[{}]/g), ([text, column]) => {
    return column === undefined ? { text } : { column };
  });
}

function valueOf(column: string, values: ReadonlyMap<string, string>): string {
  const value = values.get(column);
  if (value === undefined) throw new PromptError(`no value in column "${column}", which its prompt needs.`);
  return column === questionPlace ? blipQuestion(value) : value;
}

/** The texts of a sample by name: its question, and the columns of a data set of one's own. */
export function columnsOf(sample: Sample): ReadonlyMap<string, string> {
  const texts = Object.entries(sample.columns ?? {}).flatMap(([name, value]) => {
    const text = typeof value === "string" ? value : value.join(", ");
    return text === "" ? [] : [[name, text] as const];
  });
  const question = "question" in sample && typeof sample.question === "string" ? sample.question : null;
  return new Map([...texts, ...(question === null ? [] : [[questionPlace, question] as const])]);
}

/** The columns that any of the samples has a value in, in the order they first come. */
export function columnsIn(samples: readonly Sample[]): readonly string[] {
  return [...new Set(samples.flatMap((sample) => [...columnsOf(sample).keys()]))];
}
