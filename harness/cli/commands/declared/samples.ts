/** Declares the commands that look into runs, and take them to other tools and from them. */
import { wholeFrom } from "../../../catalog/values.ts";
import { exportFormatNames } from "../../../samples/export/format-names.ts";
import { declareCommand } from "../../declared-command.ts";
import { choice, text, texts, value } from "../../options/kinds.ts";
import { optionsUnder } from "../../options/option.ts";
import type { Values } from "../../options/option.ts";
import { outputFolder, overwrite } from "../../options/output.ts";
import { protocol } from "../../options/text.ts";
import { movedData, samples, tasksOption } from "../../options/what-to-run.ts";

const underOutput = optionsUnder("Output");

const underWhatToRun = optionsUnder("What to run");

const group = "Samples";

const showOptions = {
  where: underWhatToRun.option(
    "--where <condition>",
    'list samples such as "answer type=number", "accuracy<0.5", "question~red"; several times',
    {
      kind: texts(),
      otherwise: [],
    },
  ),
  worst: underWhatToRun.option("--worst <n>", "list so many samples with the lowest scores, failed ones first", {
    kind: value(wholeFrom(1)),
    usual: "20, where no sample is named",
  }),
  data: movedData,
  image: underOutput.toggle("--no-image", "its path only, also in a terminal that shows images"),
};

export type ShowValues = Values<typeof showOptions>;

export const show = declareCommand({
  name: "show",
  group,
  summary: "one sample of a run whole, its score worked out line by line; or the samples that are worst",
  words: "[folder] [sample]",
  options: showOptions,
  examples: ["show runs/first --worst 20 --where 'answer type=number'", "show runs/first 262148000"],
  work: async () => (await import("../show.ts")).show,
});

const importOptions = {
  ...samples,
  tasks: tasksOption("none: the task that the answers are of"),
  modelName: underWhatToRun.option("--model-name <name>", "what the model is called in tables", { kind: text() }),
  tool: underWhatToRun.option("--tool <name>", "the program that made the file, for the record", {
    kind: text(),
    otherwise: null,
  }),
  protocol,
  partial: underWhatToRun.toggle("--partial", "take the file where samples have no answer in it"),
  output: outputFolder("the run's folder", "runs/<model name>"),
  overwrite: overwrite("run"),
};

export type ImportValues = Values<typeof importOptions>;

export const importCommand = declareCommand({
  name: "import",
  group,
  summary: "make a run of results that another program wrote: scored, compared, gated and shown like our own",
  words: "[file]",
  options: importOptions,
  examples: [
    "import results.json --tasks vqav2 --data path/to/vqav2 --model-name llava --output runs/llava",
    "import samples_vqav2_val.jsonl --tasks vqav2 --data path/to/vqav2 --model-name qwen --tool lmms-eval",
  ],
  work: async () => (await import("../import.ts")).importResults,
});

const exportOptions = {
  as: underOutput.option("--as <format>", exportFormatNames.join(", "), { kind: choice(exportFormatNames) }),
  data: movedData,
  partial: underOutput.toggle("--partial", "write what there is, where samples are missing that the format must have"),
  output: outputFolder("where the files go", "export"),
  overwrite: underOutput.toggle("--overwrite", "replace files of an earlier export"),
};

export type ExportValues = Values<typeof exportOptions>;

export const exportCommand = declareCommand({
  name: "export",
  group,
  summary: "write a run as files that official evaluators, servers and other tools read",
  words: "[folder]",
  options: exportOptions,
  examples: ["export runs/first --as vqa-results", "export runs/first --as csv --output tables"],
  work: async () => (await import("../export.ts")).exportAs,
});
