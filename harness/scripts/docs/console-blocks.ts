/**
 * Console blocks in Markdown pages: each has a command behind `$ ` and below it the output that the command printed:
 *
 *   ```console first=2
 *   $ npx blip2-bench run --limit 100
 *   checkpoint  task  metric  score
 *   …
 *   ```
 *
 * `first=2`: of consecutive rows with equal first two cells only the first is shown; `…` marks that rows were left out.
 */

interface Console {
  readonly command: string;
  readonly output: string;
  /** Number of leading cells that rows of one group have in common; null: all rows are shown. */
  readonly groupCells: number | null;
}

const blockPattern = /^```console(?: first=(\d+))?\n([\s\S]*?)^```$/gm;

/** All console blocks of a page, in order. */
export function consolesIn(page: string): readonly Console[] {
  return [...page.matchAll(blockPattern)].flatMap(([, cells, text = ""]) => {
    const groupCells = cells === undefined ? null : Number(cells);
    const [, ...parts] = `\n${text}`.split("\n$ ");
    return parts.map((part) => {
      const [command = "", ...lines] = part.split("\n");
      return { command, output: lines.join("\n").trimEnd(), groupCells };
    });
  });
}

/**
 * The page with each command's output replaced by that of `outputOf`, which is given the command and its former output.
 */
export function withOutputs(page: string, outputOf: (command: string, before: string) => string): string {
  let written = "";
  let end = 0;
  for (const block of page.matchAll(blockPattern)) {
    const [whole, cells] = block;
    const shown: string[] = [];
    for (const { command, output, groupCells } of consolesIn(whole)) {
      shown.push(`$ ${command}`, shortened(outputOf(command, output), groupCells));
    }
    const fence = cells === undefined ? "```console" : `\`\`\`console first=${cells}`;
    written += `${page.slice(end, block.index)}${fence}\n${shown.filter((text) => text !== "").join("\n")}\n\`\`\``;
    end = block.index + whole.length;
  }
  return written + page.slice(end);
}

/** The output without the further rows of each group, and without the paragraphs behind its first table. */
export function shortened(output: string, groupCells: number | null): string {
  const text = output.trimEnd();
  if (groupCells === null) return text;
  const [table = ""] = text.split("\n\n");
  const groups = new Set<string>();
  const rows = table.split("\n").filter((line) => {
    const group = cellsOf(line).slice(0, groupCells).join("  ");
    if (groups.has(group)) return false;
    groups.add(group);
    return true;
  });
  return rows.join("\n") === text ? text : `${rows.join("\n")}\n…`;
}

function cellsOf(line: string): readonly string[] {
  return line.trim().split(/ {2,}/);
}

/**
 * The parts of an output that do not depend on the machine: the column titles of each table, and the first cell of each
 * row.
 */
export function skeletonOf(output: string): readonly string[] {
  return output.split("\n\n").flatMap((paragraph) => {
    const [heading = "", ...rows] = paragraph.split("\n").filter((line) => !/^( |…)/.test(line));
    const titles = cellsOf(heading);
    return titles.length < 3 ? [] : [titles.join(" | "), ...rows.map((row) => cellsOf(row)[0]!)];
  });
}

/** `npx blip2-bench ask photo.jpg "what is it?"` → `["ask", "photo.jpg", "what is it?"]`. @throws Error for another program. */
export function wordsOf(line: string): string[] {
  const [, rest] = /^npx blip2-bench (.*)$/.exec(line) ?? [];
  if (rest === undefined) throw new Error(`${line}: expected npx blip2-bench, or npm start`);
  return [...rest.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}
