/** `blip2-bench chat`: a conversation about a user's image, at a terminal or with questions from standard input. */
import { describePrecision } from "../../../models/checkpoint/precision.ts";
import { generatingCheckpoint } from "../../library/checkpoints.ts";
import type { TextOptions } from "../../library/types.ts";
import { conversing } from "../../../tasks/own-image.ts";
import { checkSearchMemory } from "../../evaluation/generation/check-search-memory.ts";
import { decodingOf } from "../../catalog/text-settings.ts";
import { answerer } from "../../own-images/able-models.ts";
import { ChatSession } from "../own-images/chat-session.ts";
import { Answers, checkpointsAsked, readHowAsked, usableImages } from "../own-images/how-asked.ts";
import type { HowAsked } from "../own-images/how-asked.ts";
import type { SamplingSettings } from "../../catalog/text-settings.ts";
import type { ChatValues } from "./declared/try-a-model.ts";
import { usualGenerator } from "../options/own-images.ts";
import type { Surroundings } from "../declared-command.ts";
import { UsageError } from "../../catalog/usage-error.ts";

/** Gives the exit code. */
export async function chat(values: ChatValues, [word]: readonly string[], surroundings: Surroundings): Promise<number> {
  if (word === undefined) throw new UsageError("chat: found no image, expected one to talk about.");
  const { terminal, input } = surroundings;
  if (input === null) throw new UsageError("chat: found no standard input, expected a terminal or a question a line.");
  const how = readHowAsked(values, usualGenerator, surroundings);
  const { images } = await usableImages([word], values.maxPixels, terminal);
  const [image, ...others] = images;
  if (image === undefined || others.length > 0) {
    throw new UsageError(`chat: found ${images.length} images in ${word}, expected one. /image goes on to another.`);
  }
  const [one, ...more] = await checkpointsAsked(how, surroundings);
  if (one === undefined || more.length > 0) {
    throw new UsageError(`--model, --precision: found ${more.length + 1} checkpoints, expected one to talk with.`);
  }
  const model = answerer(one);
  const decoding = decodingOf(conversing.decoding, how.settings);
  if (how.settings.beams !== undefined) checkSearchMemory(model, { decoding, texts: 1 });
  const checkpoint = generatingCheckpoint(await model.load(), describePrecision(model.precision));
  try {
    const session = new ChatSession({
      checkpoint,
      image,
      options: textOptions(how, values),
      maxPixels: values.maxPixels,
      terminal,
      input,
      isInteractive: input.isTTY === true && terminal.isRead && how.form === "text",
      answers: new Answers({ form: how.form, terminal, line: (answer) => String(answer["answer"]) }),
    });
    return await session.run();
  } finally {
    await checkpoint.release();
  }
}

function textOptions({ settings, sampling, show }: HowAsked, { protocol }: ChatValues): TextOptions {
  return {
    ...settings,
    ...(protocol !== undefined && { protocol }),
    ...(sampling !== null && { sampling: withoutNulls(sampling) }),
    tokenProbabilities: show,
  };
}

function withoutNulls({ topK, ...others }: NonNullable<HowAsked["sampling"]>): SamplingSettings {
  return topK === null ? others : { ...others, topK };
}
