/**
 * Data sets of a user's own: a folder or a file with images, and questions or captions. Its form, its splits and what its
 * columns are for are found (find-rows.ts, column-roles.ts) and can be shown before a run. Samples are in the order of the
 * rows; their ids are the rows' own, or else their numbers from 1, or the images' paths.
 */
import { DatasetError } from "../dataset.ts";
import type { CaptionSample, Dataset, DataSource, RetrievalSample, Sample, Split, VqaSample } from "../dataset.ts";
import { columnNames, findRoles } from "./column-roles.ts";
import type { ColumnRoles, Role } from "./column-roles.ts";
import { findRows, ownDataName } from "./find-rows.ts";
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
    const places = { folder, images: source.images, allowOutside: source.allowOutside ?? false };
    const images = await locateImages(rows, roles, places);
    const samples = samplesOf({ rows, roles, images, where });
    return { name: split, samples, files, imageFolder: images.path, form, splits, columns, roles };
  };
  return { name, splits: [], open };
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
  const splitOf = splitColumn(rows, source.columns ?? {}) ?? (() => wholeSplit);
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

/** null where no column is called split. */
function splitColumn(rows: readonly Row[], given: Readonly<Record<string, string>>): ((row: Row) => string) | null {
  const column = given["split"] ?? columnNames(rows).find((name) => name.toLowerCase() === "split");
  if (column === undefined) return null;
  return ({ columns }) => {
    const value = columns[column];
    return typeof value === "string" && value !== "" ? value : wholeSplit;
  };
}
