/**
 * Images that rows name by their addresses on the network. They are never fetched while data are read: what was fetched before lies
 * in a folder of the cache, each under the hash of its address.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import type { ImageFile } from "../dataset.ts";
import { rowError } from "./row.ts";
import type { Row } from "./row.ts";

export function isAddress(name: string): boolean {
  return /^[a-z][a-z+.-]*:\/\//i.test(name);
}

/** @param folder of fetched images; unset: the image is nowhere. Throws a DatasetError for an address of another kind than http. */
export function imageAt(row: Row, url: string, folder: string | undefined): Omit<ImageFile, "id"> {
  if (!/^https?:/i.test(url) || !URL.canParse(url)) {
    throw rowError(
      row,
      `the image is the address ${url}, expected one that begins with https:// or http://, or a path.`,
    );
  }
  const path = folder === undefined ? url : join(folder, createHash("sha256").update(url).digest("hex"));
  return { path, address: { url, where: `${row.file.path}: ${row.place}` } };
}
