/**
 * The files of the page, read once at the start. A request can only select one of them, so no path from a request is
 * ever opened.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { packageFolder } from "../catalog/provenance.ts";

export interface PageFile {
  readonly type: string;
  readonly body: string;
}

/** The sources of the page (HTML and CSS); its compiled scripts are in the folder `page` beside this file. */
const sourceFolder = join(packageFolder, "harness", "try", "page");
const scriptFolder = fileURLToPath(new URL("./page/", import.meta.url));
/** Colours and fonts that the page has in common with reports. */
const lookFile = join(packageFolder, "reports", "page", "look.css");

/** Style sheets in the order in which they are joined. */
const styles = ["page.css", "picture.css", "asking.css", "answers.css", "chat.css"];

/** The files of the page by request path. */
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
