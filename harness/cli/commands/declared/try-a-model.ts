/** Declares the commands that try a model on a user's images, at the command line or on a page. */
import { wholeBetween, wholeFrom } from "../../../catalog/values.ts";
import { declareCommand } from "../../declared-command.ts";
import { byteAmount, text, texts, value } from "../../options/kinds.ts";
import { optionsUnder } from "../../options/option.ts";
import type { Values } from "../../options/option.ts";
import { askOptions, captionOptions, chatOptions, matchOptions } from "../../options/own-images.ts";
import { cache, device, threads } from "../../options/speed.ts";
import { maxPixels, modelOption, movedData, precision } from "../../options/what-to-run.ts";

const underWhatToRun = optionsUnder("What to run");

const underSpeed = optionsUnder("Speed");

const underOutput = optionsUnder("Output");

const group = "Try a model";

export type CaptionValues = Values<typeof captionOptions>;

export const caption = declareCommand({
  name: "caption",
  group,
  summary: "say what is on images of your own: files, folders, patterns",
  words: "[images...]",
  options: captionOptions,
  examples: ["caption photo.jpg", 'caption "photos/*.jpg" --model path/to/blip2-opt-2.7b --csv'],
  work: async () => (await import("../caption.ts")).caption,
});

export type AskValues = Values<typeof askOptions>;

export const ask = declareCommand({
  name: "ask",
  group,
  summary: "answer questions about an image of your own",
  words: "[image] [questions...]",
  options: askOptions,
  examples: ['ask photo.jpg "What is on the table?"', "ask photo.jpg --questions questions.txt --beams 1"],
  work: async () => (await import("../ask.ts")).ask,
});

export type ChatValues = Values<typeof chatOptions>;

export const chat = declareCommand({
  name: "chat",
  group,
  summary: "a conversation about an image of your own",
  words: "[image]",
  options: chatOptions,
  examples: ["chat photo.jpg", "chat photo.jpg --model path/to/blip2-flan-t5-xl --max-new-tokens 50"],
  work: async () => (await import("../chat.ts")).chat,
});

export type MatchValues = Values<typeof matchOptions>;

export const match = declareCommand({
  name: "match",
  group,
  summary: "how well texts go with an image of your own",
  words: "[image] [texts...]",
  options: matchOptions,
  examples: ['match photo.jpg "a red bus" "a dog"', 'match photos "a red bus" --jsonl'],
  work: async () => (await import("../match.ts")).match,
});

const tryOptions = {
  model: modelOption(null, "more checkpoints: folders, or names in the Hugging Face cache"),
  precision,
  runs: underWhatToRun.option("--runs <folder>", "run folders whose reports link here; may be given several times", {
    kind: texts("folders"),
    otherwise: [],
  }),
  data: { ...movedData, help: "the data set's files of those runs, where they have moved" },
  maxPixels,
  maxUpload: underWhatToRun.option("--max-upload <amount>", "largest image file, such as 20MB", {
    kind: byteAmount("20MB"),
    usual: "20MB",
    otherwise: 20_000_000,
  }),
  threads,
  ...device,
  cache,
  keepModels: underSpeed.option("--keep-models <n>", "checkpoints that stay loaded", {
    kind: value(wholeFrom(1)),
    otherwise: 2, // enough to compare two checkpoints; most machines have memory for two
  }),
  port: underOutput.option("--port <n>", "where the page is served; 0 is any that is free", {
    kind: value(wholeBetween(0, 65_535)),
    otherwise: 8080, // links in reports lead to this port
  }),
  host: underOutput.option("--host <address>", "another address than this machine's own, for others to use it", {
    kind: text(),
    otherwise: "localhost",
  }),
};

export type TryValues = Values<typeof tryOptions>;

export const tryPage = declareCommand({
  name: "try",
  group,
  summary: "a page in your browser: caption, ask, chat and match",
  words: "",
  options: tryOptions,
  examples: ["try", "try --model path/to/blip2-opt-2.7b --runs runs/first"],
  work: async () => (await import("../try.ts")).tryPage,
});
