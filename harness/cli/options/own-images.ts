/** Options of the commands on a user's own images. */
import { choice, file } from "./kinds.ts";
import { optionsUnder, withUsual } from "./option.ts";
import type { Values } from "./option.ts";
import { answerForms, show } from "./output.ts";
import { batchSizeOption, cache, device, threads } from "./speed.ts";
import { promptOption, sampling, search } from "./text.ts";
import { maxPixels, modelOption, precision, protocols } from "./what-to-run.ts";

const underWhatToRun = optionsUnder("What to run");

export const usualGenerator = "shapes-opt-base";
export const usualScorer = "shapes-itm";
const { option } = optionsUnder("How text is made");

function anyOptions(model: string) {
  return { model: modelOption(model), precision, maxPixels, threads, ...device, cache, ...answerForms };
}

const texts = {
  protocol: option("--protocol <name>", "paper or lavis: how text is generated, where no flag says otherwise", {
    kind: choice(protocols),
    usual: "paper",
  }),
  ...search,
  beams: withUsual(search.beams, "5"),
  ...sampling,
  show,
};

const batches = { batchSize: batchSizeOption("texts generated at a time") };

export const captionOptions = {
  ...anyOptions(usualGenerator),
  prompt: promptOption("words that the caption goes on with (default: none)"),
  ...texts,
  ...batches,
};

export const askOptions = {
  ...anyOptions(usualGenerator),
  questions: underWhatToRun.option("--questions <file>", "more questions, one a line", { kind: file }),
  prompt: promptOption("another prompt, with {question} in it (default: the paper's)"),
  ...texts,
  ...batches,
};

export const chatOptions = {
  ...anyOptions(usualGenerator),
  ...texts,
  protocol: withUsual(texts.protocol, "neither: greedy, 30 tokens at most"),
  beams: withUsual(search.beams, "1, or the protocol's"),
};

const imageOptions = anyOptions(usualScorer);

export const matchOptions = {
  ...imageOptions,
  likelihood: underWhatToRun.toggle(
    "--likelihood",
    "also how likely the Q-Former is to write each text, where it has a head for that",
  ),
};

/** Options of all commands on a user's images. */
export type OwnImageValues = Values<typeof imageOptions>;

/** Options of those commands that generate text. */
export type OwnTextValues = Values<typeof chatOptions>;
