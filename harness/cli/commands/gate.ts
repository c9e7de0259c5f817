/** `blip2-bench gate`: holds runs against a baseline and margins. The exit code is the verdict. */
import { readBaseline } from "../../../reports/records/findings/baseline.ts";
import { githubAnnotations, gitlabCodeQuality } from "../../../reports/findings/gate-annotations.ts";
import { gateToJunit } from "../../../reports/findings/gate-junit.ts";
import type { GateResult } from "../../../reports/records/findings/gate-result.ts";
import { formatGate, gateToMarkdown } from "../../../reports/findings/gate-table.ts";
import { writeOutputFile } from "../../../reports/records/write-output.ts";
import { completeCode, failCode, incompleteCode, inconclusiveCode } from "../exit-code.ts";
import type { Surroundings } from "../declared-command.ts";
import type { GateValues } from "./declared/decide.ts";
import { gate as judge } from "../../analysis/gate/gate.ts";
import { readMargins } from "../../analysis/gate/margins.ts";
import { readGateConfig } from "../../analysis/gate/gate-config.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { runsIn } from "./score.ts";

const codes: Readonly<Record<GateResult["verdict"], number>> = {
  pass: completeCode,
  fail: failCode,
  inconclusive: inconclusiveCode,
  partial: incompleteCode,
};
const permutations = 10_000; // the default of `compare`
/** The file name in GitLab's documentation. */
const gitlabReport = "gl-code-quality-report.json";

/** Gives the exit code. */
export async function gate(
  values: GateValues,
  [candidate]: readonly string[],
  { terminal, isJson }: Surroundings,
): Promise<number> {
  const { baseline, annotations, margin, acceptScorer, explain, junit, markdown } = values;
  if (candidate === undefined) throw new UsageError("gate: found no folder, expected that of the candidate's runs.");
  if (baseline === undefined)
    throw new UsageError("gate: --baseline is missing, expected a file that `baseline` has written.");
  if (annotations === "github" && isJson) {
    throw new UsageError(
      "--annotations github: writes lines to the output, where --json has one document. Give one of them.",
    );
  }
  const margins = readMargins(margin);
  const [file, ...more] = values.config;
  if (more.length > 0)
    throw new UsageError(`--config: found margins in ${file ?? ""} and ${more.join(", ")}, expected one file of them.`);
  const config = file === undefined ? null : { rules: await readGateConfig(file), file };
  const entries = await readBaseline(baseline);
  const folders = await runsIn(candidate);
  const asked = { config, margins, baseline, entries, candidate, folders, acceptScorer };
  const result = await judge({ ...asked, permutations, bootstrap: 0, seed: 0 });
  const place = file ?? baseline; // the file that annotations point to
  if (junit !== undefined) await write("--junit", junit, gateToJunit(result));
  if (markdown !== undefined) await write("--markdown", markdown, gateToMarkdown(result));
  if (annotations === "gitlab") await write("--annotations", gitlabReport, gitlabCodeQuality(result, place));
  terminal.result(isJson ? JSON.stringify(result, null, 2) : formatGate(result, { explain }));
  if (annotations === "github") terminal.exactly(`${githubAnnotations(result, place)}\n`);
  return codes[result.verdict];
}

function write(flag: string, file: string, text: string): Promise<void> {
  return writeOutputFile(file, `Give another file with ${flag}.`, text);
}
