/** A table of a report: a table with its name, its heading and a word on how to read it. */
import type { Table } from "../tables/table.ts";

export interface ReportTable extends Table {
  /** The name of its file. */
  readonly id: string;
  readonly title: string;
  /** How to read it; null: it needs no words. */
  readonly note: string | null;
}
