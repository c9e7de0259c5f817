/**
 * The command as a process, in a folder of its own: the real one, one that takes official files from a stand-in server
 * (official-command.ts), and one with the fake model (fake-command.ts).
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess, ChildProcessWithoutNullStreams } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import type { Catalog } from "../../harness/catalog/catalog.ts";
import { catalog } from "../../harness/catalog/catalog.ts";
import { main } from "../../harness/cli/command.ts";
import { endsWithTest } from "./child-processes.ts";
import { fakeCatalog, fakeModel } from "./fakes.ts";
import { hangMs, projectRoot } from "./project.ts";

export const realCommand = join(projectRoot, "dist", "harness", "cli", "cli.js");
export const officialCommand = join(projectRoot, "dist", "test", "support", "official-command.js");
export const fakeCommand = join(projectRoot, "dist", "test", "support", "fake-command.js");
/** With the fake model in a process of its own. */
export const fakeBenchCommand = join(projectRoot, "dist", "test", "support", "fake-bench-command.js");

export function environment(folder: string, more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const { PATH, HOME } = process.env;
  return { PATH, HOME, XDG_CACHE_HOME: join(folder, "cache"), HF_HOME: join(folder, "hub"), ...more };
}

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export function runProcess(
  folder: string,
  {
    command,
    words,
    env = {},
    input = "",
  }: {
    command: string;
    words: readonly string[];
    env?: Readonly<Record<string, string>>;
    input?: string;
  },
): Ended {
  const options = { cwd: folder, env: environment(folder, env), encoding: "utf8", timeout: hangMs, input } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...words], options);
  return { code: status, out: stdout, err: stderr };
}

export function blip2(folder: string, ...words: string[]): Ended {
  return runProcess(folder, { command: realCommand, words });
}

export function fake(folder: string, ...words: string[]): Ended {
  return runProcess(folder, { command: fakeCommand, words });
}

export interface Called {
  readonly words: readonly string[];
  /** With what it offers; unset: the real command. */
  readonly offered?: Catalog;
  /** Lines of standard input; unset: there is none. */
  readonly lines?: readonly string[];
  /** Environment variables besides the usual. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * The command in this process, at work in `folder`: it prints and gives the code that a process would, and nothing is started.
 * One at a time: the working folder is the whole process's.
 */
export async function callCommand(
  folder: string,
  { words, offered = catalog, lines, env = {} }: Called,
): Promise<Ended> {
  let [out, err] = ["", ""];
  const stdin = lines === undefined ? null : Readable.from(lines.map((line) => `${line}\n`));
  const before = process.cwd();
  process.chdir(folder);
  try {
    const code = await main(words, offered, {
      ...(stdin !== null && { stdin }),
      stdout: { write: (text) => (out += text) },
      stderr: { write: (text) => (err += text) },
      env: environment(folder, env),
    });
    return { code, out, err };
  } finally {
    process.chdir(before);
  }
}

export function inProcess(folder: string, ...words: string[]): Promise<Ended> {
  return callCommand(folder, { words });
}

const fakes = fakeCatalog(() => Promise.resolve(fakeModel()));

/** The command with the fake model, in this process. */
export function fakeInProcess(folder: string, ...words: string[]): Promise<Ended> {
  return callCommand(folder, { words, offered: fakes });
}

/** For a process that is talked to while it runs, with Node. It does not outlive its test, however that ends. */
export function startProcess(
  folder: string,
  { command, words, env = {} }: { command: string; words: readonly string[]; env?: Readonly<Record<string, string>> },
): ChildProcessWithoutNullStreams {
  const child = spawn(process.execPath, [command, ...words], { cwd: folder, env: environment(folder, env) });
  endsWithTest(child);
  return child;
}

/** Comes back when it is so; fails where the process ends before, or where it takes as long as only what hangs does. */
export async function until(isSo: () => boolean, child: Pick<ChildProcess, "exitCode" | "signalCode">): Promise<void> {
  const end = performance.now() + hangMs;
  while (!isSo()) {
    assert.ok(child.exitCode === null && child.signalCode === null, "it ended before what was waited for");
    assert.ok(performance.now() < end, `not within ${hangMs} ms`);
    await setTimeout(5);
  }
}

/** Starts a run that takes a while and comes back when this many lines of its journal are on disk. */
export async function startAndWait(
  folder: string,
  { output, lines, words }: { output: string; lines: number; words: readonly string[] },
): Promise<ChildProcess> {
  const env = { FAKE_BATCH_MS: "100" }; // so slow that it is seen before it ends
  const child = startProcess(folder, { command: fakeCommand, words: [...words, "--output", output], env });
  const journal = join(folder, output, "predictions.jsonl");
  await until(() => existsSync(journal) && readFileSync(journal, "utf8").split("\n").length > lines, child);
  return child;
}

export function assertFails({ code, out, err }: Ended, expectedCode: number, message: string | RegExp): void {
  if (typeof message === "string") assert.equal(err, `error: ${message}\n`);
  else assert.match(err, message);
  assert.equal(code, expectedCode);
  assert.equal(out, "");
  assert.doesNotMatch(err, /\n {4}at /, "no stack");
}
