/**
 * An image's file from its official name. The folder is chosen once, when a split is opened: the first that holds one of
 * the split's images, or the folders of COCO's 2017 re-split, which has the images of 2014 under other names. No file is
 * looked for after that, so a missing image fails its own samples only, when it is read.
 */
import { opendir, readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatasetError } from "./dataset.ts";
import type { DataSource, ImageFile } from "./dataset.ts";

export interface ImageFolder {
  readonly path: string;
  /** The path of the image with that official file name. */
  readonly pathOf: (fileName: string) => string;
}

/** COCO 2014 image names, as in VQA: `COCO_val2014_000000262148.jpg`. */
export function cocoFileName(part: string, imageId: number): string {
  return `COCO_${part}_${String(imageId).padStart(12, "0")}.jpg`;
}

/** COCO_val2014_000000391895.jpg → 391895, the id captions are scored by; null for a name without such a number. */
export function numberAtEnd(fileName: string): number | null {
  const digits = /(\d+)\.[A-Za-z]+$/.exec(fileName)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** Where the 2017 re-split has the images of a part: val2014 was shared out, test2017 has 40,670 of test2015's 81,434. */
const folders2017: ReadonlyMap<string, readonly string[]> = new Map([
  ["train2014", ["train2017"]],
  ["val2014", ["val2017", "train2017"]],
  ["test2015", ["test2017"]],
]);

/** The same image in the 2017 re-split of COCO: `000000262148.jpg`. Other names stay as they are. */
function cocoName2017(fileName: string): string {
  return fileName.replace(/^COCO_[a-z]+\d{4}_(?=\d{12}\.)/, "");
}

/**
 * Chooses the folder of a split's images. A folder given with --images replaces the official places. A folder counts when
 * it holds an image of the split under its official name, or under that of COCO's 2017 re-split, whose own folders come
 * next; when none does, the first that exists is named, and every image fails by itself.
 * @param subfolder where the official archive unpacks them: `val2014`
 * @param fileNames official names of the split's images
 * @throws DatasetError when no such folder exists; says where it looked
 */
export async function chooseImageFolder(
  source: DataSource,
  split: string,
  { subfolder, fileNames }: { subfolder: string; fileNames: readonly string[] },
): Promise<ImageFolder> {
  const { folder, images } = source;
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
    if (naming === "official") return { path: place, pathOf: (name) => join(place, name) };
    if (naming === "2017") return { path: place, pathOf: (name) => join(place, cocoName2017(name)) };
  }
  const places2017 = images === undefined ? [folder, join(folder, "images")] : [images];
  const paths2017 = places2017.flatMap((place) => (folders2017.get(subfolder) ?? []).map((name) => join(place, name)));
  const of2017 = await choose2017(paths2017, renamed);
  if (of2017 !== null) return of2017;
  for (const place of named) {
    if (await isFolder(place)) return { path: place, pathOf: (name) => join(place, name) };
  }
  if (images !== undefined) {
    throw new DatasetError(`${split}: the image folder ${images} does not exist. Give the folder with --images.`);
  }
  const example = fileNames[0] ?? "*.jpg";
  throw new DatasetError(
    `${split}: no folder of images: looked for ${[...named, ...paths2017].join(", ")}, and for files such as ${example} in ${folder}. ` +
      "Give the folder with --images.",
  );
}

/** COCO's 2017 folders that lie beside each other; null where none holds an image of the split. */
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
  return {
    path: holding.length === 1 ? first.path : dirname(first.path),
    pathOf: (fileName) => pathOf(cocoName2017(fileName)),
  };
}

/** What is said of a sample whose image file is not there. `split` is data set and split: `vqav2 val`. */
export function explainMissingImage(split: string, image: ImageFile): string {
  return `${split}: image ${image.id} not found in ${dirname(image.path)}. Give the folder with --images.`;
}

/** How a folder names the images it holds; null when it holds none of them. Reads up to the first that answers it. */
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
