/** The page: its files, read once. A request names one of them or nothing, so no path of a request ever reaches the disk. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { packageFolder } from "../catalog/provenance.ts";

export interface PageFile {
  readonly type: string;
  readonly body: string;
}

/** Where the page was written, and where its script was compiled to, beside this file. */
const sourceFolder = join(packageFolder, "harness", "try", "page");
const scriptFolder = fileURLToPath(new URL("./page/", import.meta.url));
/** Colours and type, which the pages of reports have as well. */
const lookFile = join(packageFolder, "reports", "page", "look.css");

/** In the order of the sheet. */
const styles = ["page.css", "picture.css", "asking.css", "answers.css", "chat.css"];

/** By the path of the request. */
export async function readPageFiles(): Promise<ReadonlyMap<string, PageFile>> {
  const scripts = (await readdir(scriptFolder)).filter((name) => name.endsWith(".js"));
  const read = (folder: string, names: readonly string[]): Promise<readonly string[]> =>
    Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
  const [html = ""] = await read(sourceFolder, ["index.html"]);
  const sheets = [await readFile(lookFile, "utf8"), ...(await read(sourceFolder, styles))];
  const sources = await read(scriptFolder, scripts);
  return new Map<string, PageFile>([
    ["/", { type: "text/html; charset=utf-8", body: html }],
    ["/style.css", { type: "text/css; charset=utf-8", body: sheets.join("\n") }],
    ...scripts.map((name, index): [string, PageFile] => [
      `/page/${name}`,
      { type: "text/javascript; charset=utf-8", body: sources[index]!.replace(/^\/\/# sourceMappingURL=.*$/gm, "") },
    ]),
  ]);
}
