/**
 * The command: words in, exit code out. The only place that reads the environment: HF_HOME and its kin (pull/hub-environment.ts),
 * proxies, XDG_CACHE_HOME, NO_COLOR, FORCE_COLOR, TERM, CI, and `_`, which tells nohup.
 */
import { homedir } from "node:os";
import { huggingFaceCacheFolder } from "../../models/checkpoint/hugging-face-cache.ts";
import { ownCacheFolder } from "../catalog/cache-folder.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { parseCommandLine } from "./command-line.ts";
import { addAsk } from "./commands/ask.ts";
import { addAudit } from "./commands/audit.ts";
import { addBaseline } from "./commands/baseline.ts";
import { addBench } from "./commands/bench.ts";
import { addCache } from "./commands/cache.ts";
import { addCaption } from "./commands/caption.ts";
import { addChat } from "./commands/chat.ts";
import { addCompare } from "./commands/compare.ts";
import { addCosts } from "./commands/costs.ts";
import { addGate } from "./commands/gate.ts";
import { addHistory } from "./commands/history.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addLs } from "./commands/ls.ts";
import { addMatch } from "./commands/match.ts";
import { addPrepare } from "./commands/prepare.ts";
import { addPull } from "./commands/pull.ts";
import { addReport } from "./commands/report.ts";
import { addReproduce } from "./commands/reproduce.ts";
import { addRun } from "./commands/run.ts";
import { addScore } from "./commands/score.ts";
import { addTry } from "./commands/try.ts";
import { completeCode, exitCodeOf, internalCode } from "./exit-code.ts";
import type { AddCommand, Input, OutputFlags } from "./flags.ts";
import { packageVersion } from "../catalog/provenance.ts";
import { isHangupIgnored } from "./ignored-hangup.ts";
import { ignoreHangup } from "./interrupt.ts";
import { watchOutputs } from "./lost-output.ts";
import { hubSettings } from "./pull/hub-environment.ts";
import { Terminal } from "./terminal.ts";
import type { Output } from "./terminal.ts";

/** In the order of --help. To add a command, add its file and its line. */
export const commands: readonly AddCommand[] = [
  addRun,
  addPull,
  addLs,
  addCaption,
  addAsk,
  addChat,
  addMatch,
  addTry,
  addScore,
  addReport,
  addCompare,
  addBaseline,
  addGate,
  addHistory,
  addBench,
  addReproduce,
  addCosts,
  addAudit,
  addPrepare,
  addCache,
  addDoctor,
];

/** Where words go and settings come from; `process` is one. */
export interface Outside {
  readonly stdin?: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether nobody gets what is written to stdout any more; unset: no. */
  readonly isOutputLost?: () => boolean;
}

/** The whole of the process: its command line in, its exit code set. */
export async function runCommand(catalog: Catalog, process: NodeJS.Process): Promise<void> {
  const outputs = watchOutputs(process);
  if (isHangupIgnored(process.env)) process.on("SIGHUP", ignoreHangup);
  const { stdout, stderr, env } = process;
  const outside: Outside = {
    stdout,
    stderr,
    env,
    isOutputLost: outputs.isLost,
    get stdin() {
      return process.stdin; // opened only where it is read
    },
  };
  process.exitCode = await outputs.exitCode(await main(process.argv.slice(2), catalog, outside));
}

/** `words`: the command line behind the program's name. */
export async function main(words: readonly string[], catalog: Catalog, outside: Outside): Promise<number> {
  const { stdout, stderr, env, isOutputLost = () => false } = outside;
  const terminalFor = ({ quiet, color }: OutputFlags): Terminal => {
    const now = (): number => performance.now();
    return new Terminal({ stdout, stderr, env, isOutputLost, isQuiet: quiet === true, noColor: !color, now });
  };
  let flags: OutputFlags = { color: !words.includes("--no-color"), verbose: words.includes("--verbose") };
  try {
    const write = (text: string): void => void stdout.write(text);
    const version = await packageVersion();
    const call = await parseCommandLine(words, { commands, version, write });
    if (call === null) return completeCode;
    flags = call.flags;
    return await call.perform({
      catalog,
      terminal: terminalFor(flags),
      isJson: flags.json === true,
      hubCache: huggingFaceCacheFolder(env, homedir()),
      hub: () => hubSettings(env, homedir(), `blip2-bench/${version}`),
      cacheFolder: ownCacheFolder(env),
      words,
      get input() {
        return outside.stdin ?? null; // opened only where it is read
      },
    });
  } catch (error) {
    const code = exitCodeOf(error);
    terminalFor(flags).error(describe(error, { isInternal: code === internalCode, isVerbose: flags.verbose === true }));
    return code;
  }
}

function describe(error: unknown, { isInternal, isVerbose }: { isInternal: boolean; isVerbose: boolean }): string {
  if (!(error instanceof Error)) return String(error);
  if (isVerbose) {
    const cause = error.cause instanceof Error ? `\ncaused by ${error.cause.stack ?? error.cause.message}` : "";
    return `${error.stack ?? error.message}${cause}`;
  }
  if (!isInternal) return error.message;
  return `${error.message}\nThis is a mistake in blip2-bench. With --verbose it says where.`;
}
