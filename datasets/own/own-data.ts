/**
 * Data sets of a user's own: a folder or a file with images, and questions or captions. Its form, its splits and what its
 * columns are for are found (find-rows.ts, column-roles.ts) and can be shown before a run. Samples are in the order of the
 * rows; their ids are the rows' own, or else their numbers from 1, or the images' paths.
 */
import { DatasetError } from "../dataset.ts";
import type { CaptionSample, Dataset, DataSource, RetrievalSample, Sample, Split, VqaSample } from "../dataset.ts";
import { columnNames, findRoles, roleNames } from "./column-roles.ts";
import type { ColumnRoles, Role } from "./column-roles.ts";
import { findRows, ownDataName, splitOfPath } from "./find-rows.ts";
import type { Row } from "./row.ts";
import { locateImages } from "./row-images.ts";
import { captionRoles, captionSamples, questionRoles, questionSamples, retrievalSamples } from "./samples.ts";
import type { UnderstoodRows } from "./samples.ts";

/** The split of data that has none. */
const wholeSplit = "all";

export const ownQuestions: Dataset<VqaSample> = ownDataset("own-questions", questionRoles, questionSamples);
export const ownCaptions: Dataset<CaptionSample> = ownDataset("own-captions", captionRoles, captionSamples);
export const ownTexts: Dataset<RetrievalSample> = ownDataset("own-texts", captionRoles, retrievalSamples);

/** A split as it was understood. */
export interface OwnSplit<S extends Sample> extends Split<S> {
  readonly form: string;
  /** Names of all splits. */
  readonly splits: readonly string[];
  readonly columns: readonly string[];
  readonly roles: ColumnRoles;
}

export interface OwnDataset<S extends Sample> extends Dataset<S> {
  readonly open: (source: DataSource, split: string) => Promise<OwnSplit<S>>;
}

function ownDataset<S extends Sample>(
  name: string,
  used: readonly Role[],
  samplesOf: (understood: UnderstoodRows) => readonly S[],
): OwnDataset<S> {
  const open = async (source: DataSource, splitName: string): Promise<OwnSplit<S>> => {
    const { form, splits, split, rows, files, folder } = await chooseSplit(source, splitName);
    const where = `${ownDataName}: ${source.folder}`;
    if (rows.length === 0) throw new DatasetError(`${where}: no row in ${files.join(", ")}.`);
    const columns = columnNames(rows);
    const wanted: readonly Role[] = rows.every(({ image }) => image !== undefined) ? used : ["image", ...used];
    const roles = findRoles(columns, source.columns ?? {}, { where, wanted: [...wanted, "imageId"] });
    const places = {
      folder,
      images: source.images,
      allowOutside: source.allowOutside ?? false,
      fetched: source.fetched,
    };
    const images = await locateImages(rows, roles, places);
    const samples = samplesOf({ rows, columns, roles, images, where });
    const understood = { form, splits, columns, roles };
    const notes = [`${where}: ${describeUnderstood(understood)}`];
    return { name: split, samples, files, imageFolder: images.path, notes, ...understood };
  };
  return { name, splits: [], open };
}

/** `metadata.csv of …; splits train, test; image: file_name, question: q; not used: colour` */
function describeUnderstood({ form, splits, columns, roles }: Omit<OwnSplit<Sample>, keyof Split<Sample>>): string {
  const taken = [...roleNames].flatMap(([name, role]) =>
    roles[role] === undefined ? [] : [`${name}: ${roles[role]}`],
  );
  const unused = columns.filter((column) => !Object.values(roles).includes(column));
  const parts = [
    form,
    ...(splits.length > 1 ? [`splits ${splits.join(", ")}`] : []),
    taken.length === 0 ? "no column is needed" : taken.join(", "),
    ...(unused.length > 0 ? [`not used: ${unused.join(", ")}`] : []),
  ];
  return parts.join("; ");
}

/** Names of the splits in a folder or file; "all" where the data has none. Throws a DatasetError. */
export async function ownSplits(source: DataSource): Promise<readonly string[]> {
  const { parts } = await findRows(source.folder);
  const named = parts.flatMap(({ split }) => split ?? []);
  if (named.length > 0) return named;
  const rows = await parts[0]!.read();
  return [...new Set(rows.map(splitReader(rows, source)))];
}

interface ChosenSplit {
  readonly form: string;
  readonly splits: readonly string[];
  readonly split: string;
  readonly rows: readonly Row[];
  readonly files: readonly string[];
  readonly folder: string;
}

/** The rows of a split: of its own files, or of those with its name in a column `split` or in their image's first folder. */
async function chooseSplit(source: DataSource, name: string): Promise<ChosenSplit> {
  const { form, parts } = await findRows(source.folder);
  const named = parts.filter(({ split }) => split !== null);
  if (named.length > 0) {
    const splits = named.map(({ split }) => split!);
    const split = splitAmong(splits, name, source.folder);
    const part = named.find((each) => each.split === split)!;
    return {
      form,
      splits,
      split,
      rows: await part.read(),
      files: part.files.map(({ path }) => path),
      folder: part.folder,
    };
  }
  const [part] = parts;
  const rows = await part!.read();
  const splitOf = splitReader(rows, source);
  const splits = [...new Set(rows.map(splitOf))];
  const split = splitAmong(splits, name, source.folder);
  const files = part!.files.map(({ path }) => path);
  return { form, splits, split, rows: rows.filter((row) => splitOf(row) === split), files, folder: part!.folder };
}

function splitAmong(splits: readonly string[], name: string, folder: string): string {
  const [only] = splits;
  if (name === "" && splits.length <= 1) return only ?? wholeSplit;
  if (splits.includes(name)) return name;
  const which = name === "" ? "found several splits" : `found no split "${name}"`;
  throw new DatasetError(
    `${ownDataName}: ${folder}: ${which}; splits there: ${splits.join(", ")}. Say which with --split.`,
  );
}

/** Tells the split of a row. */
function splitReader(rows: readonly Row[], { columns = {} }: DataSource): (row: Row) => string {
  return splitColumn(rows, columns) ?? splitFolder(rows) ?? (() => wholeSplit);
}

/** Folders as splits, as Hugging Face's imagefolder has them; null where a path in file_name begins with no such folder. */
function splitFolder(rows: readonly Row[]): ((row: Row) => string) | null {
  const splitOf = ({ columns: { file_name: name } }: Row): string | null =>
    typeof name === "string" ? splitOfPath(name) : null;
  return rows.some((row) => splitOf(row) === null) ? null : (row) => splitOf(row) ?? wholeSplit;
}

/** null where no column is called split. */
function splitColumn(rows: readonly Row[], given: Readonly<Record<string, string>>): ((row: Row) => string) | null {
  const column = given["split"] ?? columnNames(rows).find((name) => name.toLowerCase() === "split");
  if (column === undefined) return null;
  return ({ columns }) => {
    const value = columns[column];
    return typeof value === "string" && value !== "" ? value : wholeSplit;
  };
}
