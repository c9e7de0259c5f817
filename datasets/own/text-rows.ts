/** Rows of texts beside images: `photo.jpg` and `photo.txt`, one caption a line. */
import { readdir } from "node:fs/promises";
import { extname, join } from "node:path";
import type { AnnotationFile } from "../annotation-file.ts";
import { readText } from "./csv-rows.ts";
import type { Row } from "./row.ts";
import { isImageName } from "./row-images.ts";

const textType = ".txt";

/** Names of the images of a folder that have a text of their name, in order. */
export async function imagesWithText(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  const there = new Set(names);
  return names.filter((name) => isImageName(name) && there.has(textOf(name))).sort();
}

/** Names of the texts beside the images of a folder, in order. */
export async function textNames(folder: string): Promise<readonly string[]> {
  return [...new Set((await imagesWithText(folder)).map(textOf))];
}

export async function readTextRows(folder: string, split: string): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const name of await imagesWithText(folder)) {
    const file: AnnotationFile = { split, path: join(folder, textOf(name)) };
    rows.push({ file, place: name, columns: { file_name: name, caption: linesOf(await readText(file)) } });
  }
  return rows;
}

/** One text, or several where there are several lines. */
export function linesOf(text: string): string | readonly string[] {
  const lines = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return lines.length > 1 ? lines : (lines[0] ?? "");
}

function textOf(image: string): string {
  return image.slice(0, -extname(image).length) + textType;
}
