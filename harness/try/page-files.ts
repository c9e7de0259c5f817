/** The page: its files, read once. A request names one of them or nothing, so no path of a request ever reaches the disk. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { packageFolder } from "../provenance.ts";

export interface PageFile {
  readonly type: string;
  readonly body: string;
}

/** Where the page was written, and where its script was compiled to, beside this file. */
const sourceFolder = join(packageFolder, "harness", "try", "page");
const scriptFolder = fileURLToPath(new URL("./page/", import.meta.url));
/** Colours and type, which the pages of reports have as well. */
const lookFile = join(packageFolder, "reports", "page", "look.css");

/** By the path of the request. */
export async function readPageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const scripts = (await readdir(scriptFolder)).filter((name) => name.endsWith(".js"));
  const [html, look, style, ...sources] = await Promise.all(
    [
      join(sourceFolder, "index.html"),
      lookFile,
      join(sourceFolder, "style.css"),
      ...scripts.map((name) => join(scriptFolder, name)),
    ].map((file) => readFile(file, "utf8")),
  );
  return new Map<string, PageFile>([
    ["/", { type: "text/html; charset=utf-8", body: html! }],
    ["/style.css", { type: "text/css; charset=utf-8", body: `${look!}\n${style!}` }],
    ...scripts.map((name, index): [string, PageFile] => [
      `/page/${name}`,
      { type: "text/javascript; charset=utf-8", body: sources[index]!.replace(/^\/\/# sourceMappingURL=.*$/gm, "") },
    ]),
  ]);
}
