/** What a format of `export` is: which runs it is for, which samples it must have, and its files. */
import type { AnsweredRun, AskedSample } from "../answered-run.ts";
import { isCaptioned, isQuestion } from "../sample-kinds.ts";
import type { ExportFormatName } from "./format-names.ts";

export interface ExportFormat {
  readonly name: ExportFormatName;
  /** For help, in a few words. */
  readonly about: string;
  /**
   * What must be there, unless --partial is given. `answers`: an answer to each sample that the run asks; `split`: an
   * answer to each sample of the split, since its evaluator or server takes nothing less; `nothing`: each sample is
   * written with what is known of it.
   */
  readonly needs: "answers" | "split" | "nothing";
  /** Why the run cannot be written in this format, as the end of a sentence; null: it can. */
  readonly unfit: (run: AnsweredRun) => string | null;
  /** `answered`: the samples to write; those without an answer are left out, unless nothing is needed. */
  readonly files: (run: AnsweredRun, answered: readonly AskedSample[]) => readonly ExportedFile[];
}

export interface ExportedFile {
  readonly name: string;
  readonly content: string | Uint8Array;
  /** What the file holds, for the user. */
  readonly about: string;
}

/** `unfit` of a format for questions and their answers. */
export function unlessQuestions({ asked, task }: AnsweredRun): string | null {
  const isAsked = task.kind === "generation" && asked.every(({ sample }) => isQuestion(sample));
  return isAsked ? null : `it holds answers to questions, and ${task.name} asks none`;
}

/** `unfit` of a format for captions. */
export function unlessCaptions({ asked, task }: AnsweredRun): string | null {
  const isCaptions = task.kind === "generation" && asked.every(({ sample }) => isCaptioned(sample));
  return isCaptions ? null : `it holds captions, and ${task.name} makes none`;
}

/** An official id: a number where it is one in official files, else text. */
export function officialId(id: string): number | string {
  return isOfficialNumber(id) ? Number(id) : id;
}

export function isOfficialNumber(id: string): boolean {
  return /^(?:0|[1-9]\d*)$/.test(id) && Number.isSafeInteger(Number(id));
}

/** A name as a part of a file's name: letters, digits, dots and hyphens, not beginning with a dot. */
export function fileNamePart(name: string): string {
  return name.replace(/[^A-Za-z0-9.-]+/g, "-").replace(/^[.-]+|[.-]+$/g, "") || "unnamed";
}

/** JSON that is one list, an entry a line. */
export function jsonList(entries: readonly unknown[]): string {
  return entries.length === 0 ? "[]\n" : `[\n${entries.map((entry) => JSON.stringify(entry)).join(",\n")}\n]\n`;
}
