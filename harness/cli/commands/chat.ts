/** `blip2-bench chat`: a conversation about an image of one's own, at a terminal or with questions from standard input. */
import { describePrecision } from "../../../models/checkpoint/precision.ts";
import { generatingCheckpoint } from "../../library/checkpoints.ts";
import type { TextOptions } from "../../library/types.ts";
import { conversing } from "../../../tasks/own-image.ts";
import { checkSearchMemory } from "../../evaluation/generation/check-search-memory.ts";
import { decodingOf } from "../../evaluation/generation/asking.ts";
import { refuseExcess, refuseFlagsAsValues } from "../flags.ts";
import type { AddCommand, Surroundings } from "../flags.ts";
import { generator } from "../../own-images/able-models.ts";
import { ChatSession } from "../own-images/chat-session.ts";
import {
  Answers,
  modelsToRide,
  readRide,
  usableImages,
  withDecodingFlags,
  withRideFlags,
} from "../own-images/own-image-flags.ts";
import type { Ride, RideFlags } from "../own-images/own-image-flags.ts";
import { UsageError } from "../../catalog/usage-error.ts";

const defaultModel = "shapes-opt-base";
const defaults = { protocol: "neither: greedy, 30 tokens at most", beams: "1, or the protocol's" };

export const addChat: AddCommand = (program, called) => {
  const command = program.command("chat").description("a conversation about an image of your own");
  command.argument("[image]");
  withRideFlags(withDecodingFlags(command, defaults), defaultModel).action(() => {
    refuseExcess(command, 1);
    refuseFlagsAsValues(command);
    const flags = command.opts<RideFlags>();
    const [image] = command.args;
    called({ flags, perform: (surroundings) => chat(image, flags, surroundings) });
  });
};

/** Gives the exit code. */
async function chat(word: string | undefined, flags: RideFlags, surroundings: Surroundings): Promise<number> {
  if (word === undefined) throw new UsageError("chat: found no image, expected one to talk about.");
  const { terminal, input } = surroundings;
  if (input === null) throw new UsageError("chat: found no standard input, expected a terminal or a question a line.");
  const ride = readRide(flags, defaultModel, surroundings);
  const { images } = await usableImages([word], ride.config.maxPixels, terminal);
  const [image, ...others] = images;
  if (image === undefined || others.length > 0) {
    throw new UsageError(`chat: found ${images.length} images in ${word}, expected one. /image goes on to another.`);
  }
  const [one, ...more] = await modelsToRide(ride, surroundings);
  if (one === undefined || more.length > 0) {
    throw new UsageError(`--model, --precision: found ${more.length + 1} checkpoints, expected one to talk with.`);
  }
  const model = generator(one);
  const decoding = decodingOf(conversing.decoding, ride.config.overrides);
  if (ride.config.overrides.beams !== undefined) checkSearchMemory(model, { decoding, texts: 1 });
  const checkpoint = generatingCheckpoint(await model.load(), describePrecision(model.precision));
  try {
    const session = new ChatSession({
      checkpoint,
      image,
      options: textOptions(ride, flags),
      maxPixels: ride.config.maxPixels,
      terminal,
      input,
      isInteractive: input.isTTY === true && terminal.isRead && ride.form === "text",
      answers: new Answers({ form: ride.form, terminal, line: (answer) => String(answer["answer"]) }),
    });
    return await session.run();
  } finally {
    await checkpoint.release();
  }
}

function textOptions({ config, sampling, show }: Ride, { protocol }: RideFlags): TextOptions {
  const { beams, minNewTokens, maxNewTokens, lengthPenalty, repetitionPenalty, earlyStopping } = config.overrides;
  return {
    ...(protocol !== undefined && { protocol: config.protocol }),
    ...(beams !== undefined && { beams }),
    ...(minNewTokens !== undefined && { minNewTokens }),
    ...(maxNewTokens !== undefined && { maxNewTokens }),
    ...(lengthPenalty !== undefined && { lengthPenalty }),
    ...(repetitionPenalty !== undefined && { repetitionPenalty }),
    ...(earlyStopping !== undefined && { earlyStopping }),
    ...(sampling !== null && { sampling: { ...withoutNulls(sampling) } }),
    tokenProbabilities: show,
  };
}

function withoutNulls({ topK, ...others }: NonNullable<Ride["sampling"]>): TextOptions["sampling"] & object {
  return topK === null ? others : { ...others, topK };
}
