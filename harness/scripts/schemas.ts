/**
 * JSON Schemas (draft 2020-12) of the files that the program writes and of its config files, made from the zod schemas
 * that check them on reading.
 */
import * as z from "zod";
import { benchFormat, benchSchema, pointFormat, pointSchema } from "../../reports/records/bench/bench-record.ts";
import { baselineFormat, baselineSchema } from "../../reports/records/findings/baseline.ts";
import { gateConfigFormat, gateConfigSchema } from "../../reports/records/findings/gate-config.ts";
import { gateResultFormat, gateResultSchema } from "../../reports/records/findings/gate-result.ts";
import { comparisonFormat, comparisonSchema } from "../../reports/records/findings/comparison.ts";
import { historyFormat, historyLineSchema } from "../../reports/records/findings/history.ts";
import { scoreSheetSchema } from "../../reports/records/read-scores.ts";
import { reportSchema } from "../../reports/report/report-data.ts";
import { reportFormat } from "../../reports/records/report-folder.ts";
import { taskSettings } from "../catalog/task-file/settings.ts";
import { commands } from "../cli/command.ts";
import { optionsOf } from "../cli/command-line.ts";
import { optionsSchema } from "../cli/options/schema.ts";
import { runFormat, runRecordSchema, scoresFormat } from "../../reports/records/run-record.ts";

const schemas: readonly { readonly name: string; readonly format: string; readonly schema: z.ZodType }[] = [
  { name: "run", format: runFormat, schema: runRecordSchema },
  { name: "scores", format: scoresFormat, schema: scoreSheetSchema },
  { name: "bench", format: benchFormat, schema: benchSchema },
  { name: "point", format: pointFormat, schema: pointSchema },
  { name: "comparison", format: comparisonFormat, schema: comparisonSchema },
  { name: "report", format: reportFormat, schema: reportSchema },
  { name: "baseline", format: baselineFormat, schema: baselineSchema },
  { name: "gate", format: gateConfigFormat, schema: gateConfigSchema },
  { name: "gate-result", format: gateResultFormat, schema: gateResultSchema },
  { name: "history", format: historyFormat, schema: historyLineSchema },
  { name: "task", format: "task file of blip2-bench", schema: taskSettings },
  { name: "options", format: "options of blip2-bench", schema: optionsSchema(commands.map(optionsOf)) },
];

/** The text of each schema, by file name. */
export function schemaTexts(): ReadonlyMap<string, string> {
  return new Map(
    schemas.map(({ name, format, schema }) => {
      // Readers ignore unknown fields, which a later version may add, so the schema allows them, too.
      const described = { title: format, ...z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) };
      return [`${name}.schema.json`, `${JSON.stringify(described, null, 2)}\n`] as const;
    }),
  );
}
