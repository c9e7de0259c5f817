/** The JSON file of `gate --config`, as types and as the schema that checks it. Published as a JSON Schema. */
import * as z from "zod";

export const gateConfigFormat = "blip2-bench-gate/1";

const filters = {
  /** Restricts a rule to candidate runs of this task, checkpoint or precision (fp32, int8, …); unset: all. */
  task: z.string().exactOptional().describe("Only runs of this task."),
  checkpoint: z.string().exactOptional().describe("Only candidates of this checkpoint."),
  precision: z.string().exactOptional().describe("Only candidates of this precision: fp32, int8, int4 and so on."),
};

const metricRule = z.strictObject({
  metric: z
    .string()
    .describe("As the table calls it: accuracy, CIDEr, BLEU-4, text recall@1 and so on; or same answers."),
  margin: z
    .number()
    .nonnegative({ error: ({ input }) => `found ${String(input)}, expected points, 0 or more` })
    .describe("Points, hundredths of the metric's unit, that the candidate may be worse than the baseline."),
  primary: z.boolean().default(true).describe("Whether the verdict of the gate depends on it; others are shown only."),
  ...filters,
});

const costRule = z.strictObject({
  most: z
    .number()
    .positive({ error: ({ input }) => `found ${String(input)}, expected a ratio above 0, such as 1.2` })
    .describe("The largest ratio of candidate to baseline that passes, such as 1.2."),
  ...filters,
});

export const gateConfigSchema = z.strictObject({
  $schema: z.string().exactOptional(),
  format: z.literal(gateConfigFormat),
  metrics: z.array(metricRule).min(1).describe("Of several rules for the same metric of a run, the last one holds."),
  time: z
    .array(costRule)
    .exactOptional()
    .describe("Of what the model computes for a sample, on the same machine class."),
  memory: z.array(costRule).exactOptional().describe("Of the most memory resident, on the same machine class."),
});

export type GateConfig = z.infer<typeof gateConfigSchema>;
export type MetricRule = z.infer<typeof metricRule>;
export type CostRule = z.infer<typeof costRule>;
