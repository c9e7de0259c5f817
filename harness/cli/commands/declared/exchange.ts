/** Declares the commands that look into runs, and take them to other tools and from them. */
import { exportFormatNames } from "../../../exchange/export/format-names.ts";
import { declareCommand } from "../../declared-command.ts";
import { choice } from "../../options/kinds.ts";
import { optionsUnder } from "../../options/option.ts";
import type { Values } from "../../options/option.ts";
import { outputFolder } from "../../options/output.ts";
import { movedData } from "../../options/what-to-run.ts";

const underOutput = optionsUnder("Output");

const group = "Exchange";

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
