/** `blip2-bench caption`: what is on images of one's own. */
import { captioning } from "../../../tasks/own-image.ts";
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

export const addCaption: AddCommand = (program, called) => {
  const command = program.command("caption").description("say what is on images of your own: files, folders, patterns");
  command.argument("[images...]").option("--prompt <text>", "words that the caption goes on with (default: none)");
  withRideFlags(withBatchFlag(withDecodingFlags(command)), defaultModel).action(() => {
    refuseExcess(command, Infinity);
    refuseFlagsAsValues(command);
    const flags = command.opts<RideFlags>();
    const images = [...command.args];
    called({ flags, perform: (surroundings) => caption(images, flags, surroundings) });
  });
};

/** Gives the exit code. */
async function caption(words: readonly string[], flags: RideFlags, surroundings: Surroundings): Promise<number> {
  if (words.length === 0) throw new UsageError("caption: found no image, expected files, folders or patterns.");
  const { terminal } = surroundings;
  const ride = readRide(flags, defaultModel, surroundings);
  const { config, form } = ride;
  const { images, failed } = await usableImages(words, config.maxPixels, terminal);
  const isAlone = images.length === 1 && failed === 0;
  const isSideBySide = config.models.length * config.precisions.length > 1;
  const line = (answer: Answer): string => {
    const before = [
      ...(isAlone ? [] : [String(answer["image"])]),
      ...(isSideBySide ? [`${String(answer["model"])} ${String(answer["precision"])}`] : []),
    ];
    return [...before, String(answer["caption"])].join(": ");
  };
  const prompt = flags.prompt === undefined || flags.prompt === "" ? captioning.prompt : flags.prompt;
  return printAnswers(
    images.map((image) => ({ image, question: null })),
    {
      ride,
      failed,
      answers: new Answers({ form, terminal, line }),
      askingOf: (family) => ({
        decoding: decodingOf(captioning.decoding(family, config.protocol), config.overrides),
        prompt: () => prompt,
        maxPromptTokens: null,
        answer: captioning.answer,
      }),
    },
    surroundings,
  );
}
