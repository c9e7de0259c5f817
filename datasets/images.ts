/**
 * Finds image files by their official names. The folder is chosen once, when a split is opened: the first that holds an
 * image of the split, or the folders of COCO's 2017 re-split, which has the images of 2014 under other names. Single
 * files are not checked then; a missing image fails its own samples, when it is read.
 */
import { access, opendir, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatasetError, MissingDataError } from "./dataset.ts";
import type { DataSource, ImageFile } from "./dataset.ts";
import { cocoName2017 } from "./image-names.ts";
import { mirrorImages } from "./parquet/mirror-images.ts";
import type { Mirror } from "./parquet/mirror.ts";

export interface ImageFolder {
  readonly path: string;
  /** The image with this official file name; `id` is its id in the samples. */
  readonly imageOf: (id: string, fileName: string) => ImageFile;
  /** Parquet files that hold the images; empty where each image is a file. */
  readonly files: readonly string[];
}

/**
 * The 2017 folders that hold the images of a part. Those of val2014 are in train2017 and val2017; test2017 has 40,670
 * of the 81,434 images of test2015.
 */
const folders2017: ReadonlyMap<string, readonly string[]> = new Map([
  ["train2014", ["train2017"]],
  ["val2014", ["val2017", "train2017"]],
  ["test2015", ["test2017"]],
]);

/**
 * Chooses the folder of a split's images. A folder given with --images replaces the official places. A folder is
 * accepted if it holds an image of the split under its official name or its name in COCO's 2017 re-split; the folders
 * of that re-split are tried next. If no folder is accepted, the first that exists is chosen, and every image fails
 * when it is read. A mirror's images are in its parquet files.
 * @param subfolder folder into which the official archive unpacks the images: `val2014`
 * @param fileNames official names of the split's images
 * @throws DatasetError that lists the searched folders when none exists; or when --images is given for a mirror
 */
export async function chooseImageFolder(
  source: DataSource,
  split: string,
  { subfolder, fileNames, mirror }: { subfolder: string; fileNames: readonly string[]; mirror: Mirror | null },
): Promise<ImageFolder> {
  const { folder, images } = source;
  if (mirror !== null) {
    if (images === undefined || images === folder) return await mirrorImages(mirror);
    throw new DatasetError(
      `${split}: --images ${images}: the images are in the parquet files in ${folder}. Leave --images out, or give the folder of the official files with --data.`,
    );
  }
  const named =
    images === undefined
      ? [join(folder, subfolder), join(folder, "images", subfolder), join(folder, "images")]
      : [images, join(images, subfolder)];
  // The data folder itself always exists, so it counts only when images are in it.
  const places = images === undefined ? [...named, folder] : named;

  const official = new Set(fileNames);
  const renamed = new Set(fileNames.map(cocoName2017).filter((name) => !official.has(name)));
  for (const place of places) {
    const naming = await namingIn(place, official, renamed);
    if (naming === "official") return folderOf(place, (name) => join(place, name));
    if (naming === "2017") return folderOf(place, (name) => join(place, cocoName2017(name)));
  }
  const places2017 = images === undefined ? [folder, join(folder, "images")] : [images];
  const paths2017 = places2017.flatMap((place) => (folders2017.get(subfolder) ?? []).map((name) => join(place, name)));
  const of2017 = await choose2017(paths2017, renamed);
  if (of2017 !== null) return of2017;
  for (const place of named) {
    if (await isFolder(place)) return folderOf(place, (name) => join(place, name));
  }
  if (images !== undefined) {
    throw new DatasetError(`${split}: the image folder ${images} does not exist. Give the folder with --images.`);
  }
  const example = fileNames[0] ?? "*.jpg";
  throw new MissingDataError(
    `${split}: no folder of images: looked for ${[...named, ...paths2017].join(", ")}, and for files such as ${example} in ${folder}. ` +
      "Give the folder with --images.",
  );
}

function folderOf(path: string, pathOf: (fileName: string) => string): ImageFolder {
  return { path, imageOf: (id, fileName) => ({ id, path: pathOf(fileName) }), files: [] };
}

/** Chooses among sibling folders of COCO's 2017 re-split; null where none holds an image of the split. */
async function choose2017(paths: readonly string[], renamed: ReadonlySet<string>): Promise<ImageFolder | null> {
  const holding: { readonly path: string; readonly files: ReadonlySet<string> }[] = [];
  for (const path of paths) {
    if (holding.length > 0 && dirname(path) !== dirname(holding[0]!.path)) break;
    if (!(await isFolder(path))) continue;
    const files = new Set((await readdir(path)).filter((name) => renamed.has(name)));
    if (files.size > 0) holding.push({ path, files });
  }
  const [first] = holding;
  if (first === undefined) return null;
  const pathOf = (name: string): string => join((holding.find(({ files }) => files.has(name)) ?? first).path, name);
  const path = holding.length === 1 ? first.path : dirname(first.path);
  return folderOf(path, (fileName) => pathOf(cocoName2017(fileName)));
}

/** Whether the image file exists. Images in parquet files count as existing; they are checked when they are read. */
export async function isThereToRead({ path, read }: Pick<ImageFile, "path" | "read">): Promise<boolean> {
  if (read !== undefined) return true;
  return access(path).then(
    () => true,
    () => false,
  );
}

/** The error message for a sample whose image file is missing. `split`: data set and split, such as `vqav2 val`. */
export function explainMissingImage(split: string, image: ImageFile): string {
  return `${split}: image ${image.id} not found in ${dirname(image.path)}. Give the folder with --images.`;
}

/**
 * Whether a folder holds images of the split under their official or their 2017 names; null when it holds none. Stops
 * at the first such image.
 */
async function namingIn(
  folder: string,
  official: ReadonlySet<string>,
  renamed: ReadonlySet<string>,
): Promise<"official" | "2017" | null> {
  if (!(await isFolder(folder))) return null;
  let holdsRenamed = false;
  for await (const entry of await opendir(folder)) {
    if (official.has(entry.name)) return "official";
    holdsRenamed ||= renamed.has(entry.name);
  }
  return holdsRenamed ? "2017" : null;
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null);
  return found?.isDirectory() ?? false;
}
