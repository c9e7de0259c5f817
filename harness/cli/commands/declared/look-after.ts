/** Commands about the machine and what is kept on it. */
import { declareCommand } from "../../declared-command.ts";
import { optionsUnder } from "../../options/option.ts";
import type { Values } from "../../options/option.ts";
import { cache as cacheFolder } from "../../options/speed.ts";
import { modelOption, precision } from "../../options/what-to-run.ts";

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
};

export type PullValues = Values<typeof pullOptions>;

export const pull = declareCommand({
  name: "pull",
  group,
  summary: "fetch checkpoints from the Hugging Face hub into its cache",
  words: "[names...]",
  options: pullOptions,
  examples: ["pull --list", "pull Salesforce/blip2-opt-2.7b"],
  work: async () => (await import("../pull.ts")).pull,
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
  all: underWhatToRun.toggle("--all", "prune: remove what is whole, too"),
  cache: cacheFolder,
};

export type CacheValues = Values<typeof cacheOptions>;

export const cache = declareCommand({
  name: "cache",
  group,
  summary: "weights and image features that are kept between runs: ls, verify, prune",
  words: "[ls|verify|prune]",
  options: cacheOptions,
  examples: ["cache ls", "cache prune --all"],
  work: async () => (await import("../cache.ts")).cache,
});

const doctorOptions = { cache: cacheFolder };

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
