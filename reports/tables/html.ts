/** Writes a table as HTML for the page of a report. */
import { markup } from "../markup.ts";
import type { Markup } from "../markup.ts";
import type { Cell, Table } from "./table.ts";

/**
 * The HTML. Wide tables scroll inside their frame and do not widen the page. `label`: name of the table for screen
 * readers.
 */
export function tableToHtml({ columns, rows }: Table, label: string): Markup {
  return markup`<div class="table" tabindex="0" role="region" aria-label="${label}">
      <table>
        <thead>
          <tr>
            ${columns.map(({ title, align }) => markup`<th scope="col" class="${align}">${title}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (cells) =>
              markup`<tr>
                ${cells.map((cell, index) => cellToHtml(cell, columns[index]?.align ?? "left"))}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function cellToHtml({ text, tone }: Cell, align: string): Markup {
  if (tone === "code") return markup`<td class="${align}"><code>${text}</code></td>`;
  return markup`<td class="${align} ${tone ?? ""}">${text}</td>`;
}
