/** Rows → CSV (RFC 4180), for a spreadsheet. A name that a spreadsheet would run as a formula gets an apostrophe before it. */
import { stringify } from "csv-stringify/sync";
import type { ReportTable } from "../report/report-table.ts";
import type { Row } from "./table.ts";

const columns: readonly { readonly key: keyof Row; readonly header: string }[] = [
  { key: "checkpoint", header: "checkpoint" },
  { key: "precision", header: "precision" },
  { key: "task", header: "task" },
  { key: "split", header: "split" },
  { key: "protocol", header: "protocol" },
  { key: "metric", header: "metric" },
  { key: "score", header: "score" },
  { key: "standardError", header: "standard_error" },
  { key: "low", header: "interval_low" },
  { key: "high", header: "interval_high" },
  { key: "unit", header: "unit" },
  { key: "published", header: "published" },
  { key: "publishedSource", header: "published_source" },
  { key: "samples", header: "samples" },
  { key: "scored", header: "scored" },
  { key: "failed", header: "failed" },
  { key: "status", header: "status" },
  { key: "value", header: "value" },
  { key: "device", header: "device" },
  { key: "deviceName", header: "device_name" },
  { key: "driver", header: "driver" },
  { key: "onDevice", header: "nodes_on_device" },
  { key: "onCpu", header: "nodes_on_cpu" },
];

export function rowsToCsv(rows: readonly Row[]): string {
  return stringify([...rows], { header: true, columns: [...columns], escape_formulas: true });
}

/** Numbers stay numbers, and are not rounded. */
export function tableToCsv({ columns: shown, rows }: ReportTable): string {
  const lines = rows.map((cells) => cells.map(({ value }) => value));
  return stringify(lines, { header: true, columns: shown.map(({ name }) => name), escape_formulas: true });
}

/** Records with the same keys, which become the titles. */
export function recordsToCsv(records: readonly Readonly<Record<string, string | number | null>>[]): string {
  return stringify([...records], { header: true, escape_formulas: true });
}
