/** Reads a file of results: a JSON list, JSON lines, or the object with `logs` that older versions of lmms-eval write. */
import { open } from "node:fs/promises";
import { createInterface } from "node:readline";
import { DatasetError } from "../../../datasets/dataset.ts";
import { parseJsonValue } from "../../../datasets/json-scanner.ts";
import { readJsonEntries, readJsonLists } from "../../../datasets/json-records.ts";
import { RecordError } from "../../../datasets/record-fields.ts";
import { fieldsOf } from "../../../datasets/record-fields.ts";
import { formOf } from "./result-forms.ts";
import type { FoundAnswer, ResultForm } from "./result-forms.ts";

export interface ReadResults {
  readonly form: ResultForm;
  readonly answers: readonly FoundAnswer[];
}

/**
 * @param check throws a RecordError for an answer that is not wanted; the message then names the record's line
 * @throws DatasetError for a file that is missing, empty, no JSON, or has a record of another form
 */
export async function readResults(path: string, check: (answer: FoundAnswer) => void): Promise<ReadResults> {
  const answers: FoundAnswer[] = [];
  const forms: ResultForm[] = []; // that of the first record, once it is read
  const recordOf = new Map<string, number>();
  const take = ({ value, number }: { readonly value: unknown; readonly number: number }): void => {
    const form = forms[0] ?? formOf(value);
    forms[0] = form;
    const fields = fieldsOf(value);
    const missing = form.fields.find((name) => !Object.hasOwn(fields.object, name));
    if (missing !== undefined) throw new RecordError(`${missing} is missing, expected it as in the records before`);
    const answer = form.read(fields);
    const earlier = recordOf.get(answer.id);
    if (earlier !== undefined) throw new RecordError(`${answer.by} ${answer.id} stands in record ${earlier} already`);
    recordOf.set(answer.id, number);
    check(answer);
    answers.push(answer);
  };
  const file = { split: "import", path };
  switch (await shapeOf(path)) {
    case "list":
      await readJsonEntries(file, take);
      break;
    case "logs":
      await readJsonLists(file, { logs: take });
      break;
    case "lines":
      await readLines(path, take);
  }
  const [form] = forms;
  if (form === undefined) throw new DatasetError(`import: ${path}: holds no result.`);
  return { form, answers };
}

/** By its first line: of JSON lines it is a whole object. */
async function shapeOf(path: string): Promise<"list" | "logs" | "lines"> {
  const handle = await open(path).catch((cause: unknown) => {
    throw new DatasetError(
      `import: ${path}: cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    );
  });
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(1 << 16), 0, 1 << 16, 0);
    const start = buffer
      .toString("utf8", 0, bytesRead)
      .replace(/^\uFEFF/, "")
      .trimStart();
    if (start.startsWith("[")) return "list";
    return path.endsWith(".jsonl") || !/"logs"\s*:/.test(start) ? "lines" : "logs";
  } finally {
    await handle.close();
  }
}

async function readLines(path: string, take: (record: { value: unknown; number: number }) => void): Promise<void> {
  const handle = await open(path);
  let number = 0;
  try {
    for await (const line of createInterface({
      input: handle.createReadStream({ encoding: "utf8" }),
      crlfDelay: Infinity,
    })) {
      number += 1;
      if (line.trim() === "") continue;
      try {
        take({ value: parseJsonValue(line), number });
      } catch (cause) {
        if (!(cause instanceof RecordError || cause instanceof SyntaxError)) throw cause;
        const what = cause instanceof SyntaxError ? `no JSON: ${cause.message}` : cause.message;
        throw new DatasetError(`import: ${path}, line ${number}: ${what}`, { cause });
      }
    }
  } finally {
    await handle.close();
  }
}
