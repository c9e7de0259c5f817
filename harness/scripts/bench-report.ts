/**
 * What the benchmark scripts share: flags in, one JSON object a line out, and the measuring of CPU time and memory. The
 * scripts are run by hand through `npm run`; the blip2-bench command does not contain them.
 */
import { access, rename, rm } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { writeRandomCheckpoint } from "../../models/checkpoint/random-checkpoint.ts";
import type { RandomShape } from "../../models/checkpoint/random-shapes.ts";
import { bundledModels } from "../catalog/catalog.ts";
import { exitCodeOf, usageCode } from "../cli/exit-code.ts";
import { watchOutputs } from "../cli/lost-output.ts";
import { unknownName, UsageError } from "../catalog/usage-error.ts";

/** The flags of a script, all of which take a value. */
export interface Flags<Name extends string> {
  readonly text: (name: Name) => string;
  /** @throws UsageError for anything but a whole number of at least 1. */
  readonly count: (name: Name) => number;
}

/**
 * `--threads 2` or `--threads=2`.
 *
 * @param script name of the script in error messages: "bench:pipeline"
 * @throws UsageError for an unknown flag, and for a flag without a value.
 */
export function readFlags<Name extends string>(
  script: string,
  defaults: Readonly<Record<Name, string | number>>,
  words: readonly string[],
): Flags<Name> {
  const values = new Map(Object.entries<string | number>(defaults).map(([name, value]) => [name, String(value)]));
  const names = [...values.keys()].map((name) => `--${name}`);
  const options = Object.fromEntries([...values.keys()].map((name) => [name, { type: "string" as const }]));
  const { tokens } = parseArgs({ args: [...words], options, strict: false, tokens: true });
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") {
      throw new UsageError(`${script}: found "${token.value}", expected flags only: ${names.join(", ")}.`);
    }
    if (!values.has(token.name)) {
      throw unknownName(`${script} ${token.rawName}`, "flag", { name: token.rawName, names });
    }
    const { value = "" } = token;
    if (value === "" || value.startsWith("--")) {
      throw new UsageError(`${script} ${token.rawName}: found "${value}", expected a value.`);
    }
    values.set(token.name, value);
  }
  const text = (name: Name): string => values.get(name) ?? "";
  return {
    text,
    count: (name) => {
      if (/^0*[1-9]\d{0,8}$/.test(text(name))) return Number(text(name));
      throw new UsageError(`${script} --${name}: found "${text(name)}", expected a whole number from 1 on.`);
    },
  };
}

/**
 * Runs a whole script. An error that the user can mend is printed without a stack trace; a closed stdout (`| head`) is
 * no error.
 */
export async function runBenchmark(work: () => Promise<void> | void): Promise<void> {
  const outputs = watchOutputs(process);
  try {
    await work();
  } catch (error) {
    process.exitCode = exitCodeOf(error);
    const isOurs = process.exitCode !== usageCode;
    const text = error instanceof Error ? ((isOurs ? error.stack : undefined) ?? error.message) : String(error);
    process.stderr.write(`error: ${text}\n`);
  }
  process.exitCode = await outputs.exitCode(Number(process.exitCode ?? 0));
}

export function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

export function round(value: number, digits = 1): number {
  return Number(value.toFixed(digits));
}

/** Highest resident memory since the process began, in MiB. */
export function peakMemoryMiB(): number {
  return round(process.resourceUsage().maxRSS / 1024); // maxRSS is in KiB
}

/**
 * The value that `work` returns and its cost: CPU seconds of all threads, garbage collection included, and elapsed
 * seconds.
 */
export function measure<T>(work: () => T): { value: T; cpuSeconds: number; clockSeconds: number } {
  const before = process.cpuUsage();
  const start = performance.now();
  const value = work();
  const clockSeconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(before);
  return { value, cpuSeconds: (user + system) / 1e6, clockSeconds };
}

/** The bundled checkpoints whose tokenizers are copied into a random checkpoint, by kind of model. */
const tokenizers = { opt: "shapes-opt-base", t5: "shapes-t5-base", retrieval: "shapes-itm" };

/** Keeps the checkpoint that `folder` holds already; writes a random one of this shape where it holds none. */
export async function provideCheckpoint(folder: string, shape: RandomShape): Promise<void> {
  if (await exists(path.join(folder, "config.json"))) return;
  // The folder gets its final name when it is complete, so an interrupted one is never taken for a checkpoint.
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  const tokenizerFrom = path.join(bundledModels, tokenizers[shape.text.kind]);
  await writeRandomCheckpoint(unfinished, shape, { seed: 2014, tokenizerFrom, shardBytes: 5e9 });
  await rename(unfinished, folder).catch((cause: unknown) => {
    throw new UsageError(`${folder}: not empty, but no checkpoint. Give another --folder, or empty this one.`, {
      cause,
    });
  });
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
