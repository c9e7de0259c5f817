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
import { DatasetError } from "../dataset.ts";
import type { DataSource } from "../dataset.ts";
import { openParquetFile } from "./parquet-file.ts";
import type { ParquetFile } from "./parquet-file.ts";

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

/**
 * The files of a split that have these columns.
 * @param parts names of the split in mirrors
 * @throws DatasetError that names what is there instead; `otherwise` is its advice
 */
export function filesOf(
  { folder, split, files }: Mirror,
  { parts, columns, otherwise }: { parts: readonly string[]; columns: readonly string[]; otherwise: string },
): readonly ParquetFile[] {
  const ofPart = files.filter(({ part }) => parts.includes(part));
  if (ofPart.length === 0) {
    const there = [...new Set(files.map(({ part }) => part))].join(", ");
    const expected = parts.map((part) => `"${part}"`).join(" or ");
    throw new DatasetError(
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

function partOf(name: string): string {
  const stem = basename(name).replace(/\.parquet$/, "");
  const [, part] = /^(.+)-\d{5}-of-\d{5}(?:-[0-9a-f]+)?$/.exec(stem) ?? [];
  if (part !== undefined) return part;
  return /^\d+$/.test(stem) ? basename(dirname(name)) : stem;
}

/** Paths of parquet files below the folder; in the hub's cache these are links. */
async function parquetNames(folder: string, below = "", depth = 0): Promise<string[]> {
  // an unreadable folder is reported where its files are needed
  const entries = await readdir(join(folder, below), { withFileTypes: true }).catch(() => []);
  const names: string[] = [];
  for (const entry of entries) {
    const name = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.name.startsWith(".")) continue;
    if (entry.isDirectory()) {
      if (depth < deepest) names.push(...(await parquetNames(folder, name, depth + 1)));
    } else if (entry.name.endsWith(".parquet")) names.push(name);
  }
  return names;
}
