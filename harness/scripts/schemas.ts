/** The files that are written, as JSON Schema (draft 2020-12): made from the very checks they are read back by. */
import * as z from "zod";
import { benchFormat, benchSchema, pointFormat, pointSchema } from "../../reports/bench-record.ts";
import { baselineFormat, baselineSchema } from "../../reports/baseline.ts";
import { gateConfigFormat, gateConfigSchema } from "../../reports/gate/gate-config.ts";
import { gateResultFormat, gateResultSchema } from "../../reports/gate/gate-result.ts";
import { comparisonFormat, comparisonSchema } from "../../reports/comparison.ts";
import { historyFormat, historyLineSchema } from "../../reports/history.ts";
import { scoreSheetSchema } from "../../reports/read-scores.ts";
import { reportFormat, reportSchema } from "../../reports/report/report-data.ts";
import { runFormat, runRecordSchema, scoresFormat } from "../../reports/run-record.ts";

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
];

/** By file name, the text of each. */
export function schemaTexts(): ReadonlyMap<string, string> {
  return new Map(
    schemas.map(({ name, format, schema }) => {
      // Fields that a later version adds are passed over when a file is read, so the schema allows them, too.
      const described = { title: format, ...z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) };
      return [`${name}.schema.json`, `${JSON.stringify(described, null, 2)}\n`] as const;
    }),
  );
}
