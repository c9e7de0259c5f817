/** Declares the commands about this machine and the files that are kept on it. */
import { wholeFrom } from "../../../catalog/values.ts";
import { declareCommand } from "../../declared-command.ts";
import { lavisKinds } from "../../../convert/config-json.ts";
import { choice, names, text, value } from "../../options/kinds.ts";
import { optionsUnder } from "../../options/option.ts";
import type { Values } from "../../options/option.ts";
import { outputFolder } from "../../options/output.ts";
import { cache as cacheFolder } from "../../options/speed.ts";
import { modelOption, precision, samples } from "../../options/what-to-run.ts";

const underWhatToRun = optionsUnder("What to run");

const group = "Look after";

const noOptions = {};

export const ls = declareCommand({
  name: "ls",
  group,
  summary: "list what can be named: models, tasks",
  words: "[models|tasks]",
  options: noOptions,
  examples: ["ls", "ls tasks --json"],
  work: async () => (await import("../ls.ts")).ls,
});

const pullOptions = {
  list: underWhatToRun.toggle("--list", "what can be pulled, its size and licence, and what is here"),
  split: underWhatToRun.option("--split <name>", "of a data set, or of a mirror of one: which part", {
    kind: text(),
    usual: "its first",
    otherwise: null,
  }),
  limit: underWhatToRun.option("--limit <n>", "of a data set: the images of its first n samples only", {
    kind: value(wholeFrom(1)),
    otherwise: null,
  }),
  acceptTerms: underWhatToRun.toggle("--accept-terms", "of a data set: you have read its terms and agree"),
  output: outputFolder("of a data set: where its files go", "data/<name>"),
};

export type PullValues = Values<typeof pullOptions>;

export const pull = declareCommand({
  name: "pull",
  group,
  summary: "fetch checkpoints or mirrors of data from the Hugging Face hub, or a data set's official files",
  words: "[names...]",
  options: pullOptions,
  examples: ["pull Salesforce/blip2-opt-2.7b", "pull vqav2 --split val --limit 500 --accept-terms"],
  work: async () => (await import("../pull.ts")).pull,
});

const dataOptions = {
  images: samples.images,
  columns: samples.columns,
  allowOutside: samples.allowOutside,
};

export type DataValues = Values<typeof dataOptions>;

export const data = declareCommand({
  name: "data",
  group,
  summary: "check FOLDER: which data is there, whole, and fits together",
  words: "[check] [folder] [names...]",
  options: dataOptions,
  examples: ["data check path/to/vqav2", "data check path/to/photos vqa --columns question=q,answers=gt"],
  work: async () => (await import("../data.ts")).data,
});

const convertOptions = {
  kind: underWhatToRun.option("--kind <kind>", "of a file of LAVIS: itm, opt or t5, which its tensors must be", {
    kind: choice(lavisKinds),
    usual: "told by its tensors",
    otherwise: null,
  }),
  vision: underWhatToRun.option(
    "--vision <where>",
    "the image encoder: EVA's or CLIP's file, a folder or a name in the cache",
    {
      kind: text("models"),
      usual: "that of --language, or of Salesforce/blip2-itm-vit-g",
      otherwise: null,
    },
  ),
  language: underWhatToRun.option("--language <where>", "a checkpoint of BLIP-2 with the same language model", {
    kind: text("models"),
    usual: "the published one of its width",
    otherwise: null,
  }),
  tokenizer: underWhatToRun.option("--tokenizer <where>", "a folder, or a name in the cache, with tokenizer.json", {
    kind: text("models"),
    usual: "that of --language or --vision",
    otherwise: null,
  }),
  output: outputFolder("the new checkpoint"),
  cache: cacheFolder,
};

export type ConvertValues = Values<typeof convertOptions>;

export const convert = declareCommand({
  name: "convert",
  group,
  summary: "make a checkpoint of the hub's layout from the authors' .pth files, or from pytorch_model.bin",
  words: "[file]",
  options: convertOptions,
  examples: [
    "convert blip2_pretrained.pth --kind itm --output checkpoints/blip2-itm",
    "convert path/to/old-checkpoint --output path/to/new-checkpoint",
  ],
  work: async () => (await import("../convert.ts")).convert,
});

const prepareOptions = { model: modelOption("all bundled", "as in run"), precision, cache: cacheFolder };

export type PrepareValues = Values<typeof prepareOptions>;

export const prepare = declareCommand({
  name: "prepare",
  group,
  summary: "convert and quantize weights now, which run does when needed",
  words: "",
  options: prepareOptions,
  examples: ["prepare --precision int8", "prepare --model path/to/blip2-opt-2.7b --precision int4"],
  work: async () => (await import("../prepare.ts")).prepare,
});

const cacheOptions = {
  all: underWhatToRun.toggle("--all", "prune: remove weights and features that are whole, too"),
  revision: underWhatToRun.option(
    "--revision <names>",
    "prune: remove these from the Hugging Face cache, owner/name or owner/name@revision",
    { kind: names(), otherwise: [] },
  ),
  cache: cacheFolder,
};

export type CacheValues = Values<typeof cacheOptions>;

export const cache = declareCommand({
  name: "cache",
  group,
  summary: "weights and image features that are kept, and revisions from the hub: ls, verify, prune",
  words: "[ls|verify|prune]",
  options: cacheOptions,
  examples: ["cache ls", "cache prune --all"],
  work: async () => (await import("../cache.ts")).cache,
});

const doctorOptions = {
  online: underWhatToRun.toggle("--online", "ask the Hugging Face hub, too, whether it answers"),
  cache: cacheFolder,
};

export type DoctorValues = Values<typeof doctorOptions>;

export const doctor = declareCommand({
  name: "doctor",
  group,
  summary: "what this machine can run models on, and what is in the way",
  words: "",
  options: doctorOptions,
  examples: ["doctor", "doctor --json"],
  work: async () => (await import("../doctor.ts")).doctor,
});

export const completion = declareCommand({
  name: "completion",
  group,
  summary: "print a script that lets bash or zsh complete commands, options and names",
  words: "[bash|zsh]",
  options: noOptions,
  examples: ["completion bash", "completion zsh"],
  work: async () => (await import("../completion.ts")).completion,
});
