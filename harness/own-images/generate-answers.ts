/** Models one after the other, each asked the same about the same images: what `caption` and `ask` do. */
import type { DecodingOptions, LanguageModelFamily } from "../../models/model.ts";
import { describePrecision } from "../../models/checkpoint/precision.ts";
import type { Surroundings } from "../cli/flags.ts";
import { watchInterrupt } from "../cli/interrupt.ts";
import { UsageError } from "../catalog/usage-error.ts";
import { codeOf, modelsToRide } from "../cli/own-images/own-image-flags.ts";
import { withSampling } from "../cli/own-images/sampling-flags.ts";
import type { Answer, Answers, Ride } from "../cli/own-images/own-image-flags.ts";

export interface Asked {
  readonly image: string;
  /** null: for a caption. */
  readonly question: string | null;
}

export interface Way {
  readonly decoding: DecodingOptions;
  readonly prompt: (asked: Asked) => string | null;
  readonly maxPromptTokens: number | null;
  readonly answer: (text: string) => string;
}

/** Gives the exit code. Answers come in the order of `asked`, model after model; after Ctrl-C those that are there. */
export async function generateAnswers(
  asked: readonly Asked[],
  { ride, wayOf, answers, failed: failedBefore }: AnswerOptions,
  surroundings: Pick<Surroundings, "catalog" | "hubCache" | "terminal">,
): Promise<number> {
  const { terminal } = surroundings;
  const models = await modelsToRide(ride, surroundings);
  const counts = { answered: 0, failed: failedBefore };
  const interrupt = watchInterrupt(() => {
    terminal.message("Stopping after the answers at hand; Ctrl-C again stops at once.");
  });
  try {
    for (const model of models) {
      if (model.kind !== "generation") {
        throw new UsageError(`--model ${model.name}: it matches images and texts, and generates none. See match.`);
      }
    }
    for (const model of models) {
      if (model.kind !== "generation") continue;
      const { decoding, prompt, maxPromptTokens, answer } = wayOf(model.family);
      const run = `${model.name} ${describePrecision(model.precision)}`;
      const loaded = await model.load();
      let done = 0;
      try {
        while (done < asked.length && interrupt.exitCode() === null) {
          const window = asked.slice(done, done + ride.batchSize);
          const requests = window.map((each) => ({
            image: { id: each.image, path: each.image },
            prompt: prompt(each),
            ...(maxPromptTokens !== null && { maxPromptTokens }),
          }));
          const generated = await loaded.generate(requests, {
            ...withSampling(decoding, ride.sampling),
            tokenProbabilities: ride.show,
          });
          for (const [index, each] of generated.entries()) {
            const { image, question } = window[index]!;
            if (each.status === "failed") {
              counts.failed += 1;
              terminal.error(`${image}: ${each.error.replace(`${image}: `, "")}`);
              continue;
            }
            counts.answered += 1;
            const { text, score, shownTokens: tokens, latencyMs } = each;
            const own = about({ model: model.name, precision: describePrecision(model.precision), image, question });
            const named = { [question === null ? "caption" : "answer"]: answer(text), score };
            answers.add({ ...own, ...named }, tokens === undefined ? null : { tokens, latencyMs });
          }
          done += window.length;
          if (asked.length > ride.batchSize) {
            terminal.progress({ run, before: 0, done, samples: asked.length, failed: counts.failed });
          }
        }
      } finally {
        await loaded.release();
      }
    }
    answers.end();
    return interrupt.exitCode() ?? codeOf(counts);
  } finally {
    interrupt.dispose();
  }
}

interface AnswerOptions {
  readonly ride: Ride;
  readonly wayOf: (family: LanguageModelFamily) => Way;
  readonly answers: Answers;
  /** Images that cannot be used. */
  readonly failed: number;
}

function about({ model, precision, image, question }: Readonly<Record<string, string | null>>): Answer {
  const short = { model: model ?? "", precision: precision ?? "", image: image ?? "" };
  return question === null || question === undefined ? short : { ...short, question };
}
