/**
 * The images of rows: bytes that lie in the row, base64 in a column, an address, a path, or an id that a file's name ends in. Paths
 * are relative to the folder of the rows' file, or to its images; one that leads out of it is refused.
 */
import { readdir, realpath, stat } from "node:fs/promises";
import { extname, isAbsolute, join, relative } from "node:path";
import { DatasetError } from "../dataset.ts";
import type { ImageFile } from "../dataset.ts";
import { numberAtEnd } from "../image-names.ts";
import type { ColumnRoles } from "./column-roles.ts";
import { imageAt, isAddress } from "./image-addresses.ts";
import { rowError } from "./row.ts";
import type { Row } from "./row.ts";

/** File types of images. One of a type that the image processor does not decode fails its own sample, which says so. */
const imageTypes = new Set([".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"]);

export function isImageName(name: string): boolean {
  return imageTypes.has(extname(name).toLowerCase());
}

export interface ImagePlaces {
  /** Folder of the rows' file. */
  readonly folder: string;
  /** Folder given with --images. */
  readonly images: string | undefined;
  readonly allowOutside: boolean;
  /** Folder of images that were fetched by their addresses. */
  readonly fetched: string | undefined;
}

export interface RowImages {
  readonly path: string;
  readonly imageOf: (row: Row) => ImageFile;
}

/** Throws a DatasetError for a row without an image's id, or a path that leads out of the folder. */
export async function locateImages(rows: readonly Row[], roles: ColumnRoles, places: ImagePlaces): Promise<RowImages> {
  const named = rows.flatMap((row) => {
    const name = row.image === undefined ? nameOf(row, roles) : null;
    return name === null || isAddress(name) ? [] : [{ row, name }];
  });
  for (const { row, name } of named) refuseLeaving(row, name, places);
  const isById = roles.image === undefined;
  const found =
    named.length === 0
      ? null
      : await chooseFolder(
          named.map(({ name }) => name),
          isById,
          places,
        );
  const path = found?.path ?? places.folder;
  if (!places.allowOutside && found !== null) await refuseLinksOut(named, found, places);
  return {
    path,
    imageOf: (row) => {
      const id = idOf(row, roles);
      if (row.image !== undefined) return { id: id ?? row.image.path, ...row.image };
      const bytes = base64Of(row, roles);
      if (bytes !== null) {
        const place = `${row.file.path}, ${row.place}`;
        return { id: id ?? place, path: place, read: () => Promise.resolve(Buffer.from(bytes, "base64")) };
      }
      const name = nameOf(row, roles);
      if (name === null) {
        const fault = rowError(row, "names no image.");
        if (roles.image === undefined) throw fault;
        return { id: id ?? row.place, path: `${row.file.path}, ${row.place}`, read: () => Promise.reject(fault) };
      }
      if (isAddress(name)) return { id: id ?? name, ...imageAt(row, name, places.fetched) };
      return { id: id ?? name, path: found?.fileOf(name) ?? join(path, name) };
    },
  };
}

/** The image's id, where the rows have one; otherwise its path tells images apart. */
function idOf({ columns }: Row, roles: ColumnRoles): string | null {
  const id = roles.imageId === undefined ? undefined : columns[roles.imageId];
  return typeof id === "string" && id !== "" ? id : null;
}

/** A path, or where there is no column of paths an id; null for base64. */
function nameOf(row: Row, roles: ColumnRoles): string | null {
  const column = roles.image ?? roles.imageId;
  const value = column === undefined ? undefined : row.columns[column];
  if (value === undefined || value === "") return null;
  if (typeof value !== "string") throw rowError(row, `column "${column!}" is a list, expected the path of one image.`);
  return isBase64(value) ? null : value;
}

function base64Of({ columns }: Row, { image }: ColumnRoles): string | null {
  const value = image === undefined ? undefined : columns[image];
  if (typeof value !== "string" || !isBase64(value)) return null;
  return value.replace(/^data:[^,]*,/, "");
}

