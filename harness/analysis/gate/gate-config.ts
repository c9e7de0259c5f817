/** Reads the gate's config file, and finds the rules that apply to a run. */
import * as z from "zod";
import { describeSystemCode, systemCode } from "../../../reports/records/run-folder-error.ts";
import { gateConfigFormat, gateConfigSchema } from "../../../reports/records/findings/gate-config.ts";
import type { CostRule, GateConfig, MetricRule } from "../../../reports/records/findings/gate-config.ts";
import { readTextFile, TextFileError } from "../../../reports/records/text-file.ts";
import type { RunRecord } from "../../../reports/records/run-record.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { recordedPrecision } from "../../../reports/records/recorded-precision.ts";

const example = `{ "format": "${gateConfigFormat}", "metrics": [{ "metric": "accuracy", "margin": 0.5 }] }`;

/** Throws a UsageError that says what is wrong, where, and what is expected. */
export async function readGateConfig(path: string): Promise<GateConfig> {
  const text = await readTextFile(path).catch((error: unknown) => {
    if (error instanceof TextFileError) throw new UsageError(`--config ${error.message}`, { cause: error });
    const code = systemCode(error);
    if (code === null) throw error;
    const why = code === "ENOENT" ? "no such file" : describeSystemCode(code);
    throw new UsageError(`--config ${path}: ${why}. A config is such as ${example}.`);
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`--config ${path}: not JSON: ${reason}. A config is such as ${example}.`);
  }
  const parsed = gateConfigSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue?.path.map(String).join(".") ?? "";
  throw new UsageError(`--config ${path}: ${place === "" ? "" : `"${place}": `}${messageOf(issue)}.`);
}

function messageOf(issue: z.core.$ZodIssue | undefined): string {
  if (issue === undefined) return `not as expected; a config is such as ${example}`;
  const message = issue.message.replace(/^Invalid input: /, "");
  return issue.path.at(-1) === "margin" && /undefined/.test(message)
    ? "missing, expected points that the candidate may be worse by, 0 or more, such as 0.5"
    : message;
}

type Filters = Pick<MetricRule, "task" | "checkpoint" | "precision">;

function isFor({ task, checkpoint, precision }: Filters, { config, checkpoint: of }: RunRecord): boolean {
  return (
    (task === undefined || task === config.task) &&
    (checkpoint === undefined || checkpoint === of.name) &&
    (precision === undefined || precision === recordedPrecision(config))
  );
}

/** For each metric the last rule that applies to this run. */
export function metricRulesFor({ metrics }: GateConfig, candidate: RunRecord): readonly MetricRule[] {
  const rules = new Map<string, MetricRule>();
  for (const rule of metrics) if (isFor(rule, candidate)) rules.set(rule.metric, rule);
  return [...rules.values()];
}

/** The last cost rule that applies to this run; null: none does. */
export function costRuleFor(rules: readonly CostRule[] | undefined, candidate: RunRecord): CostRule | null {
  return (rules ?? []).findLast((rule) => isFor(rule, candidate)) ?? null;
}
