/** Reads YAML, of which JSON is a part, so that messages can say in which line and column a value stands. */
import type { Document } from "yaml";
import { decodeNamed, readNamed } from "./named-file.ts";
import { UsageError } from "./usage-error.ts";

export interface YamlFile {
  readonly document: Document.Parsed;
  /** `eval.yaml:3:8` of the place that is so many characters from the start. */
  readonly at: (offset: number) => string;
}

/** Throws a UsageError. `flag`: what the file was named by. */
export async function readYamlFile(file: string, flag: string): Promise<YamlFile> {
  return parseYaml(decodeNamed(await readNamed(file, flag), file, flag), file);
}

/** Throws a UsageError with line and column. `file`: its name in messages. */
export async function parseYaml(text: string, file: string): Promise<YamlFile> {
  const { Lexer, LineCounter, parseDocument } = await import("yaml");
  refuseNesting(new Lexer().lex(text), file);
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

/** Lists and names inside each other: far more than files have, and far fewer than fill the stack or the memory of the parser. */
const mostNested = 100;

/** `tokens`: of the text as YAML's lexer has them. Indentation is not counted: a text that is deep by it is long. */
function refuseNesting(tokens: Iterable<string>, file: string): void {
  let [inBrackets, onLine] = [0, 0];
  for (const token of tokens) {
    if (token === "[" || token === "{") inBrackets += 1;
    else if (token === "]" || token === "}") inBrackets -= 1;
    else if (token === "-" || token === "?") onLine += 1;
    else if (token.startsWith("\n")) onLine = 0;
    if (inBrackets + onLine <= mostNested) continue;
    throw new UsageError(`${file}: found more than ${mostNested} lists inside each other. Is it the right file?`);
  }
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
