/** Asks about images and prints each answer as it arrives; after Ctrl-C, only those that are finished. */
import type { WriterFamily } from "../../../models/model.ts";
import type { CheckpointInPrecision } from "../../evaluation/checkpoints.ts";
import type { NamedGenerator } from "../../own-images/able-models.ts";
import { generateAnswers } from "../../own-images/generate-answers.ts";
import type { Asking } from "../../evaluation/generation/asking.ts";
import { checkSearchMemory } from "../../evaluation/generation/check-search-memory.ts";
import type { AnsweredBatch, ImageQuestion } from "../../own-images/generate-answers.ts";
import type { Surroundings } from "../declared-command.ts";
import { watchInterrupt } from "../interrupt.ts";
import { checkpointsAsked, codeOf } from "./how-asked.ts";
import type { Answer, Answers, HowAsked } from "./how-asked.ts";

export interface PrintOptions {
  readonly how: HowAsked;
  /** Number of texts that are generated together. */
  readonly batchSize: number;
  /** Throws a UsageError for a checkpoint that cannot be asked this. */
  readonly able: (model: CheckpointInPrecision) => NamedGenerator;
  readonly askingOf: (family: WriterFamily) => Asking<ImageQuestion>;
  readonly answers: Answers;
  /** Number of images that cannot be used. */
  readonly failed: number;
}

/** Gives the exit code. */
export async function printAnswers(
  asked: readonly ImageQuestion[],
  { how, batchSize, able, askingOf, answers, failed: failedBefore }: PrintOptions,
  surroundings: Pick<Surroundings, "catalog" | "hubCache" | "terminal">,
): Promise<number> {
  const { terminal } = surroundings;
  const { sampling, show } = how;
  const models = (await checkpointsAsked(how, surroundings)).map(able);
  for (const model of models) {
    checkSearchMemory(model, { decoding: askingOf(model.family).decoding, texts: Math.min(batchSize, asked.length) });
  }
  const counts = { answered: 0, failed: failedBefore };
  const interrupt = watchInterrupt(() => {
    terminal.message("Stopping after the answers at hand; Ctrl-C again stops at once.");
  });
  try {
    const isStopped = (): boolean => interrupt.exitCode() !== null || terminal.isOutputLost;
    const options = { askingOf, batchSize, sampling, tokenProbabilities: show, isStopped };
    for await (const batch of generateAnswers(models, asked, options)) {
      for (const { image, outcome } of batch.answers) {
        if (outcome.status !== "failed") continue;
        terminal.error(`${image}: ${outcome.error.replace(`${image}: `, "")}`);
      }
      const answered = printBatch(batch, answers);
      counts.answered += answered;
      counts.failed += batch.answers.length - answered;
      if (asked.length > batchSize) {
        const run = `${batch.model} ${batch.precision}`;
        terminal.progress({ run, before: 0, done: batch.done, samples: asked.length, failed: counts.failed });
      }
    }
    answers.end();
    return interrupt.exitCode() ?? codeOf(counts);
  } finally {
    interrupt.dispose();
  }
}

/** Prints a batch of answers; gives their number. */
function printBatch({ model, precision, answers: batch }: AnsweredBatch, answers: Answers): number {
  let count = 0;
  for (const { image, question, outcome } of batch) {
    if (outcome.status === "failed") continue;
    count += 1;
    const { text, score, shownTokens: tokens, latencyMs } = outcome;
    const about: Answer = { model, precision, image, ...(question !== null && { question }) };
    const answer = { ...about, [question === null ? "caption" : "answer"]: text, score };
    answers.add(answer, tokens === undefined ? null : { tokens, latencyMs });
  }
  return count;
}
