/** Which answers are shown, and in which order: what the form above the samples says. */
import type { PageAnswer, PageSample } from "../html/page-data.ts";
import { data, imageOf, questionOf, runName, verdictOf } from "./answers.ts";
import type { Row } from "./answers.ts";
import { create, element } from "./dom.ts";

export const controls = {
  task: element("filter-task", HTMLSelectElement),
  checkpoint: element("filter-checkpoint", HTMLSelectElement),
  verdict: element("filter-verdict", HTMLSelectElement),
  runs: element("filter-runs", HTMLSelectElement),
  column: element("filter-column", HTMLSelectElement),
  search: element("filter-search", HTMLInputElement),
  sortBy: element("sort-by", HTMLSelectElement),
  sortOrder: element("sort-order", HTMLSelectElement),
  view: element("view", HTMLSelectElement),
};

/** What answers can be sorted by. */
export interface SortKey {
  readonly id: string;
  readonly title: string;
  /** null: unknown, which comes last in either order. */
  readonly of: (row: Row) => string | number | null;
}

/** Columns of the data set that some sample has. */
export const columnNames: readonly string[] = [
  ...new Set((data?.samples ?? []).flatMap(({ columns }) => Object.keys(columns))),
];

/** Sorted by "" are answers in the order of the data set. */
export const sortKeys: readonly SortKey[] = [
  { id: "sample", title: "Sample", of: ({ sample }) => sample.id },
  { id: "question", title: "Question", of: ({ sample }) => questionOf(sample) },
  { id: "image", title: "Image", of: ({ sample }) => imageOf(sample).name },
  { id: "run", title: "Run", of: ({ answer }) => runName(answer.run) },
  { id: "answer", title: "Answer", of: ({ answer }) => answer.text },
  { id: "score", title: "Score", of: ({ answer }) => answer.score },
  { id: "confidence", title: "Model's score", of: ({ answer }) => answer.modelScore },
  { id: "latency", title: "Latency, ms", of: ({ answer }) => answer.latencyMs },
  ...columnNames.map((name) => ({
    id: `column ${name}`,
    title: name,
    of: ({ sample }: Row): string | number | null => sample.columns[name] ?? null,
  })),
];

const mostValues = 40; // of a column that is offered as a filter: more are no list to choose from

/** Fills the lists that depend on the data. */
export function offerColumns(): void {
  controls.sortBy?.append(...sortKeys.map(({ id, title }) => new Option(title, id)));
  for (const name of columnNames) {
    const values = new Set((data?.samples ?? []).flatMap(({ columns }) => columns[name] ?? []));
    if (values.size < 2 || values.size > mostValues) continue;
    const group = create("optgroup");
    group.label = name;
    const sorted = [...values].sort(compareValues);
    group.append(...sorted.map((value) => new Option(String(value), JSON.stringify([name, value]))));
    controls.column?.append(group);
  }
  const label = document.getElementById("filter-column-label");
  if (label !== null) label.hidden = controls.column?.querySelector("optgroup") === null;
}

/** The answers that are wanted, sorted. */
export function chosenRows(): readonly Row[] {
  const rows = (data?.samples ?? []).flatMap(wantedOf);
  const key = sortKeys.find(({ id }) => id === controls.sortBy?.value);
  if (key === undefined) return rows;
  const direction = controls.sortOrder?.value === "descending" ? -1 : 1;
  const keyed = rows.map((row) => ({ row, value: key.of(row) }));
  keyed.sort((a, b) => {
    if (a.value === null || b.value === null) return Number(a.value === null) - Number(b.value === null);
    return direction * compareValues(a.value, b.value);
  });
  return keyed.map(({ row }) => row);
}

const collator = new Intl.Collator("en", { numeric: true });

/** Numbers before texts; numbers in texts count as numbers, so that sample 10 comes after sample 9. */
function compareValues(a: string | number, b: string | number): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return collator.compare(String(a), String(b));
}

function wantedOf(sample: PageSample): readonly Row[] {
  const { task, verdict, runs, column, search } = controls;
  if (task !== null && task.value !== "" && task.value !== String(sample.group)) return [];
  if (column !== null && column.value !== "") {
    const [name, value] = JSON.parse(column.value) as [string, string | number];
    if (sample.columns[name] !== value) return [];
  }
  const answers = answersShown(sample);
  const isDiffering = new Set(answers.map(({ text }) => text)).size > 1;
  if (runs?.value === "differ" && !isDiffering) return [];
  if (runs?.value === "agree" && (isDiffering || answers.length < 2)) return [];
  const words = (search?.value ?? "").trim().toLowerCase();
  if (words !== "" && !textOf(sample, answers).includes(words)) return [];
  const rows = answers.map((answer) => ({ sample, answer }));
  const wanted = verdict?.value ?? "";
  return wanted === "" ? rows : rows.filter((row) => verdictOf(row) === wanted);
}

/** The answers of the checkpoint that is chosen. */
export function answersShown({ answers }: PageSample): readonly PageAnswer[] {
  const checkpoint = controls.checkpoint?.value ?? "";
  return answers.filter(({ run }) => checkpoint === "" || data?.runs[run]?.checkpoint === checkpoint);
}

function textOf(sample: PageSample, answers: readonly PageAnswer[]): string {
  const said = answers.flatMap(({ text, prompt }) => [text, prompt ?? ""]);
  const { id, question, references } = sample;
  return [id, imageOf(sample).name, question ?? "", ...references, ...said].join("\n").toLowerCase();
}
