/** `blip2-bench ask`: questions about an image of one's own, which is encoded once for all of them. */
import { readTextFile, TextFileError } from "../../../reports/records/text-file.ts";
import { questionAnswering } from "../../../tasks/own-image.ts";
import { refuseExcess, refuseFlagsAsValues } from "../flags.ts";
import type { AddCommand, Surroundings } from "../flags.ts";
import { decodingOf } from "../../evaluation/generation/asking.ts";
import { printAnswers } from "../own-images/print-answers.ts";
import {
  Answers,
  readRide,
  usableImages,
  withBatchFlag,
  withDecodingFlags,
  withRideFlags,
} from "../own-images/own-image-flags.ts";
import type { Answer, RideFlags } from "../own-images/own-image-flags.ts";
import { UsageError } from "../../catalog/usage-error.ts";

const defaultModel = "shapes-opt-base";

interface AskFlags extends RideFlags {
  readonly questions?: string;
}

export const addAsk: AddCommand = (program, called) => {
  const command = program.command("ask").description("answer questions about an image of your own");
  command
    .argument("[image]")
    .argument("[questions...]")
    .option("--questions <file>", "more questions, one a line")
    .option("--prompt <text>", "another prompt, with {question} in it (default: the paper's)");
  withRideFlags(withBatchFlag(withDecodingFlags(command)), defaultModel).action(() => {
    refuseExcess(command, Infinity);
    refuseFlagsAsValues(command);
    const flags = command.opts<AskFlags>();
    const words = [...command.args];
    called({ flags, perform: (surroundings) => ask(words, flags, surroundings) });
  });
};

/** Gives the exit code. */
async function ask([word, ...given]: readonly string[], flags: AskFlags, surroundings: Surroundings): Promise<number> {
  if (word === undefined) throw new UsageError("ask: found no image, expected an image and a question.");
  const { terminal } = surroundings;
  const ride = readRide(flags, defaultModel, surroundings);
  const { config, form } = ride;
  const { prompt: template } = config.overrides;
  if (template?.includes("{question}") === false) {
    throw new UsageError(`--prompt: no {question} in "${template}"; every question would be asked the same.`);
  }
  const questions = [...given, ...(flags.questions === undefined ? [] : await questionsIn(flags.questions))];
  if (questions.length === 0) {
    throw new UsageError(`ask: found no question about ${word}, expected one behind it, or a file with --questions.`);
  }
  const empty = questions.find((question) => question.trim() === "");
  if (empty !== undefined) throw new UsageError(`ask: found the question "${empty}", expected words.`);
  const { images, failed } = await usableImages([word], config.maxPixels, terminal);
  const isSideBySide = config.models.length * config.precisions.length > 1;
  const line = (answer: Answer): string =>
    [
      ...(images.length + failed > 1 ? [String(answer["image"])] : []),
      ...(isSideBySide ? [`${String(answer["model"])} ${String(answer["precision"])}`] : []),
      ...(questions.length > 1 ? [String(answer["question"])] : []),
      String(answer["answer"]),
    ].join(": ");
  const { protocol, overrides } = config;
  return printAnswers(
    images.flatMap((image) => questions.map((question) => ({ image, question }))),
    {
      ride,
      failed,
      answers: new Answers({ form, terminal, line }),
      askingOf: (family) => ({
        decoding: decodingOf(questionAnswering.decoding(family, protocol), overrides),
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

/** One a line; empty lines are none. */
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
