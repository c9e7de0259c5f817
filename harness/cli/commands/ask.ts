/** `blip2-bench ask`: answers questions about a user's image, which is encoded once for all of them. */
import { readTextFile, TextFileError } from "../../../reports/records/text-file.ts";
import { questionAnswering } from "../../../tasks/own-image.ts";
import { decodingOf } from "../../catalog/text-settings.ts";
import { printAnswers } from "../own-images/print-answers.ts";
import { answerer } from "../../own-images/able-models.ts";
import { Answers, readHowAsked, usableImages } from "../own-images/how-asked.ts";
import type { Answer } from "../own-images/how-asked.ts";
import type { AskValues } from "./declared/try-a-model.ts";
import { usualGenerator } from "../options/own-images.ts";
import type { Surroundings } from "../declared-command.ts";
import { UsageError } from "../../catalog/usage-error.ts";

/** Gives the exit code. */
export async function ask(
  values: AskValues,
  [word, ...given]: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  if (word === undefined) throw new UsageError("ask: found no image, expected an image and a question.");
  const { terminal } = surroundings;
  const how = readHowAsked(values, usualGenerator, surroundings);
  const { prompt: template, protocol = "paper", batchSize } = values;
  if (template?.includes("{question}") === false) {
    throw new UsageError(`--prompt: no {question} in "${template}"; every question would be asked the same.`);
  }
  const questions = [...given, ...(values.questions === undefined ? [] : await questionsIn(values.questions))];
  if (questions.length === 0) {
    throw new UsageError(`ask: found no question about ${word}, expected one behind it, or a file with --questions.`);
  }
  const empty = questions.find((question) => question.trim() === "");
  if (empty !== undefined) throw new UsageError(`ask: found the question "${empty}", expected words.`);
  const { images, failed } = await usableImages([word], values.maxPixels, terminal);
  const line = (answer: Answer): string =>
    [
      ...(images.length + failed > 1 ? [String(answer["image"])] : []),
      ...(how.isSideBySide ? [`${String(answer["model"])} ${String(answer["precision"])}`] : []),
      ...(questions.length > 1 ? [String(answer["question"])] : []),
      String(answer["answer"]),
    ].join(": ");
  return printAnswers(
    images.flatMap((image) => questions.map((question) => ({ image, question }))),
    {
      how,
      batchSize,
      failed,
      able: answerer,
      answers: new Answers({ form: how.form, terminal, line }),
      askingOf: (family) => ({
        decoding: decodingOf(questionAnswering.decoding(family, protocol), how.settings),
        prompt: ({ question }) =>
          template === undefined
            ? questionAnswering.prompt(question ?? "", family, protocol)
            : questionAnswering.fillIn(template, question ?? ""),
        maxPromptTokens: questionAnswering.maxPromptTokens(family, protocol),
        answer: questionAnswering.answer,
      }),
    },
    surroundings,
  );
}

/** The questions of a file, one a line; empty lines are skipped. */
async function questionsIn(file: string): Promise<readonly string[]> {
  const content = await readTextFile(file).catch((cause: unknown) => {
    if (cause instanceof TextFileError) throw new UsageError(`--questions: ${cause.message}`, { cause });
    throw new UsageError(`--questions: ${file} cannot be read, expected a text file with a question a line.`, {
      cause,
    });
  });
  const questions = content.split(/\r?\n/).filter((line) => line.trim() !== "");
  if (questions.length === 0) throw new UsageError(`--questions: ${file} has no question, expected one a line.`);
  return questions;
}
