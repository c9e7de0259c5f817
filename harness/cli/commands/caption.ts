/** `blip2-bench caption`: writes captions of a user's images. */
import { captioning } from "../../../tasks/own-image.ts";
import { decodingOf } from "../../catalog/text-settings.ts";
import { printAnswers } from "../own-images/print-answers.ts";
import { generator } from "../../own-images/able-models.ts";
import { Answers, readHowAsked, usableImages } from "../own-images/how-asked.ts";
import type { Answer } from "../own-images/how-asked.ts";
import type { CaptionValues } from "./declared/try-a-model.ts";
import { usualGenerator } from "../options/own-images.ts";
import type { Surroundings } from "../declared-command.ts";
import { UsageError } from "../../catalog/usage-error.ts";

/** Gives the exit code. */
export async function caption(
  values: CaptionValues,
  words: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  if (words.length === 0) throw new UsageError("caption: found no image, expected files, folders or patterns.");
  const { terminal } = surroundings;
  const how = readHowAsked(values, usualGenerator, surroundings);
  const { images, failed } = await usableImages(words, values.maxPixels, terminal);
  const isAlone = images.length === 1 && failed === 0;
  const isSideBySide = how.isSideBySide;
  const line = (answer: Answer): string => {
    const before = [
      ...(isAlone ? [] : [String(answer["image"])]),
      ...(isSideBySide ? [`${String(answer["model"])} ${String(answer["precision"])}`] : []),
    ];
    return [...before, String(answer["caption"])].join(": ");
  };
  const prompt = values.prompt === undefined || values.prompt === "" ? captioning.prompt : values.prompt;
  const { protocol = "paper", batchSize } = values;
  return printAnswers(
    images.map((image) => ({ image, question: null })),
    {
      how,
      batchSize,
      failed,
      able: generator,
      answers: new Answers({ form: how.form, terminal, line }),
      askingOf: (family) => ({
        decoding: decodingOf(captioning.decoding(family, protocol), how.settings),
        prompt: () => prompt,
        maxPromptTokens: null,
        answer: captioning.answer,
      }),
    },
    surroundings,
  );
}
