/** `blip2-bench gate`: runs held against a baseline and margins. The exit code is the verdict. */
import { dirname, resolve } from "node:path";
import { writeFileWhole } from "../../../reports/records/atomic-file.ts";
import { readBaseline } from "../../../reports/records/findings/baseline.ts";
import { githubAnnotations, gitlabCodeQuality } from "../../../reports/findings/gate-annotations.ts";
import { gateToJunit } from "../../../reports/findings/gate-junit.ts";
import type { GateResult } from "../../../reports/records/findings/gate-result.ts";
import { formatGate, gateToMarkdown } from "../../../reports/findings/gate-table.ts";
import { makeFolder } from "../../../reports/records/make-folder.ts";
import { describeSystemCode, RunFolderError, systemCode } from "../../../reports/records/run-folder-error.ts";
import { completeCode, failCode, incompleteCode, inconclusiveCode } from "../exit-code.ts";
import { list, refuseExcess, refuseFlagsAsValues, withOutputFlags } from "../flags.ts";
import type { AddCommand, OutputFlags, Surroundings } from "../flags.ts";
import { gate } from "../../analysis/gate/gate.ts";
import type { Margin } from "../../analysis/gate/margins.ts";
import { readMargins } from "../../analysis/gate/margins.ts";
import { readGateConfig } from "../../analysis/gate/gate-config.ts";
import { UsageError } from "../../catalog/usage-error.ts";
import { runsIn } from "./score.ts";

interface GateFlags extends OutputFlags {
  readonly baseline?: string;
  readonly config?: string;
  readonly margin?: readonly string[];
  readonly explain?: boolean;
  readonly junit?: string;
  readonly markdown?: string;
  readonly annotations?: string;
  readonly acceptScorer?: boolean;
}

interface GateCall extends GateFlags {
  readonly candidate: string;
  readonly baseline: string;
  readonly margins: readonly Margin[];
}

const codes: Readonly<Record<GateResult["verdict"], number>> = {
  pass: completeCode,
  fail: failCode,
  inconclusive: inconclusiveCode,
  partial: incompleteCode,
};
const permutations = 10_000; // as `compare` draws
/** Where GitLab's documentation has it. */
const gitlabReport = "gl-code-quality-report.json";

export const addGate: AddCommand = (program, called) => {
  const command = program
    .command("gate")
    .description("hold runs against a baseline: pass, fail (10) or inconclusive (11)");
  command.argument("[candidate]");
  withOutputFlags(command)
    .option("--baseline <file>", "a file that `baseline` has written")
    .option(
      "--config <file>",
      "the margins; docs/schemas/gate.schema.json says how (default: usual ones, which are said)",
    )
    .option("--margin <metric=points>", "what a metric may be worse by, such as accuracy=0.5; several times", list)
    .option("--explain", "say in words how each verdict came")
    .option("--junit <file>", "writes the result there as JUnit XML")
    .option("--markdown <file>", "writes it there as Markdown, for a job's summary")
    .option("--annotations <format>", `github: lines beside the table; gitlab: writes ${gitlabReport}`)
    .option("--accept-scorer", "take scores of another scorer, if it scores the same answers the same")
    .action(() => {
      refuseExcess(command, 1);
      refuseFlagsAsValues(command);
      const flags = command.opts<GateFlags>();
      const call = checked(command.args[0], flags);
      called({ flags, perform: (surroundings) => perform(call, surroundings) });
    });
};

function checked(candidate: string | undefined, flags: GateFlags): GateCall {
  const { baseline, annotations, margin = [] } = flags;
  if (candidate === undefined) throw new UsageError("gate: found no folder, expected that of the candidate's runs.");
  if (baseline === undefined)
    throw new UsageError("gate: --baseline is missing, expected a file that `baseline` has written.");
  if (annotations !== undefined && annotations !== "github" && annotations !== "gitlab") {
    throw new UsageError(`--annotations: found "${annotations}", expected github or gitlab.`);
  }
  if (annotations === "github" && flags.json === true) {
    throw new UsageError(
      "--annotations github: writes lines to the output, where --json has one document. Give one of them.",
    );
  }
  return { ...flags, candidate, baseline, margins: readMargins(margin) };
}

/** Gives the exit code. */
async function perform(
  call: GateCall,
  { terminal, isJson }: Pick<Surroundings, "terminal" | "isJson">,
): Promise<number> {
  const { candidate, baseline, margins, config: file } = call;
  const config = file === undefined ? null : { rules: await readGateConfig(file), file };
  const entries = await readBaseline(call.baseline);
  const folders = await runsIn(call.candidate);
  const asked = { config, margins, baseline, entries, candidate, folders, acceptScorer: call.acceptScorer === true };
  const result = await gate({ ...asked, permutations, bootstrap: 0, seed: 0 });
  const place = file ?? baseline; // what a reader would open
  if (call.junit !== undefined) await write("--junit", call.junit, gateToJunit(result));
  if (call.markdown !== undefined) await write("--markdown", call.markdown, gateToMarkdown(result));
  if (call.annotations === "gitlab") await write("--annotations", gitlabReport, gitlabCodeQuality(result, place));
  terminal.result(isJson ? JSON.stringify(result, null, 2) : formatGate(result, { explain: call.explain === true }));
  if (call.annotations === "github") terminal.result(githubAnnotations(result, place));
  return codes[result.verdict];
}

async function write(flag: string, file: string, text: string): Promise<void> {
  try {
    await makeFolder(dirname(resolve(file)));
    await writeFileWhole(resolve(file), text);
  } catch (error) {
    const code = systemCode(error);
    if (code === null) throw error;
    const why = describeSystemCode(code);
    throw new RunFolderError(`${file}: cannot be written: ${why}. Give another file with ${flag}.`, { cause: error });
  }
}