/** Longer than any path, or an address of data; paths have dots, which base64 has not. */
function isBase64(value: string): boolean {
  return value.startsWith("data:image/") || (value.length > 256 && /^[A-Za-z0-9+/\s]+=*\s*$/.test(value));
}

function refuseLeaving(row: Row, name: string, { allowOutside, folder }: ImagePlaces): void {
  if (name.includes("\0")) throw rowError(row, "the image's path has a zero byte.");
  if (allowOutside) return;
  const isOutside = isAbsolute(name) || name.split(/[/\\]/).includes("..");
  if (isOutside)
    throw rowError(row, `the image ${name} is not inside ${folder}. Use --allow-outside if that is meant.`);
}

interface ChosenFolder {
  readonly path: string;
  readonly fileOf: (name: string) => string;
}

/** Rows looked at to find out which folder holds the images. */
const triedNames = 20;

/** The first folder that holds an image of the first rows; where none does, the first, and images fail when they are read. */
async function chooseFolder(
  names: readonly string[],
  isById: boolean,
  { folder, images }: ImagePlaces,
): Promise<ChosenFolder> {
  const tried = [...new Set(names)].slice(0, triedNames);
  const places = images === undefined ? await foldersIn(folder) : [images];
  for (const path of places) {
    if (isById) {
      const byId = await filesById(path);
      if (tried.some((name) => byId.has(name))) return { path, fileOf: (id) => join(path, byId.get(id) ?? id) };
    } else {
      const found = await Promise.all(tried.map((name) => isFile(join(path, name))));
      if (found.some(Boolean)) return folderOfPaths(path);
    }
  }
  if (images !== undefined && !(await stat(images).catch(() => null))?.isDirectory()) {
    throw new DatasetError(`the image folder ${images} does not exist. Give the folder with --images.`);
  }
  return folderOfPaths(places[0]!);
}

/** A folder whose files are named by their paths in it, or by absolute ones. */
function folderOfPaths(path: string): ChosenFolder {
  return { path, fileOf: (name) => (isAbsolute(name) ? name : join(path, name)) };
}

/** The folder itself, then `images`, then the others in it. */
async function foldersIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const inside = entries.filter((entry) => entry.isDirectory() || entry.isSymbolicLink()).map(({ name }) => name);
  const sorted = inside.sort().filter((name) => name !== "images");
  return [folder, ...(inside.includes("images") ? ["images"] : []), ...sorted].map((name) =>
    name === folder ? folder : join(folder, name),
  );
}

/** Image files by name without extension, and by the number at its end, as COCO numbers images. */
async function filesById(folder: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const name of (await readdir(folder).catch(() => [])).filter(isImageName).sort()) {
    files.set(name, name);
    files.set(name.slice(0, -extname(name).length), name);
    const number = numberAtEnd(name);
    if (number !== null && !files.has(String(number))) files.set(String(number), name);
  }
  return files;
}

/** In the Hugging Face cache files are links from snapshots/<commit>/ to blobs/ of the repository's folder, which this is. */
function hubRepository(folder: string): string | null {
  return /^(.*)[\\/]snapshots[\\/][0-9a-f]{40}(?:[\\/]|$)/.exec(folder)?.[1] ?? null;
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() ?? false;
}

/** Links inside the folder may not lead out of it. A file that is not there fails its own sample, when it is read. */
async function refuseLinksOut(
  named: readonly { readonly row: Row; readonly name: string }[],
  { path, fileOf }: ChosenFolder,
  { folder, images }: ImagePlaces,
): Promise<void> {
  const root = images ?? folder;
  const inside = await realpath(hubRepository(root) ?? root).catch(() => path);
  const checked = new Set<string>();
  for (const { row, name } of named) {
    if (checked.has(name)) continue;
    checked.add(name);
    const real = await realpath(fileOf(name)).catch(() => null);
    if (real === null) continue;
    const way = relative(inside, real);
    if (way.startsWith("..") || isAbsolute(way)) {
      throw rowError(
        row,
        `the image ${name} is a link out of ${images ?? folder}, to ${real}. Use --allow-outside if that is meant.`,
      );
    }
  }
}
