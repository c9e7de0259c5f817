/** `blip2-bench match`: how well texts go with an image of one's own. */
import { describePrecision } from "../../../models/checkpoint/precision.ts";
import { likelihoodText } from "../../../reports/tables/numbers.ts";
import { left, right, tableOf } from "../../../reports/tables/table.ts";
import { tableToText } from "../../../reports/tables/terminal.ts";
import type { ColumnOf } from "../../../reports/tables/table.ts";
import { refuseExcess, refuseFlagsAsValues } from "../flags.ts";
import type { AddCommand, Surroundings } from "../flags.ts";
import { Answers, codeOf, modelsToRide, readRide, usableImages, withRideFlags } from "../own-images/own-image-flags.ts";
import type { RideFlags } from "../own-images/own-image-flags.ts";
import { scorer as scorerOf } from "../../own-images/able-models.ts";
import { textScores } from "../../evaluation/retrieval/text-scores.ts";
import type { TextMatch } from "../../evaluation/retrieval/text-scores.ts";
import { UsageError } from "../../catalog/usage-error.ts";

const defaultModel = "shapes-itm";

const columns: readonly ColumnOf<TextMatch>[] = [
  right("matching", ({ matching }) => likelihoodText(matching)),
  right("similarity", ({ similarity }) => similarity.toFixed(4)),
  left("text", ({ text }) => text),
];

export const addMatch: AddCommand = (program, called) => {
  const command = program.command("match").description("how well texts go with an image of your own");
  command.argument("[image]").argument("[texts...]");
  withRideFlags(command, defaultModel).action(() => {
    refuseExcess(command, Infinity);
    refuseFlagsAsValues(command);
    const flags = command.opts<RideFlags>();
    const words = [...command.args];
    called({ flags, perform: (surroundings) => match(words, flags, surroundings) });
  });
};

/** Gives the exit code. */
async function match(
  [word, ...texts]: readonly string[],
  flags: RideFlags,
  surroundings: Surroundings,
): Promise<number> {
  if (word === undefined || texts.length === 0) {
    throw new UsageError(`match: found no ${word === undefined ? "image" : "text"}, expected an image and texts.`);
  }
  const { terminal } = surroundings;
  const ride = readRide(flags, defaultModel, surroundings);
  const { images, failed } = await usableImages([word], ride.config.maxPixels, terminal);
  const models = (await modelsToRide(ride, surroundings)).map(scorerOf);
  const answers = new Answers({ form: ride.form, terminal, line: () => "" });
  for (const model of models) {
    const scorer = await model.load();
    const about = { model: model.name, precision: describePrecision(model.precision) };
    try {
      for (const image of images) {
        if (terminal.isOutputLost) break;
        const { scores: found } = await textScores(scorer, { id: image, path: image }, texts);
        if (ride.form !== "text") {
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
