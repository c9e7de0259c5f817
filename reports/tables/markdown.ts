/**
 * Writes a table as Markdown for a pull request or the summary of a CI job. Cells are escaped, so that they can neither
 * end the table nor become markup.
 */
import type { Table } from "./table.ts";

/** The Markdown, without a final line end. */
export function tableToMarkdown({ columns, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    line(columns.map(({ title }) => escapeMarkdown(title))),
    line(columns.map(({ align }) => (align === "right" ? "---:" : "---"))),
    // Leading spaces indent a part below its whole; Markdown would drop them.
    ...rows.map((cells) => line(cells.map(({ text }) => escapeMarkdown(text.replace(/^ +/, "— "))))),
  ].join("\n");
}

/** Escapes everything that Markdown or HTML would interpret. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/[\\`*_[\]|~#]/g, "\\$&")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/(?<!\w)@(?=\w)/g, "@\u200b") // @name in a pull request would notify that user; TR@1 names nobody
    .replace(/\s*[\r\n]+\s*/g, " ");
}
