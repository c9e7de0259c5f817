/**
 * The forms of result files that are imported, and what a record of each says: which sample it answers, and the answer. A
 * form is told by the fields of a record.
 *
 *   vqa-results    {"question_id": 1, "answer": "red"}                  the VQA challenge, LAVIS
 *   coco-results   {"image_id": 1, "caption": "a dog"}                  COCO, NoCaps, LAVIS
 *   gqa            {"questionId": "1", "prediction": "red"}             GQA
 *   lavis-gqa      {"question_id": "1", "pred_ans": "red", …}           LAVIS
 *   lm-eval        {"doc_id": 0, "doc": {…}, "filtered_resps": […], …}  lm-evaluation-harness, lmms-eval
 */
import { fieldsOf, hasField, idField, RecordError, stringField } from "../../../datasets/record-fields.ts";
import type { Fields } from "../../../datasets/record-fields.ts";

export interface ResultForm {
  readonly name: string;
  /** The program that alone writes this form; null: several do. */
  readonly tool: string | null;
  /** Fields that a record of this form has. */
  readonly fields: readonly string[];
  readonly read: (fields: Fields) => FoundAnswer;
}

export interface FoundAnswer {
  /** Id of the sample or of its image. */
  readonly id: string;
  readonly by: "sample" | "image";
  readonly text: string;
}

export const resultForms: readonly ResultForm[] = [
  {
    name: "lm-eval",
    tool: null,
    fields: ["doc_id", "filtered_resps"],
    read: (fields) => ({ ...documentId(fields), text: response(fields) }),
  },
  {
    name: "lavis-gqa",
    tool: "lavis",
    fields: ["question_id", "pred_ans"],
    read: (fields) => ({ id: idField(fields, "question_id"), by: "sample", text: stringField(fields, "pred_ans") }),
  },
  {
    name: "vqa-results",
    tool: null,
    fields: ["question_id", "answer"],
    read: (fields) => ({ id: idField(fields, "question_id"), by: "sample", text: stringField(fields, "answer") }),
  },
  {
    name: "gqa",
    tool: null,
    fields: ["questionId", "prediction"],
    read: (fields) => ({ id: idField(fields, "questionId"), by: "sample", text: stringField(fields, "prediction") }),
  },
  {
    name: "coco-results",
    tool: null,
    fields: ["image_id", "caption"],
    read: (fields) => ({ id: idField(fields, "image_id"), by: "image", text: stringField(fields, "caption") }),
  },
];

/** Throws a RecordError for a record of no form. */
export function formOf(value: unknown): ResultForm {
  const fields = fieldsOf(value);
  const form = resultForms.find((each) => each.fields.every((name) => hasField(fields, name)));
  if (form !== undefined) return form;
  const known = resultForms.map(({ fields: names }) => names.join(" and ")).join("; ");
  throw new RecordError(`has the fields ${Object.keys(fields.object).join(", ") || "none"}, expected one of: ${known}`);
}

/** In a document of a question its id, else that of its image. */
const idNames: readonly (readonly [name: string, by: FoundAnswer["by"]])[] = [
  ["question_id", "sample"],
  ["questionId", "sample"],
  ["id", "sample"],
  ["image_id", "image"],
];

/** lmms-eval logs documents without images, and some of its tasks only `submission`, an entry of a results file. */
function documentId(fields: Fields): Pick<FoundAnswer, "id" | "by"> {
  for (const place of ["doc", "submission"]) {
    const value = fields.object[place];
    if (typeof value !== "object" || value === null || Array.isArray(value)) continue;
    const inner = fieldsOf(value);
    const found = idNames.find(([name]) => hasField(inner, name));
    if (found !== undefined) return { id: idField(inner, found[0]), by: found[1] };
  }
  const names = idNames.map(([name]) => name).join(", ");
  throw new RecordError(
    `doc has no id, expected one of ${names}: a doc_id counts the tool's own documents, which need not be those of the split`,
  );
}

/** The response after the tool's filters: a text, or a list of one. */
function response(fields: Fields): string {
  const value = fields.object["filtered_resps"];
  const only: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  const text: unknown = Array.isArray(only) && only.length === 1 ? only[0] : only;
  if (typeof text === "string") return text;
  const found = JSON.stringify(value);
  throw new RecordError(`filtered_resps is ${found.slice(0, 40)}, expected a text, or a list of one`);
}
