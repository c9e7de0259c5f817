/** `blip2-bench match`: scores how well texts fit a user's image. */
import { describePrecision } from "../../../models/checkpoint/precision.ts";
import { likelihoodText } from "../../../reports/tables/numbers.ts";
import { left, right, tableOf } from "../../../reports/tables/table.ts";
import { tableToText } from "../../../reports/tables/terminal.ts";
import type { ColumnOf } from "../../../reports/tables/table.ts";
import { Answers, codeOf, checkpointsAsked, readHowAsked, usableImages } from "../own-images/how-asked.ts";
import type { MatchValues } from "./declared/try-a-model.ts";
import { usualScorer } from "../options/own-images.ts";
import type { Surroundings } from "../declared-command.ts";
import { scorer as scorerOf } from "../../own-images/able-models.ts";
import { textScores } from "../../evaluation/retrieval/text-scores.ts";
import type { TextMatch } from "../../evaluation/retrieval/text-scores.ts";
import { UsageError } from "../../catalog/usage-error.ts";

const scores: readonly ColumnOf<TextMatch>[] = [
  right("matching", ({ matching }) => likelihoodText(matching)),
  right("similarity", ({ similarity }) => similarity.toFixed(4)),
];

const likelihoods: readonly ColumnOf<TextMatch>[] = [
  right("log-likelihood", ({ logLikelihood }) => logLikelihood?.toFixed(2) ?? ""),
  right("a token", ({ logLikelihoodPerToken }) => logLikelihoodPerToken?.toFixed(3) ?? ""),
];

const text: ColumnOf<TextMatch> = left("text", ({ text }) => text);

/** Gives the exit code. */
export async function match(
  values: MatchValues,
  [word, ...texts]: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  if (word === undefined || texts.length === 0) {
    throw new UsageError(`match: found no ${word === undefined ? "image" : "text"}, expected an image and texts.`);
  }
  const { terminal } = surroundings;
  const { likelihood } = values;
  const how = readHowAsked(values, usualScorer, surroundings);
  const { images, failed } = await usableImages([word], values.maxPixels, terminal);
  const models = (await checkpointsAsked(how, surroundings)).map((model) => scorerOf(model, { likelihood }));
  const columns = [...scores, ...(likelihood ? likelihoods : []), text];
  const answers = new Answers({ form: how.form, terminal, line: () => "" });
  for (const model of models) {
    const scorer = await model.load();
    const about = { model: model.name, precision: describePrecision(model.precision) };
    try {
      for (const image of images) {
        if (terminal.isOutputLost) break;
        const { scores: found } = await textScores(scorer, { id: image, path: image }, texts, { likelihood });
        if (how.form !== "text") {
          for (const scores of found) answers.add({ ...about, image, ...scores });
          continue;
        }
        if (images.length > 1) terminal.result(image);
        if (models.length > 1) terminal.result(`${about.model} ${about.precision}`);
        terminal.result(tableToText(tableOf(columns, found)));
      }
    } finally {
      await scorer.release();
    }
  }
  answers.end();
  return codeOf({ answered: images.length, failed });
}
