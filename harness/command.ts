/**
 * The command: words in, exit code out. The only place that reads the environment: HF_HOME and its kin, XDG_CACHE_HOME,
 * NO_COLOR, FORCE_COLOR, TERM, CI.
 */
import { availableParallelism, homedir } from "node:os";
import { join, resolve } from "node:path";
import { huggingFaceCacheFolder } from "../models/checkpoint/hugging-face-cache.ts";
import { manageCache } from "./cache-command.ts";
import type { Catalog } from "./catalog.ts";
import { completeCode, exitCodeOf, internalCode } from "./exit-code.ts";
import { parseCommandLine } from "./flags.ts";
import type { OutputFlags, Request } from "./flags.ts";
import { list } from "./ls-command.ts";
import { prepareWeightsOf } from "./prepare-command.ts";
import { packageVersion } from "./provenance.ts";
import { readRunConfig } from "./run-config.ts";
import { reproduce } from "./reproduce-command.ts";
import { run } from "./run-command.ts";
import { score } from "./score-command.ts";
import { Terminal } from "./terminal.ts";
import type { Output } from "./terminal.ts";
import { UsageError } from "./usage-error.ts";

/** Where words go and settings come from; `process` is one. */
export interface Outside {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** `words`: the command line behind the program's name. */
export async function main(words: readonly string[], catalog: Catalog, outside: Outside): Promise<number> {
  const terminalFor = ({ quiet, color }: OutputFlags): Terminal => {
    const now = (): number => performance.now();
    return new Terminal({ ...outside, isQuiet: quiet === true, noColor: !color, now });
  };
  let flags: OutputFlags = { color: !words.includes("--no-color"), verbose: words.includes("--verbose") };
  try {
    const write = (text: string): void => void outside.stdout.write(text);
    const request = await parseCommandLine(words, { version: await packageVersion(), write });
    if (request.command === null) return completeCode;
    flags = request.flags;
    return await perform(request, { words, catalog, env: outside.env, terminal: terminalFor(flags) });
  } catch (error) {
    const code = exitCodeOf(error);
    terminalFor(flags).error(describe(error, { isInternal: code === internalCode, isVerbose: flags.verbose === true }));
    return code;
  }
}

interface Surroundings {
  readonly words: readonly string[];
  readonly catalog: Catalog;
  readonly env: Outside["env"];
  readonly terminal: Terminal;
}

async function perform(
  request: Exclude<Request, { command: null }>,
  { words, catalog, env, terminal }: Surroundings,
): Promise<number> {
  const isJson = request.flags.json === true;
  switch (request.command) {
    case "run":
    case "reproduce": {
      const output = join("runs", new Date().toISOString().slice(0, 19).replaceAll(":", "-"));
      const config = readRunConfig(request.flags, {
        models: catalog.checkpoints.map(({ name }) => name),
        tasks: catalog.bundledTasks,
        output,
        threads: Math.max(1, availableParallelism()),
        cache: cacheFolder(env),
      });
      const hubCache = huggingFaceCacheFolder(env, homedir());
      const resume = resumeCommand(words, request.flags.output === undefined ? output : null);
      const surroundings = { catalog, terminal, hubCache, isJson, resume };
      return request.command === "run" ? run(config, surroundings) : reproduce(config, request.flags, surroundings);
    }
    case "score": {
      const { data } = request.flags;
      return score(request.folder, { catalog, terminal, isJson, data: data === undefined ? null : resolve(data) });
    }
    case "prepare":
    case "cache": {
      const cache = request.flags.cache;
      if (cache === "") throw new UsageError('--cache: found "", expected a folder.');
      const folder = cache === undefined ? cacheFolder(env) : resolve(cache);
      if (request.command === "cache") {
        return await manageCache(request.what, request.flags, { folder, terminal, isJson });
      }
      const hubCache = huggingFaceCacheFolder(env, homedir());
      return await prepareWeightsOf(request.flags, { catalog, terminal, isJson, hubCache, cacheFolder: folder });
    }
    case "ls":
      list(request.what, { catalog, terminal, isJson });
      return completeCode;
  }
}

function cacheFolder({ XDG_CACHE_HOME: caches }: Outside["env"]): string {
  return join(caches === undefined || caches === "" ? join(homedir(), ".cache") : caches, "blip2-bench");
}

/** The same words, without what would start again, and with the folder that was chosen. */
function resumeCommand(words: readonly string[], output: string | null): string {
  const kept = words.filter((word) => word !== "--overwrite");
  const all = ["npx", "blip2-bench", ...kept, ...(output === null ? [] : ["--output", output])];
  return all.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
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
