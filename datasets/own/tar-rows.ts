/**
 * Rows of WebDataset's shards: members whose names agree up to the first dot are one row. An image is found by its
 * extension, `.json` holds columns, `.txt` and other text members are columns of their name.
 *
 *   0001.jpg  0001.txt  0001.json      →      { text: "A dog runs.", …columns of the JSON }, the image of 0001.jpg
 */
import { isUtf8 } from "node:buffer";
import { fileError } from "../annotation-file.ts";
import type { AnnotationFile } from "../annotation-file.ts";
import { parseJsonValue } from "../json-scanner.ts";
import { fieldsOf, RecordError } from "../record-fields.ts";
import { cellsOf } from "./row.ts";
import type { Row } from "./row.ts";
import { isImageName } from "./row-images.ts";
import { linesOf } from "./text-rows.ts";
import { readTarMember, readTarMembers } from "./tar-file.ts";
import type { TarMember } from "./tar-file.ts";

/** Longest text member that is read. */
const mostTextBytes = 1 << 22;

export async function readTarRows(files: readonly AnnotationFile[]): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const file of files) {
    const byStem = new Map<string, TarMember[]>();
    for (const member of await readTarMembers(file)) {
      const stem = stemOf(member.name);
      const members = byStem.get(stem) ?? [];
      members.push(member);
      byStem.set(stem, members);
    }
    for (const [stem, members] of byStem) rows.push(await rowOf(file, stem, members));
  }
  return rows;
}

/** The folder and the name up to its first dot, as WebDataset groups members. */
function stemOf(name: string): string {
  const start = name.lastIndexOf("/") + 1;
  const dot = name.indexOf(".", start);
  return dot === -1 ? name : name.slice(0, dot);
}

async function rowOf(file: AnnotationFile, stem: string, members: readonly TarMember[]): Promise<Row> {
  const image = members.find(({ name }) => isImageName(name));
  const columns: Record<string, unknown> = { __key__: stem };
  for (const member of members) {
    if (isImageName(member.name) || member.name === stem) continue;
    const extension = member.name.slice(stem.length + 1).toLowerCase();
    if (member.sizeBytes > mostTextBytes) continue; // no text: a feature, or a sound
    const bytes = await readTarMember(file, member);
    if (!isUtf8(bytes)) {
      if (extension !== "json" && extension !== "txt") continue; // no text: a feature, or a sound
      throw fileError(file, `${member.name} is not UTF-8 text. Write it as UTF-8.`);
    }
    const text = bytes.toString("utf8");
    if (extension === "json") Object.assign(columns, recordOf(file, member.name, text));
    else columns[extension === "txt" ? "text" : extension] = linesOf(text);
  }
  return {
    file,
    place: stem,
    ...cellsOf(columns),
    ...(image !== undefined && {
      image: { path: `${file.path}: ${image.name}`, read: () => readTarMember(file, image) },
    }),
  };
}

function recordOf(file: AnnotationFile, name: string, text: string): object {
  try {
    return fieldsOf(parseJsonValue(text)).object;
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof RecordError)) throw cause;
    throw fileError(file, `${name}: ${cause.message}`, cause);
  }
}
