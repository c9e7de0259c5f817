/** Samples as a table, a row for each answer. Its headings sort it. */
import { counted, data, questionOf, runName, saidText, scoreText, verdictOf } from "./answers.ts";
import type { Row } from "./answers.ts";
import { columnNames, controls, sortKeys } from "./chosen-rows.ts";
import { button, create } from "./dom.ts";

interface Column {
  /** Of the sort key with this id, which has the title, too. */
  readonly key: string;
  readonly align: "left" | "right" | "text";
  readonly textOf: (row: Row) => string;
}

const mostColumns = 6; // of the data set, so that the table stays readable; an opened sample has all

const columns: readonly Column[] = [
  { key: "question", align: "text", textOf: ({ sample }) => questionOf(sample) },
  ...((data?.runs.length ?? 0) > 1
    ? [{ key: "run", align: "left" as const, textOf: ({ answer }: Row): string => runName(answer.run) }]
    : []),
  { key: "answer", align: "text", textOf: ({ answer }) => saidText(answer) },
  { key: "score", align: "left", textOf: scoreText },
  { key: "confidence", align: "right", textOf: ({ answer }) => numberText(answer.modelScore, 3) },
  { key: "latency", align: "right", textOf: ({ answer }) => numberText(answer.latencyMs, 1) },
  ...columnNames.slice(0, mostColumns).map((name) => ({
    key: `column ${name}`,
    align: "text" as const,
    textOf: ({ sample }: Row): string => String(sample.columns[name] ?? ""),
  })),
];

function numberText(value: number | null, digits: number): string {
  return value === null ? "" : value.toFixed(digits);
}

/** An empty table. `onSort` is called after a heading has set the order. */
export function emptyTable(onSort: () => void): { readonly table: HTMLElement; readonly body: HTMLElement } {
  const table = create("table");
  table.append(create("caption", "hidden", "Samples, a row for each answer"));
  const head = create("tr");
  head.append(headingOf({ key: "sample", align: "left" }, onSort), ...columns.map((one) => headingOf(one, onSort)));
  head.append(create("th", "", "References"));
  for (const heading of head.children) heading.setAttribute("scope", "col");
  const top = create("thead");
  top.append(head);
  const body = create("tbody");
  table.append(top, body);
  return { table, body };
}

function headingOf({ key, align }: Pick<Column, "key" | "align">, onSort: () => void): HTMLElement {
  const { sortBy, sortOrder } = controls;
  const heading = create("th", align);
  const isSorted = sortBy?.value === key;
  if (isSorted) heading.ariaSort = sortOrder?.value === "descending" ? "descending" : "ascending";
  const mark = !isSorted ? "" : heading.ariaSort === "descending" ? " ↓" : " ↑";
  const sort = button(`${sortKeys.find(({ id }) => id === key)?.title ?? key}${mark}`, () => {
    if (sortBy === null || sortOrder === null) return;
    sortOrder.value = isSorted && sortOrder.value === "ascending" ? "descending" : "ascending";
    sortBy.value = key;
    onSort();
    document.querySelector<HTMLElement>(`#sample-table button[name="${CSS.escape(key)}"]`)?.focus();
  });
  sort.name = key;
  heading.append(sort);
  return heading;
}

export function tableRowOf(row: Row, onOpen: () => void): HTMLElement {
  const line = create("tr");
  const heading = create("th", "left");
  heading.scope = "row";
  heading.append(button(row.sample.id, onOpen, `open sample ${row.sample.id}`));
  line.append(heading, ...columns.map(({ key, align, textOf }) => cellOf(textOf(row), key, align, row)));
  line.append(cellOf(counted(row.sample.references).join(", "), "references", "text", row));
  return line;
}

function cellOf(text: string, key: string, align: string, row: Row): HTMLElement {
  const tone = key === "score" ? ` ${verdictOf(row)}` : "";
  const cell = create("td", `${align}${tone}`, text);
  if (align === "text") cell.title = text; // a long text is cut
  return cell;
}
