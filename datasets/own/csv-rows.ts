/**
 * Rows of a CSV or TSV file with a header (RFC 4180), and of Flickr8k's and Flickr30k's captions, which are such files. A
 * cell that is a JSON list, `["red", "dark red"]`, is a list. Where the header of a CSV has semicolons and no comma, the
 * fields are parted by semicolons, as spreadsheets write them in many countries.
 */
import { isUtf8 } from "node:buffer";
import { readFile } from "node:fs/promises";
import { CsvError, parse } from "csv-parse/sync";
import { fileError, unreadableFile } from "../annotation-file.ts";
import type { AnnotationFile } from "../annotation-file.ts";
import { parseJsonValue } from "../json-scanner.ts";
import { columnsOf } from "./row.ts";
import type { Row } from "./row.ts";

interface Line {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

/** Throws a DatasetError with the line for a header that names a column twice, or a row of another length. */
export async function readCsvRows(file: AnnotationFile, separator: "," | "\t"): Promise<readonly Row[]> {
  // TSV files that write quotes in texts, as VLMEvalKit's, quote fields as CSV files do.
  const text = await readText(file);
  const firstLine = text.slice(0, text.search(/[\r\n]|$/));
  const isParted = separator === "," && firstLine.includes(";") && !firstLine.includes(",");
  const [header, ...lines] = parseLines(file, text, isParted ? ";" : separator);
  if (header === undefined) throw fileError(file, "is empty, expected a line with the names of columns.");
  const names = header.record.map((name) => name.trim());
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw fileError(file, `line 1: names the column "${twice}" twice. Rename one.`);
  return lines.map(({ record, info }) => {
    if (record.length !== names.length) {
      throw fileError(
        file,
        `line ${info.lines}: has ${record.length} fields, expected ${names.length} as in line 1 (${names.join(", ")}). ` +
          "Put quotes around a field that holds the separator.",
      );
    }
    const cells = record.map((cell, index) => [names[index]!, cellValue(cell)] as const);
    return { file, place: `line ${info.lines}`, columns: columnsOf(Object.fromEntries(cells)) };
  });
}

/** `captions.txt` has a header, `*.token.txt` has none: `1000268201.jpg#0<tab>A child is climbing stairs.` */
export async function readTokenRows(file: AnnotationFile): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const [index, line] of (await readText(file)).split(/\r?\n/).entries()) {
    if (line.trim() === "") continue;
    const [, image, caption] = /^([^\t]+?)(?:#\d+)?\t(.+)$/.exec(line) ?? [];
    if (image === undefined || caption === undefined) {
      throw fileError(
        file,
        `line ${index + 1}: found ${JSON.stringify(line.slice(0, 60))}, expected name.jpg#0, a tab, a caption.`,
      );
    }
    rows.push({ file, place: `line ${index + 1}`, columns: { image, caption: caption.trim() } });
  }
  return rows;
}

/** UTF-8 without a byte order mark. Throws a DatasetError for other text. */
export async function readText(file: AnnotationFile): Promise<string> {
  const bytes = await readFile(file.path).catch((cause: unknown) => {
    throw unreadableFile(file, cause);
  });
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (isUtf16) throw fileError(file, "is UTF-16 text, expected UTF-8. Save it as UTF-8.");
  if (!isUtf8(bytes)) throw fileError(file, `line ${lineNotUtf8(bytes)}: is not UTF-8 text. Save the file as UTF-8.`);
  return bytes.toString("utf8").replace(/^\u{feff}/u, "");
}

/** The first line, counted from 1, that is not UTF-8. */
function lineNotUtf8(bytes: Buffer): number {
  let line = 1;
  for (let start = 0; start < bytes.length; line += 1) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline;
    if (!isUtf8(bytes.subarray(start, end))) break;
    start = end + 1;
  }
  return line;
}

function parseLines(file: AnnotationFile, text: string, delimiter: string): readonly Line[] {
  try {
    return parse(text, {
      delimiter,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
    }) as unknown as Line[];
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw fileError(file, `line ${String(cause["lines"])}: ${cause.message}`, cause);
  }
}

function cellValue(cell: string): unknown {
  if (!cell.startsWith("[")) return cell;
  try {
    const value = parseJsonValue(cell);
    return Array.isArray(value) ? value : cell;
  } catch {
    return cell; // text that begins with a bracket
  }
}
