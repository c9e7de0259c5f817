/** Chooses the files of a mirror that hold some of its splits: parquet files, whose names tell the split. */
import { isMirrorFile, partOf } from "../../../datasets/parquet/mirror.ts";
import { readableBytes } from "../../catalog/readable-bytes.ts";
import { PullError } from "../network/pull-error.ts";
import type { FileChoice, HubFile } from "./list-files.ts";

/** `parts`: names of the splits in file names, those that the mirror lacks included; null: the only split that the mirror has. */
export function mirrorFiles(parts: readonly string[] | null): FileChoice {
  const isWanted = (path: string): boolean => isMirrorFile(path) && (parts?.includes(partOf(path)) ?? true);
  return {
    of: (name, files) => {
      const chosen = files.filter(({ path }) => isWanted(path));
      const there = partsOf(chosen.map(({ path }) => path));
      if (parts === null ? there.length === 1 : chosen.length > 0) return chosen;
      throw new PullError(refusal(name, files, parts));
    },
    areAll: (paths) => {
      const chosen = paths.filter(isWanted);
      return chosen.length > 0 && chosen.every((path) => isOfWhole(path, paths));
    },
  };
}

/** The splits that these files hold, by their names. */
export function partsOf(paths: readonly string[]): readonly string[] {
  return [...new Set(paths.filter(isMirrorFile).map(partOf))];
}

function refusal(name: string, files: readonly HubFile[], parts: readonly string[] | null): string {
  const sizes = new Map<string, number>();
  for (const { path, sizeBytes } of files) {
    if (isMirrorFile(path)) sizes.set(partOf(path), (sizes.get(partOf(path)) ?? 0) + sizeBytes);
  }
  if (sizes.size === 0) {
    const there = files.slice(0, 3).map(({ path }) => path);
    return `${name}: no parquet file, found ${there.length === 0 ? "nothing" : there.join(", ")}. Is it a data set of parquet files?`;
  }
  const splits = Array.from(sizes, ([part, sizeBytes]) => `${part} (${readableBytes(sizeBytes)})`).join(", ");
  const what = parts === null ? "has several splits" : `no split ${parts.map((part) => `"${part}"`).join(" or ")}`;
  return `${name}: ${what}; splits there: ${splits}. Fetch one with: npx blip2-bench pull ${name} --split <name>`;
}

/** Whether as many files of its split are there as its name says: `…-00000-of-00003.parquet`. */
function isOfWhole(path: string, paths: readonly string[]): boolean {
  const [, stem, count] = /^(.+)-\d{5}-of-(\d{5})/.exec(path) ?? [];
  if (stem === undefined || count === undefined) return true; // a name of the hub's own conversion does not say
  return paths.filter((each) => each.startsWith(`${stem}-`)).length >= Number(count);
}
