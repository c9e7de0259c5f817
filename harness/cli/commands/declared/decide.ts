/** Declares the commands that compare runs, so that a decision can be made. */
import { wholeBetween, wholeFrom } from "../../../catalog/values.ts";
import { usualCompareOptions } from "../../../analysis/compare/metric-findings.ts";
import { declareCommand } from "../../declared-command.ts";
import { choice, file, text, texts, value } from "../../options/kinds.ts";
import { optionsUnder } from "../../options/option.ts";
import type { Values } from "../../options/option.ts";
import { outputFile, outputFolder } from "../../options/output.ts";

const group = "Decide";
const underOutput = optionsUnder("Output");
const underWhatToRun = optionsUnder("What to run");

const compareOptions = {
  permutations: underWhatToRun.option("--permutations <n>", "sign patterns of the permutation test", {
    kind: value(wholeBetween(100, 1e6)),
    otherwise: usualCompareOptions.permutations,
  }),
  bootstrap: underWhatToRun.option(
    "--bootstrap <n>",
    "draws of the bootstrap; 0 leaves it out where it is not needed",
    { kind: value(wholeBetween(0, 1e6)), otherwise: usualCompareOptions.bootstrap },
  ),
  seed: underWhatToRun.option("--seed <n>", "of what is drawn", {
    kind: value(wholeBetween(0, 2 ** 32 - 1)),
    otherwise: usualCompareOptions.seed,
  }),
  allowPartial: underWhatToRun.toggle(
    "--allow-partial",
    "compare the samples and runs that both have, where they have not the same",
  ),
  output: outputFolder("writes comparison.json, .csv and .md, and flips.csv there"),
};

export type CompareValues = Values<typeof compareOptions>;

export const compare = declareCommand({
  name: "compare",
  group,
  summary: "compare runs of the same samples, or benches, with the first of them",
  words: "[base] [candidates...]",
  options: compareOptions,
  examples: ["compare runs/first runs/second", "compare bench/before bench/after --output comparison"],
  work: async () => (await import("../compare.ts")).compare,
});

const baselineOptions = { output: outputFile("-o, --output <file>", "the file, such as baselines/main.json") };

export type BaselineValues = Values<typeof baselineOptions>;

export const baseline = declareCommand({
  name: "baseline",
  group,
  summary: "keep scored runs in one small file, for gate",
  words: "[folders...]",
  options: baselineOptions,
  examples: [
    "baseline runs/main --output baselines/main.json",
    "baseline runs/opt runs/t5 --output baselines/both.json",
  ],
  work: async () => (await import("../baseline.ts")).baseline,
});

const gateOptions = {
  baseline: underWhatToRun.option("--baseline <file>", "a file that `baseline` has written", { kind: file }),
  config: underWhatToRun.option(
    "--config <file>",
    "the margins, as docs/schemas/gate.schema.json says (default: usual ones, which are said); " +
      "or, where its name ends in .yaml or .yml, options by their long names",
    { kind: texts("files"), otherwise: [] },
  ),
  margin: underWhatToRun.option(
    "--margin <metric=points>",
    "what a metric may be worse by, such as accuracy=0.5; several times",
    { kind: texts(), otherwise: [] },
  ),
  acceptScorer: underWhatToRun.toggle(
    "--accept-scorer",
    "take scores of another scorer, if it scores the same answers the same",
  ),
  explain: underOutput.toggle("--explain", "say in words how each verdict came"),
  junit: outputFile("--junit <file>", "writes the result there as JUnit XML"),
  markdown: outputFile("--markdown <file>", "writes it there as Markdown, for a job's summary"),
  annotations: underOutput.option(
    "--annotations <format>",
    "github: lines beside the table; gitlab: writes gl-code-quality-report.json",
    { kind: choice(["github", "gitlab"]) },
  ),
};

export type GateValues = Values<typeof gateOptions>;

export const gate = declareCommand({
  name: "gate",
  group,
  summary: "hold runs against a baseline: pass, fail (10) or inconclusive (11)",
  words: "[candidate]",
  options: gateOptions,
  holdsOptions: (path) => /\.ya?ml$/i.test(path), // files with another extension hold margins
  examples: [
    "gate runs/new --baseline baselines/main.json",
    "gate runs/new --baseline baselines/main.json --margin accuracy=0.5 --explain",
  ],
  work: async () => (await import("../gate.ts")).gate,
});

const historyOptions = {
  file: underWhatToRun.option("--file <file>", "the history", { kind: file, otherwise: "history.jsonl" }),
  last: underOutput.option("--last <n>", "show: so many runs of each lane", {
    kind: value(wholeFrom(1)),
    otherwise: 20,
  }),
  output: underOutput.option("-o, --output <folder>", "plot: where the charts go", {
    kind: text("folders"),
    otherwise: "history",
  }),
};

export type HistoryValues = Values<typeof historyOptions>;

export const history = declareCommand({
  name: "history",
  group,
  summary: "runs over time, in a file for git: add, show, plot",
  words: "[add|show|plot] [folders...]",
  options: historyOptions,
  examples: ["history add runs/new", "history show --last 5"],
  work: async () => (await import("../history.ts")).history,
});

const costsOptions = {
  output: underOutput.option("-o, --output <folder>", "where costs.json and costs.csv go", {
    kind: text("folders"),
    usual: "the folder, where it is one",
  }),
};

export type CostsValues = Values<typeof costsOptions>;

export const costs = declareCommand({
  name: "costs",
  group,
  summary: "what precisions cost: scores, agreement with fp32, speed, size, memory of runs on disk",
  words: "[folders...]",
  options: costsOptions,
  examples: ["costs runs/first", "costs runs/fp32 runs/int8 --output costs"],
  work: async () => (await import("../costs.ts")).costs,
});
