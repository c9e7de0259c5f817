/**
 * A table before it is written. A cell is a text for people and a value for a spreadsheet; a column is a heading, an alignment and
 * what stands in it for a row. terminal.ts, markdown.ts, csv.ts and html.ts write tables; numbers.ts and cells.ts round.
 */

export interface Cell {
  /** For people, rounded. */
  readonly text: string;
  /** For a spreadsheet, not rounded; null is "not measured". */
  readonly value: string | number | null;
  /** `good`, `bad` and `quiet` are seen at once, though the text says it, too; `code` is set in the typeface of code. */
  readonly tone?: "good" | "bad" | "quiet" | "code";
}

export interface Column {
  /** Heads the column for people; with its unit, where it has one. */
  readonly title: string;
  /** Heads the column in CSV: snake case, with its unit. */
  readonly name: string;
  readonly align: "left" | "right";
}

export interface Table {
  readonly columns: readonly Column[];
  /** A cell for each column. */
  readonly rows: readonly (readonly Cell[])[];
}

/** A column, and how its cells are made from rows of one type. */
export interface ColumnOf<Row> extends Column {
  /** A string or a number stands for itself; null is a dash, and nothing in a spreadsheet. */
  readonly cell: (row: Row) => Cell | string | number | null;
  /** The column is left out of a table in which no row has it; unset: it always stands there. */
  readonly isThere?: (row: Row) => boolean;
}

/** `name`: where the heading in CSV is another. */
export function left<Row>(title: string, cell: ColumnOf<Row>["cell"], name = title): ColumnOf<Row> {
  return { title, name, align: "left", cell };
}

export function right<Row>(title: string, cell: ColumnOf<Row>["cell"], name = title): ColumnOf<Row> {
  return { title, name, align: "right", cell };
}

/** Only where a row has it. */
export function onlyWhere<Row>(isThere: (row: Row) => boolean, column: ColumnOf<Row>): ColumnOf<Row> {
  return { ...column, isThere };
}

/** Columns of a row's part, for rows that hold such a part. */
export function columnsOfPart<Row, Part>(
  partOf: (row: Row) => Part,
  columns: readonly ColumnOf<Part>[],
): readonly ColumnOf<Row>[] {
  return columns.map(({ title, name, align, cell }) => ({ title, name, align, cell: (row) => cell(partOf(row)) }));
}

export function tableOf<Row>(columns: readonly ColumnOf<Row>[], rows: readonly Row[]): Table {
  const shown = columns.filter(({ isThere }) => isThere === undefined || rows.some(isThere));
  return {
    columns: shown.map(({ title, name, align }) => ({ title, name, align })),
    rows: rows.map((row) => shown.map(({ cell }) => asCell(cell(row)))),
  };
}

function asCell(content: Cell | string | number | null): Cell {
  if (content === null) return { text: "-", value: null };
  if (typeof content === "object") return content;
  return { text: String(content), value: content };
}

/** For people: without the columns that say nothing in any row. */
export function withoutEmptyColumns<Whole extends Table>(table: Whole): Whole {
  const isSaid = table.columns.map((_, index) => table.rows.some((cells) => isSomething(cells[index])));
  return {
    ...table,
    columns: table.columns.filter((_, index) => isSaid[index]),
    rows: table.rows.map((cells) => cells.filter((_, index) => isSaid[index])),
  };
}

function isSomething(cell: Cell | undefined): boolean {
  return cell !== undefined && cell.value !== null && cell.text !== "";
}
