/** Reads YAML, of which JSON is a part, so that messages can say in which line and column a value stands. */
import type { Document } from "yaml";
import { describeSystemCode, systemCode } from "../../reports/records/run-folder-error.ts";
import { readTextFile, TextFileError } from "../../reports/records/text-file.ts";
import { UsageError } from "./usage-error.ts";

export interface YamlFile {
  readonly document: Document.Parsed;
  /** `eval.yaml:3:8` of the place that is so many characters from the start. */
  readonly at: (offset: number) => string;
}

/** Throws a UsageError. `flag`: what the file was named by. */
export async function readYamlFile(file: string, flag: string): Promise<YamlFile> {
  const text = await readTextFile(file).catch((error: unknown) => {
    if (error instanceof TextFileError) throw new UsageError(`${flag} ${error.message}`, { cause: error });
    throw unreadable(error, file, flag);
  });
  return parseYaml(text, file);
}

/** The error for a file that the system does not give; other errors are given back. */
export function unreadable(error: unknown, file: string, flag: string): unknown {
  const code = systemCode(error);
  if (code === null) return error;
  return new UsageError(`${flag} ${file}: ${code === "ENOENT" ? "no such file" : describeSystemCode(code)}.`);
}

/** Throws a UsageError with line and column. `file`: its name in messages. */
export async function parseYaml(text: string, file: string): Promise<YamlFile> {
  const { LineCounter, parseDocument } = await import("yaml");
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${file}:${line}:${col}`;
  };
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw new UsageError(`${at(problem.pos[0])}: ${sentence(problem.message)}`);
  return { document, at };
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
