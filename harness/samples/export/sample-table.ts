/** All that a run holds of each sample, as a table: CSV for spreadsheets, parquet for programs. */
import { parquetWriteBuffer } from "hyparquet-writer";
import type { SchemaElement } from "hyparquet-writer";
import { tableToCsv } from "../../../reports/tables/csv.ts";
import { left, tableOf } from "../../../reports/tables/table.ts";
import { visibleControls } from "../../../reports/tables/visible-controls.ts";
import type { AnsweredRun, AskedSample } from "../answered-run.ts";
import { isQuestion, referencesOf } from "../sample-kinds.ts";
import { fileNamePart } from "./export-format.ts";
import type { ExportFormat } from "./export-format.ts";

type Value = string | number | readonly string[] | readonly number[] | null;

interface Column {
  readonly name: string;
  readonly kind: "text" | "number" | "texts" | "whole numbers";
  readonly value: (asked: AskedSample) => Value;
}

export const csvTable: ExportFormat = {
  name: "csv",
  about: "a table of the samples for a spreadsheet",
  needs: "nothing",
  unfit: () => null,
  files: (run, asked) => {
    const columns = columnsOf(asked).map(({ name, value }) =>
      left<AskedSample>(name, (row) => {
        const found = value(row);
        if (typeof found === "string") return visibleControls(found);
        return found === null || typeof found === "number" ? found : visibleControls(JSON.stringify(found));
      }),
    );
    return [
      { name: `${stemOf(run)}.csv`, content: tableToCsv(tableOf(columns, asked)), about: `${asked.length} rows` },
    ];
  },
};

export const parquetTable: ExportFormat = {
  name: "parquet",
  about: "a table of the samples for programs",
  needs: "nothing",
  unfit: () => null,
  files: (run, asked) => {
    const columns = columnsOf(asked);
    const schema: SchemaElement[] = [
      { name: "schema", num_children: columns.length },
      ...columns.flatMap(({ name, kind }) => schemaOf[kind](name)),
    ];
    const columnData = columns.map(({ name, value }) => ({ name, data: asked.map(value) }));
    const content = new Uint8Array(parquetWriteBuffer({ columnData, schema }));
    return [{ name: `${stemOf(run)}.parquet`, content, about: `${asked.length} rows` }];
  },
};

const schemaOf: Readonly<Record<Column["kind"], (name: string) => SchemaElement[]>> = {
  text: (name) => [{ name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" }],
  number: (name) => [{ name, type: "DOUBLE", repetition_type: "OPTIONAL" }],
  texts: (name) => listOf(name, { name: "element", type: "BYTE_ARRAY", converted_type: "UTF8" }),
  "whole numbers": (name) => listOf(name, { name: "element", type: "INT32" }),
};

/** A list in parquet's three levels. */
function listOf(name: string, element: SchemaElement): SchemaElement[] {
  return [
    { name, converted_type: "LIST", num_children: 1, repetition_type: "OPTIONAL" },
    { name: "list", num_children: 1, repetition_type: "REPEATED" },
    { ...element, repetition_type: "OPTIONAL" },
  ];
}

function stemOf({ record: { config, checkpoint } }: AnsweredRun): string {
  return `${fileNamePart(config.task)}_${fileNamePart(checkpoint.name)}`;
}

/** Columns that no sample has a value in are left out; scores stand in the order of the run's metrics. */
function columnsOf(asked: readonly AskedSample[]): readonly Column[] {
  const scores = [...new Set(asked.flatMap((each) => Object.keys(each.scores)))];
  const columns: readonly Column[] = [
    ...fixedColumns,
    ...scores.map((name): Column => ({ name, kind: "number", value: (row) => row.scores[name] ?? null })),
  ];
  return columns.filter(({ name, value }) => name === "id" || asked.some((row) => value(row) !== null));
}

const fixedColumns: readonly Column[] = [
  { name: "id", kind: "text", value: ({ sample }) => sample.id },
  { name: "image", kind: "text", value: ({ sample }) => sample.image.id },
  { name: "question", kind: "text", value: ({ sample }) => (isQuestion(sample) ? sample.question : null) },
  { name: "question_type", kind: "text", value: ({ sample }) => typeOrNull(isQuestion(sample) && sample.questionType) },
  { name: "answer_type", kind: "text", value: ({ sample }) => typeOrNull(isQuestion(sample) && sample.answerType) },
  { name: "references", kind: "texts", value: ({ sample }) => noneOrTexts(referencesOf(sample)) },
  { name: "status", kind: "text", value: ({ prediction }) => prediction?.status ?? "missing" },
  {
    name: "prompt",
    kind: "text",
    value: ({ prediction }) => (prediction !== null && "prompt" in prediction ? prediction.prompt : null),
  },
  {
    name: "text",
    kind: "text",
    value: ({ prediction }) => (prediction !== null && "text" in prediction ? prediction.text : null),
  },
  { name: "answer", kind: "text", value: ({ answer }) => answer },
  {
    name: "tokens",
    kind: "whole numbers",
    value: ({ prediction }) => (prediction?.status === "predicted" ? prediction.tokens : null),
  },
  {
    name: "model_score",
    kind: "number",
    value: ({ prediction }) => (prediction?.status === "predicted" ? prediction.score : null),
  },
  {
    name: "error",
    kind: "text",
    value: ({ prediction }) => (prediction?.status === "failed" ? prediction.error : null),
  },
];

function typeOrNull(type: string | false): string | null {
  return type === false || type === "" ? null : type;
}

function noneOrTexts(texts: readonly string[]): readonly string[] | null {
  return texts.length === 0 ? null : texts;
}
