/** `blip2-bench data check`: checks a folder of data, and says what is missing or damaged. */
import { resolve } from "node:path";
import { left, right, tableOf } from "../../../reports/tables/table.ts";
import type { ColumnOf } from "../../../reports/tables/table.ts";
import { tableToText } from "../../../reports/tables/terminal.ts";
import { fetchedFolder } from "../../catalog/fetched-images.ts";
import { unknownName, UsageError } from "../../catalog/usage-error.ts";
import { checkData } from "../../official-data/check-data.ts";
import type { CheckedSplit, DataCheck } from "../../official-data/check-data.ts";
import type { DataSource } from "../../../datasets/dataset.ts";
import { completeCode, usageCode } from "../exit-code.ts";
import type { Surroundings } from "../declared-command.ts";
import type { DataValues } from "./declared/look-after.ts";
import { datasetsNamed } from "../pull/named-datasets.ts";

/** Images, and rows, that are named of all that are wrong. */
const shownFaults = 3;

/** Gives the exit code: 2 where something is missing, damaged or faulty. */
export async function data(
  { images, columns, allowOutside }: DataValues,
  [action = "", folder, ...names]: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  if (action !== "check") throw unknownName(`data ${action}`, "action", { name: action, names: ["check"] });
  if (folder === undefined) throw new UsageError("data check: found no folder, expected that of the data set's files.");
  const fetched = fetchedFolder(surroundings.cacheFolder);
  const own = { columns, allowOutside, fetched, ...(images !== null && { images }) };
  return check({ folder: resolve(folder), own }, names, surroundings);
}

async function check(
  { folder, own }: { readonly folder: string; readonly own: Omit<DataSource, "folder"> },
  names: readonly string[],
  { catalog, terminal, isJson }: Pick<Surroundings, "catalog" | "terminal" | "isJson">,
): Promise<number> {
  const checked = await checkData(folder, {
    datasets: datasetsNamed(names, catalog),
    official: catalog.officialData,
    own,
    onProgress: (work, done, total) => {
      terminal.progress({ run: work, before: 0, done, samples: total, failed: 0 });
    },
  });
  terminal.result(isJson ? JSON.stringify(checked, null, 2) : describe(checked));
  return isRight(checked) ? completeCode : usageCode;
}

function isRight({ splits, archives }: DataCheck): boolean {
  const isWhole = ({ problem, missing, damaged, faulty }: CheckedSplit): boolean =>
    problem === null && missing.length + damaged.length + faulty.length === 0;
  return splits.every(isWhole) && archives.every(({ problem }) => problem === null);
}

const countColumn = (header: string, countOf: (split: CheckedSplit) => number): ColumnOf<CheckedSplit> =>
  right(header, (split) => (split.problem === null ? String(countOf(split)) : ""));

const splitColumns: readonly ColumnOf<CheckedSplit>[] = [
  left("data set", ({ dataset }) => dataset),
  left("split", ({ split }) => split),
  right("samples", ({ problem, samples }) => (problem === null ? String(samples) : "cannot be read")),
  right("official", ({ officialSamples }) => String(officialSamples ?? "?")),
  countColumn("images", ({ images }) => images),
  countColumn("missing", ({ missing }) => missing.length),
  countColumn("damaged", ({ damaged }) => damaged.length),
];

/** Shown where there are some: official files have none. */
const faultyColumn = countColumn("faulty rows", ({ faulty }) => faulty.length);

function describe(checked: DataCheck): string {
  const { splits, archives, folder } = checked;
  const columns = splits.some(({ faulty }) => faulty.length > 0) ? [...splitColumns, faultyColumn] : splitColumns;
  const table = tableToText(tableOf(columns, splits));
  const lines = splits.flatMap((split) => linesOf(split));
  const zips = archives.map(({ path, members, problem }) => problem ?? `${path}: ${members} members, all whole`);
  const verdict = isRight(checked)
    ? `${folder}: all that is there is whole and fits together.`
    : `${folder}: something is to be mended.`;
  return [...(splits.length === 0 ? [] : [table]), ...lines, ...zips, verdict].join("\n");
}

function linesOf({
  dataset,
  split,
  problem,
  missing,
  damaged,
  faulty,
  notes,
  shown,
  command,
}: CheckedSplit): readonly string[] {
  const name = `${dataset} ${split}`;
  const first = missing.slice(0, shownFaults).map(({ id }) => id);
  return [
    ...(problem === null ? [] : [problem]),
    ...notes,
    ...shown.map(({ id, image, text, references }) => {
      const parts = [`${id}: ${image}`, ...(text === null ? [] : [text]), references.join(" | ")];
      return `  ${parts.filter((part) => part !== "").join("  ")}`;
    }),
    ...(missing.length === 0 ? [] : [`${name}: ${missing.length} images are not there, first ${first.join(", ")}.`]),
    ...firstOf(damaged, `${name}: damaged images`),
    ...firstOf(faulty, `${name}: faulty rows`),
    ...(command === null ? [] : [`  ${command}`]),
  ];
}

/** `what`: begins the line that counts those that are not shown. */
function firstOf(faults: readonly { readonly why: string }[], what: string): readonly string[] {
  const more = faults.length - shownFaults;
  return [...faults.slice(0, shownFaults).map(({ why }) => why), ...(more > 0 ? [`${what}: and ${more} more.`] : [])];
}
