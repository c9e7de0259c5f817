/** A table of a report: a table with its name, its heading and a note on how to read it. */
import type { Table } from "../tables/table.ts";

export interface ReportTable extends Table {
  /** Name of the table's file, without extension. */
  readonly id: string;
  readonly title: string;
  /** How to read the table; null: no explanation is needed. */
  readonly note: string | null;
}
