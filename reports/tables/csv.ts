/** Writes a table as CSV (RFC 4180) for a spreadsheet, with unrounded values. */
import { stringify } from "csv-stringify/sync";
import type { Table } from "./table.ts";

/** The CSV text. A text that a spreadsheet would run as a formula gets an apostrophe in front. */
export function tableToCsv({ columns, rows }: Table): string {
  const lines = rows.map((cells) => cells.map(({ value }) => value));
  return stringify(lines, { header: true, columns: columns.map(({ name }) => name), escape_formulas: true });
}
