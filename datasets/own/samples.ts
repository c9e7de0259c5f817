/** Rows and the roles of their columns → the samples of a task: questions, images with captions, images with texts. */
import type { CaptionSample, Columns, ColumnValue, ImageFile, RetrievalSample, Sample, VqaSample } from "../dataset.ts";
import { missingRole } from "./column-roles.ts";
import type { ColumnRoles, Role } from "./column-roles.ts";
import { neededCells } from "./needed-cells.ts";
import { isBlank, rowError } from "./row.ts";
import type { Row } from "./row.ts";
import type { RowImages } from "./row-images.ts";

/** Rows of a split, and what its columns are. */
export interface UnderstoodRows {
  readonly rows: readonly Row[];
  /** Names of all columns. */
  readonly columns: readonly string[];
  readonly roles: ColumnRoles;
  readonly images: RowImages;
  /** Begins errors about all rows. */
  readonly where: string;
}

/** Roles that each kind of sample takes its parts from, besides the image. */
export const questionRoles: readonly Role[] = ["id", "question", "answers", "choices", "questionType", "answerType"];
export const captionRoles: readonly Role[] = ["captions"];

/** One sample a row, also of one with an empty question or answer, which is its fault. References are the answers as annotators 1, 2, …; none where no column has answers. */
export function questionSamples({ rows, columns, roles, images, where }: UnderstoodRows): readonly VqaSample[] {
  if (roles.question === undefined) throw missingRole("question", columns, where);
  const text = (row: Row, role: Role): string =>
    roles[role] === undefined ? "" : (optionalText(row, roles[role]) ?? "");
  const letters = roles.choices === undefined ? letterColumns(columns) : [];
  const placeOf = new Map<string, Row>();
  const { faultOf } = neededCells(rows, roles, { needed: ["image", "question", "answers"], where });
  return rows.map((row, index) => {
    const id = text(row, "id") === "" ? String(index + 1) : text(row, "id");
    const earlier = placeOf.get(id);
    if (earlier !== undefined) throw rowError(row, `id ${id} stands at ${earlier.place} already. Ids must differ.`);
    placeOf.set(id, row);
    const answers = roles.answers === undefined ? [] : textsOf(row, roles.answers);
    const choices =
      roles.choices === undefined
        ? letters.flatMap((name) => optionalText(row, name) || [])
        : textsOf(row, roles.choices);
    return {
      id,
      image: images.imageOf(row),
      question: text(row, "question"),
      questionType: text(row, "questionType"),
      answerType: text(row, "answerType"),
      references: answers.map((answer, place) => ({ answer, confidence: "", id: place + 1 })),
      ...(choices.length > 0 && { choices }),
      columns: filledColumns(row),
      ...faultIn([faultOf(row)]),
    };
  });
}

/** One sample an image, with the captions of all of its rows. An empty one is the sample's fault. */
export function captionSamples(understood: UnderstoodRows): readonly CaptionSample[] {
  return byImage(understood).map(({ sample, texts }) => ({ ...sample, references: texts }));
}

export function retrievalSamples(understood: UnderstoodRows): readonly RetrievalSample[] {
  const { columns, roles, where } = understood;
  if (roles.captions === undefined) throw missingRole("captions", columns, where);
  return byImage(understood).map(({ sample, texts }) => {
    return { ...sample, texts: texts.map((text, index) => ({ id: `${sample.id}#${index}`, text })) };
  });
}

interface DescribedImage {
  readonly sample: Sample;
  readonly texts: readonly string[];
}

function byImage({ rows, roles, images, where }: UnderstoodRows): readonly DescribedImage[] {
  const found = new Map<string, { sample: Sample; texts: string[]; faults: (string | null)[] }>();
  const { faultOf } = neededCells(rows, roles, { needed: ["image", "captions"], where });
  for (const row of rows) {
    const image: ImageFile = images.imageOf(row);
    const described = found.get(image.path) ?? {
      sample: { id: image.id, image, columns: filledColumns(row) },
      texts: [],
      faults: [],
    };
    found.set(image.path, described);
    described.faults.push(faultOf(row));
    if (roles.captions !== undefined) described.texts.push(...textsOf(row, roles.captions));
  }
  return Array.from(found.values(), ({ sample, texts, faults }) => {
    return { sample: { ...sample, ...faultIn(faults) }, texts };
  });
}

/** The first of a sample's faults. */
function faultIn(faults: readonly (string | null)[]): Pick<Sample, "fault"> {
  const fault = faults.find((each) => each !== null);
  return fault === undefined ? {} : { fault };
}

/** The columns A, B, C, … of the choices, where there are two at least. */
function letterColumns(names: readonly string[]): readonly string[] {
  const letters: string[] = [];
  for (let code = "A".charCodeAt(0); names.includes(String.fromCharCode(code)); code += 1)
    letters.push(String.fromCharCode(code));
  return letters.length > 1 ? letters : [];
}

function textsOf({ columns }: Row, column: string): readonly string[] {
  const value: ColumnValue = columns[column] ?? [];
  if (isBlank(value)) return [];
  return typeof value === "string" ? [value] : value;
}

/** The columns in which there is something. */
function filledColumns({ columns }: Row): Columns {
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== ""));
}

function optionalText(row: Row, column: string): string | null {
  const value = row.columns[column];
  if (value === undefined) return null;
  if (typeof value !== "string") throw rowError(row, `column "${column}" is a list, expected one text.`);
  return value;
}
