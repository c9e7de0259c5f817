/**
 * A table as data. A cell has a text for people and a value for a spreadsheet; a column has a heading, an alignment and
 * a function that makes its cell from a row. terminal.ts, markdown.ts, csv.ts and html.ts write tables; numbers.ts and
 * cells.ts round numbers.
 */

export interface Cell {
  /** Text for people, rounded. */
  readonly text: string;
  /** Value for a spreadsheet, not rounded; null means "not measured". */
  readonly value: string | number | null;
  /**
   * How the cell is styled. `good`, `bad` and `quiet` only emphasise what the text says, too; `code` uses a monospaced
   * font.
   */
  readonly tone?: "good" | "bad" | "quiet" | "code";
}

export interface Column {
  /** Heading for people, with the unit if there is one. */
  readonly title: string;
  /** Heading in CSV: snake case, with the unit. */
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
  /** Makes the cell. A string or number is shown as it is; null is a dash, and empty in a spreadsheet. */
  readonly cell: (row: Row) => Cell | string | number | null;
  /**
   * Whether a row has a value here; a column without any is left out of the table. Unset: the column is always shown.
   */
  readonly isThere?: (row: Row) => boolean;
}

/** A column aligned to the left. `name`: heading in CSV, if it differs. */
export function left<Row>(title: string, cell: ColumnOf<Row>["cell"], name = title): ColumnOf<Row> {
  return { title, name, align: "left", cell };
}

export function right<Row>(title: string, cell: ColumnOf<Row>["cell"], name = title): ColumnOf<Row> {
  return { title, name, align: "right", cell };
}

/** Makes a column that is shown only if a row has a value in it. */
export function onlyWhere<Row>(isThere: (row: Row) => boolean, column: ColumnOf<Row>): ColumnOf<Row> {
  return { ...column, isThere };
}

/** Turns columns for a part of a row into columns for the row. */
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

/** The table without columns that are empty in all rows, for people. */
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
