/** A table → Markdown, for a pull request or a job's summary. What a cell says can neither end its table nor become markup. */
import type { Table } from "./table.ts";

/** No line end at the end. */
export function tableToMarkdown({ columns, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    line(columns.map(({ title }) => escapeMarkdown(title))),
    line(columns.map(({ align }) => (align === "right" ? "---:" : "---"))),
    // Markdown drops spaces before a text; in a table they set a part below its whole.
    ...rows.map((cells) => line(cells.map(({ text }) => escapeMarkdown(text.replace(/^ +/, "— "))))),
  ].join("\n");
}

/** What Markdown or HTML would read as more than text. */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/[\\`*_[\]|~#]/g, "\\$&")
    .replace(/&/g, "&amp;")
    .replace(/</g, "&lt;")
    .replace(/>/g, "&gt;")
    .replace(/(?<!\w)@(?=\w)/g, "@\u200b") // a name in a pull request would be told that it was named; in TR@1 there is none
    .replace(/\s*[\r\n]+\s*/g, " ");
}
