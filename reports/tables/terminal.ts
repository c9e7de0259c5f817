/** Writes a table as lines of text for a terminal. */
import type { Table } from "./table.ts";

/** The text: columns are as wide as their widest cell, with two spaces between them. No final line end. */
export function tableToText({ columns, rows }: Table): string {
  const lines = [columns.map(({ title }) => title), ...rows.map((cells) => cells.map(({ text }) => text))];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((text, column) => {
          const width = widths[column] ?? 0;
          return columns[column]?.align === "right" ? text.padStart(width) : text.padEnd(width);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
