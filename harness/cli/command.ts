/**
 * Runs one command line and returns its exit code. This is the only place that reads environment variables: HF_HOME and
 * related ones (pull/hub-environment.ts), proxies, those of schedulers (options/shard.ts), the address of a queue
 * (options/queue.ts), XDG_CACHE_HOME, NO_COLOR, FORCE_COLOR, TERM, CI, what terminals that show images set
 * (show/terminal-image.ts), and `_`, which reveals nohup.
 */
import { homedir } from "node:os";
import { huggingFaceCacheFolder } from "../../models/checkpoint/hugging-face-cache.ts";
import { ownCacheFolder } from "../catalog/cache-folder.ts";
import type { Catalog } from "../catalog/catalog.ts";
import { parseCommandLine } from "./command-line.ts";
import { audit, merge, report, reproduce, run, score, worker } from "./commands/declared/evaluate.ts";
import { baseline, compare, costs, gate, history } from "./commands/declared/decide.ts";
import { cache, completion, convert, data, doctor, ls, prepare, pull } from "./commands/declared/look-after.ts";
import { exportCommand, importCommand, show } from "./commands/declared/samples.ts";
import { bench } from "./commands/declared/measure-speed.ts";
import { ask, caption, chat, match, tryPage } from "./commands/declared/try-a-model.ts";
import type { DeclaredCommand, Input } from "./declared-command.ts";
import { completeCode, describeSystemFault, exitCodeOf, internalCode } from "./exit-code.ts";
import type { OutputFlags } from "./options/output.ts";
import { packageVersion } from "../catalog/provenance.ts";
import { isHangupIgnored } from "./ignored-hangup.ts";
import { ignoreHangup } from "./interrupt.ts";
import { redisPlace } from "./options/queue.ts";
import { schedulerTask, shardIndex } from "./options/shard.ts";
import { watchOutputs } from "./lost-output.ts";
import { hubSettings } from "./pull/hub-environment.ts";
import { Terminal } from "./terminal.ts";
import type { Output } from "./terminal.ts";

/** All commands in the order of --help. To add one, declare it in the file of its group and add its name here. */
export const commands: readonly DeclaredCommand[] = [
  ...[caption, ask, chat, match, tryPage],
  ...[run, merge, worker, score, report, reproduce, audit],
  ...[bench],
  ...[compare, baseline, gate, history, costs],
  ...[show, exportCommand, importCommand],
  ...[ls, pull, data, convert, prepare, cache, doctor, completion],
];

/** The catalogue, or a function that loads it when a command needs it. */
export type CatalogSource = Catalog | (() => Promise<Catalog>);

/** The streams and settings that a command works with; `process` has all of them. */
export interface Outside {
  readonly stdin?: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether stdout has been closed by its reader; unset: no. */
  readonly isOutputLost?: () => boolean;
}

/** Runs the command line of a process and sets its exit code. */
export async function runCommand(catalog: CatalogSource, process: NodeJS.Process): Promise<void> {
  const outputs = watchOutputs(process);
  if (isHangupIgnored(process.env)) process.on("SIGHUP", ignoreHangup);
  const { stdout, stderr, env } = process;
  const outside: Outside = {
    stdout,
    stderr,
    env,
    isOutputLost: outputs.isLost,
    get stdin() {
      return process.stdin; // opened only when it is read
    },
  };
  process.exitCode = await outputs.exitCode(await main(process.argv.slice(2), catalog, outside));
}

/** `words`: the command line without the program's name. */
export async function main(words: readonly string[], source: CatalogSource, outside: Outside): Promise<number> {
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
      catalog: typeof source === "function" ? await source() : source,
      terminal: terminalFor(flags),
      isJson: flags.json === true,
      hubCache: huggingFaceCacheFolder(env, homedir()),
      hub: () => hubSettings(env, homedir(), `blip2-bench/${version}`),
      cacheFolder: ownCacheFolder(env),
      scheduler: { indexOf: (shard) => shardIndex(shard, env), task: schedulerTask(env) },
      redis: () => redisPlace(env),
      words,
      commands,
      get input() {
        return outside.stdin ?? null; // opened only when it is read
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
  if (!isInternal) return describeSystemFault(error) ?? error.message;
  return `${error.message}\nThis is a mistake in blip2-bench. With --verbose it says where.`;
}
