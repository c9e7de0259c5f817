/** A table of a report before it is written: once for the eye, once for a spreadsheet. */

export interface Cell {
  /** For the eye, rounded. */
  readonly text: string;
  /** For a spreadsheet, not rounded; null is "not measured". */
  readonly value: string | number | null;
  /** `good`, `bad`: to be seen at once; the text says it, too. */
  readonly tone?: "good" | "bad" | "quiet";
}

export interface TableColumn {
  /** With its unit. */
  readonly title: string;
  /** Heads the column in CSV: snake case, with its unit. */
  readonly name: string;
  readonly align: "left" | "right";
}

export interface ReportTable {
  /** The name of its file. */
  readonly id: string;
  readonly title: string;
  /** How to read it; null: it needs no words. */
  readonly note: string | null;
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly Cell[])[];
}

export function column(title: string, name: string, align: TableColumn["align"] = "right"): TableColumn {
  return { title, name, align };
}

export function word(text: string): Cell {
  return { text, value: text };
}

/** `digits` behind the point; null is a dash. */
export function amount(value: number | null | undefined, digits = 2): Cell {
  if (value === null || value === undefined) return { text: "–", value: null, tone: "quiet" };
  return { text: fixed(value, digits), value };
}

export function fixed(value: number, digits: number): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** Three digits that count: 0.0123, 1.23, 12.3, 1,230. */
export function figure(value: number | null | undefined): Cell {
  if (value === null || value === undefined) return { text: "–", value: null, tone: "quiet" };
  return { text: figureText(value), value };
}

export function figureText(value: number): string {
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return fixed(value, Math.min(digits, 6));
}

export function megabytes(bytes: number | null | undefined): Cell {
  if (bytes === null || bytes === undefined) return amount(null);
  return { text: fixed(bytes / 1e6, bytes < 1e7 ? 1 : 0), value: bytes };
}

/** `low to high`, a cell for the eye and two for a spreadsheet would be: here the text, and in CSV the same. */
export function interval(low: number | null, high: number | null, digits = 2): Cell {
  if (low === null || high === null) return amount(null);
  const text = `${fixed(low, digits)} to ${fixed(high, digits)}`;
  return { text, value: text };
}

/** For the eye: without the columns that say nothing in any row. */
export function withoutEmptyColumns(table: ReportTable): ReportTable {
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
