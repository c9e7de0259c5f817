/**
 * The page's script as one text. A page that is opened from a file cannot import, so the compiled modules are joined in the
 * order of their imports: each is cut free of its imports from the others and of the word `export`. They then have one scope, so
 * no two of them may declare one name.
 */
import { readFile } from "node:fs/promises";

/** Each after those that it imports. They lie compiled beside this compiled file. */
const modules: readonly string[] = [
  ...["dom", "answers", "chosen-rows", "cards", "sample-table", "opened-sample", "page"],
];

export async function readPageScript(): Promise<string> {
  const texts = await Promise.all(
    modules.map((name) => readFile(new URL(`../page/${name}.js`, import.meta.url), "utf8")),
  );
  return texts.map(withoutModules).join("\n");
}

function withoutModules(text: string): string {
  return text
    .replace(/^import\s[^;]*?from "\.\/[^"]+";$/gm, "")
    .replace(/^export (?=(?:async )?function |const |class )/gm, "")
    .replace(/^export \{\};$/gm, "")
    .replace(/^\/\/# sourceMappingURL=.*$/gm, "");
}
