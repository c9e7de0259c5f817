/** A table → CSV (RFC 4180), for a spreadsheet: values, not rounded. */
import { stringify } from "csv-stringify/sync";
import type { Table } from "./table.ts";

/** A name that a spreadsheet would run as a formula gets an apostrophe before it. */
export function tableToCsv({ columns, rows }: Table): string {
  const lines = rows.map((cells) => cells.map(({ value }) => value));
  return stringify(lines, { header: true, columns: columns.map(({ name }) => name), escape_formulas: true });
}
