/** The prompts of a task file: texts with places for columns, or functions, for each language model. */
import type { Sample } from "../../../datasets/dataset.ts";
import { PromptError, promptTemplate, questionPlace } from "../../../tasks/prompt-template.ts";
import type { PromptTemplate } from "../../../tasks/prompt-template.ts";
import type { PromptTemplates } from "../../../tasks/task.ts";
import { unknownName, UsageError } from "../usage-error.ts";
import type { ReadTask } from "./build-task.ts";
import { taskSampleOf } from "./definition.ts";
import type { PromptFunction } from "./definition.ts";

export interface TaskPrompts {
  readonly templates: PromptTemplates<Sample>;
  /** Throws a UsageError where a prompt needs another column than those that samples have. */
  readonly check: (columns: readonly string[]) => void;
}

/** null: the file says nothing of prompts. Throws a UsageError for a prompt that asks every question the same. */
export function promptsOf(read: Pick<ReadTask, "settings" | "functions" | "placeOf" | "file">): TaskPrompts | null {
  const { settings, functions, placeOf, file } = read;
  const { prompt: given, kind } = settings;
  if (given === undefined) return null;
  const isByFamily = typeof given === "object" && given !== null;
  const texts = isByFamily ? given : { opt: given, t5: given };
  const pathOf = (family: "opt" | "t5"): readonly string[] => (isByFamily ? ["prompt", family] : ["prompt"]);
  const promptOf = (family: "opt" | "t5"): { fill: PromptTemplate["fill"]; check: TaskPrompts["check"] } => {
    const own = functions.prompt[family];
    if (own !== undefined) return { fill: (sample) => called(own, sample, file.path), check: () => undefined };
    const template = promptTemplate(texts[family] ?? "");
    const at = `${placeOf(pathOf(family))}: ${pathOf(family).join(".")}`;
    if (kind === "vqa" && template.columns.length === 0) {
      throw new UsageError(
        `${at}: no {${questionPlace}} in "${texts[family] ?? ""}"; every question would be asked the same.`,
      );
    }
    return {
      fill: template.fill,
      check: (columns) => {
        checkColumns(at, template, columns);
      },
    };
  };
  const [opt, t5] = [promptOf("opt"), promptOf("t5")];
  return {
    templates: { opt: opt.fill, t5: t5.fill },
    check: (columns) => {
      opt.check(columns);
      t5.check(columns);
    },
  };
}

function checkColumns(at: string, { columns }: PromptTemplate, names: readonly string[]): void {
  const unknown = columns.find((column) => !names.includes(column));
  if (unknown !== undefined) throw unknownName(`${at}: {${unknown}}`, "column", { name: unknown, names });
}

/** A prompt by a function of the user's. */
function called(prompt: PromptFunction, sample: Sample, file: string): string | null {
  try {
    return prompt(taskSampleOf({ references: [], ...sample }));
  } catch (error) {
    const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new PromptError(`the prompt of ${file} threw ${said}.`);
  }
}
