/**
 * A data set as it is stored on the Hugging Face hub: a folder of parquet files, whose names tell the split that each
 * holds.
 *
 *   data/validation-00000-of-00068.parquet                          split "validation"
 *   testdev_balanced_images/testdev-00000-of-00001.parquet          split "testdev"
 *   default/validation/0000.parquet                                 split "validation": the hub's own conversion
 *
 * Where official annotation files are in the folder, too, those are read, and the rows give the images only.
 */
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DatasetError, MissingDataError } from "../dataset.ts";
import type { DataSource } from "../dataset.ts";
import { openParquetFile } from "./parquet-file.ts";
import type { ParquetFile } from "./parquet-file.ts";
import { partsNamed } from "./split-names.ts";

export interface Mirror {
  readonly folder: string;
  /** Data set and split for messages: `vqav2 val`. */
  readonly split: string;
  /** Files sorted by name, which is the order of their rows. */
  readonly files: readonly ParquetFile[];
}

/** Depth of folders in the hub's layouts. */
const deepest = 2;

/** Opens the parquet files of a folder; null where there are none. Throws a DatasetError for an incomplete one. */
export async function openMirror({ folder }: DataSource, split: string): Promise<Mirror | null> {
  const names = await parquetNames(folder);
  if (names.length === 0) return null;
  const files: ParquetFile[] = [];
  for (const name of names.sort()) {
    files.push(await openParquetFile({ split, name, path: join(folder, name), part: partOf(name) }));
  }
  return { folder, split, files };
}

/** Whether all of these official files are in the data folder. */
export async function areBeside({ folder }: DataSource, names: readonly string[]): Promise<boolean> {
  const found = await Promise.all(names.map((name) => stat(join(folder, name)).catch(() => null)));
  return found.every((one) => one?.isFile() === true);
}

/** The files of a split, by one of its names. */
export function filesNamed({ files }: Mirror, split: string): readonly ParquetFile[] {
  const parts = partsNamed(split);
  return files.filter(({ part }) => parts.includes(part));
}

/**
 * The files of a split that have these columns.
 * @throws MissingDataError where no file is of the split
 * @throws DatasetError that names what is there instead; `otherwise` is its advice
 */
export function filesOf(
  mirror: Mirror,
  { split: name, columns, otherwise }: { split: string; columns: readonly string[]; otherwise: string },
): readonly ParquetFile[] {
  const { folder, split, files } = mirror;
  const ofPart = filesNamed(mirror, name);
  if (ofPart.length === 0) {
    const there = [...new Set(files.map(({ part }) => part))].join(", ");
    const expected = partsNamed(name)
      .map((part) => `"${part}"`)
      .join(" or ");
    throw new MissingDataError(
      `${split}: ${folder}: no parquet file of a split ${expected}; splits there: ${there}. ${otherwise}`,
    );
  }
  const found = ofPart.filter((file) => columns.every((name) => file.columns.has(name)));
  if (found.length > 0) return found;
  const there = [...new Set(ofPart.flatMap((file) => [...file.columns]))].join(", ");
  throw new DatasetError(
    `${split}: ${folder}: the parquet files of the split lack ${columns.join(" or ")}; columns there: ${there}. ${otherwise}`,
  );
}

/**
 * The mirror restricted to these files; the whole mirror where none of them holds images.
 */
export function restrictedTo(mirror: Mirror, files: readonly ParquetFile[]): Mirror {
  const withImages = files.some(({ columns }) => columns.has("image"));
  return withImages ? { ...mirror, files } : mirror;
}

/** The split that a file's name tells. `name`: its path in the mirror, with slashes. */
export function partOf(name: string): string {
  const stem = basename(name).replace(/\.parquet$/, "");
  const [, part] = /^(.+)-\d{5}-of-\d{5}(?:-[0-9a-f]+)?$/.exec(stem) ?? [];
  if (part !== undefined) return part;
  return /^\d+$/.test(stem) ? basename(dirname(name)) : stem;
}

/** Whether a file is looked for: `name` is its path in the mirror, with slashes. */
export function isMirrorFile(name: string): boolean {
  const parts = name.split("/");
  return name.endsWith(".parquet") && parts.length <= deepest + 1 && parts.every((part) => !part.startsWith("."));
}

/** Paths of parquet files below the folder; in the hub's cache these are links. */
async function parquetNames(folder: string, below = "", depth = 0): Promise<string[]> {
  // an unreadable folder is reported where its files are needed
  const entries = await readdir(join(folder, below), { withFileTypes: true }).catch(() => []);
  const names: string[] = [];
  for (const entry of entries) {
    const name = below === "" ? entry.name : `${below}/${entry.name}`;
    if (!entry.isDirectory()) {
      if (isMirrorFile(name)) names.push(name);
    } else if (depth < deepest && !entry.name.startsWith(".")) {
      names.push(...(await parquetNames(folder, name, depth + 1)));
    }
  }
  return names;
}
