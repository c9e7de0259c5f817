/**
 * The script of a report's page: shows samples as cards or as a table, which can be filtered, searched and sorted, and one
 * sample whole. The files of this folder are compiled separately for the browser (tsconfig.json) and embedded in the page
 * as one script (../html/page-script.ts).
 */
import type { PageSample } from "../html/page-data.ts";
import { data } from "./answers.ts";
import type { Row } from "./answers.ts";
import { cardOf } from "./cards.ts";
import { chosenRows, controls, offerColumns } from "./chosen-rows.ts";
import { element } from "./dom.ts";
import { openSample } from "./opened-sample.ts";
import { emptyTable, tableRowOf } from "./sample-table.ts";

const atOnce = { cards: 24, table: 100 } as const; // shown without a click; more would only lengthen the page
const cards = element("cards", HTMLElement);
const frame = element("sample-table", HTMLElement);
const count = element("gallery-count", HTMLElement);
const more = element("more", HTMLButtonElement);

/** What is added where more is wanted: cards of samples, or rows of answers. */
interface Shown {
  readonly total: number;
  readonly partAt: (place: number) => HTMLElement;
  readonly into: HTMLElement | null;
  readonly step: number;
  added: number;
}

let shown: Shown = { total: 0, partAt: () => document.createElement("p"), into: null, step: 1, added: 0 };

function start(): void {
  if (data === null) return;
  offerColumns();
  for (const control of Object.values(controls)) control?.addEventListener("input", show);
  more?.addEventListener("click", showMore);
  // The page has no server, so a form must not be submitted.
  element("filters", HTMLFormElement)?.addEventListener("submit", (event) => {
    event.preventDefault();
  });
  show();
}

function show(): void {
  const rows = chosenRows();
  const isTable = controls.view?.value === "table";
  const firstRows = new Map<PageSample, number>(); // a card stands where the first answer of its sample stands
  for (const [place, { sample }] of rows.entries()) if (!firstRows.has(sample)) firstRows.set(sample, place);
  const all = data?.samples.length ?? 0;
  if (count !== null)
    count.textContent = firstRows.size === 0 ? "No sample is like that." : `${firstRows.size} of ${all} samples`;
  cards?.replaceChildren();
  frame?.replaceChildren();
  if (cards !== null) cards.hidden = isTable;
  if (frame !== null) frame.hidden = !isTable || rows.length === 0;
  shown = isTable ? asTable(rows) : asCards(rows, firstRows);
  showMore();
}

function asCards(rows: readonly Row[], firstRows: ReadonlyMap<PageSample, number>): Shown {
  const samples = [...firstRows];
  const partAt = (place: number): HTMLElement => {
    const [sample, row] = samples[place]!;
    return cardOf(sample, () => {
      openSample(rows, row);
    });
  };
  return { total: samples.length, partAt, into: cards, step: atOnce.cards, added: 0 };
}

function asTable(rows: readonly Row[]): Shown {
  const { table, body } = emptyTable(show);
  frame?.append(table);
  const partAt = (place: number): HTMLElement =>
    tableRowOf(rows[place]!, () => {
      openSample(rows, place);
    });
  return { total: rows.length, partAt, into: body, step: atOnce.table, added: 0 };
}

function showMore(): void {
  const end = Math.min(shown.total, shown.added + shown.step);
  const added = Array.from({ length: end - shown.added }, (_, index) => shown.partAt(shown.added + index));
  shown.into?.append(...added);
  shown.added = end;
  if (more === null) return;
  more.hidden = shown.added >= shown.total;
  more.textContent = `Show more (${shown.total - shown.added} left)`;
}

/** Opens all folded parts of the report while it is printed, since paper cannot be unfolded. */
function unfoldForPrint(): void {
  let unfolded: HTMLDetailsElement[] = [];
  addEventListener("beforeprint", () => {
    unfolded = [...document.querySelectorAll<HTMLDetailsElement>("details:not([open], .small, .run)")];
    for (const fold of unfolded) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of unfolded) fold.open = false;
  });
}

unfoldForPrint();
start();
