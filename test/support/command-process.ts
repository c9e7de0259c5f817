/** The command as a process, in a folder of its own: the real one, and the same with the fake model (fake-command.ts). */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { catalog } from "../../harness/catalog/catalog.ts";
import { main } from "../../harness/cli/command.ts";
import { projectRoot } from "./project.ts";

export const realCommand = join(projectRoot, "dist", "harness", "cli", "cli.js");
export const fakeCommand = join(projectRoot, "dist", "test", "support", "fake-command.js");

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
    timeoutMs = 30_000,
  }: {
    command: string;
    words: readonly string[];
    env?: Readonly<Record<string, string>>;
    input?: string;
    timeoutMs?: number;
  },
): Ended {
  const options = { cwd: folder, env: environment(folder, env), encoding: "utf8", timeout: timeoutMs, input } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...words], options);
  return { code: status, out: stdout, err: stderr };
}

export function blip2(folder: string, ...words: string[]): Ended {
  return runProcess(folder, { command: realCommand, words });
}

export function fake(folder: string, ...words: string[]): Ended {
  return runProcess(folder, { command: fakeCommand, words });
}

/** The real command in this process, for what ends before a model is loaded. */
export async function inProcess(folder: string, ...words: string[]): Promise<Ended> {
  let [out, err] = ["", ""];
  const code = await main(words, catalog, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    env: environment(folder),
  });
  return { code, out, err };
}

/** Starts a run that takes a while and comes back when this many lines of its journal are on disk. */
export async function startAndWait(
  folder: string,
  { output, lines, words }: { output: string; lines: number; words: readonly string[] },
): Promise<ChildProcess> {
  const child = spawn(process.execPath, [fakeCommand, ...words, "--output", output], {
    cwd: folder,
    env: environment(folder, { FAKE_BATCH_MS: "30" }),
  });
  const journal = join(folder, output, "predictions.jsonl");
  while (!existsSync(journal) || readFileSync(journal, "utf8").split("\n").length <= lines) {
    assert.equal(child.exitCode, null, "it ended before it was stopped");
    await setTimeout(5);
  }
  return child;
}

export function assertFails({ code, out, err }: Ended, expectedCode: number, message: string | RegExp): void {
  if (typeof message === "string") assert.equal(err, `error: ${message}\n`);
  else assert.match(err, message);
  assert.equal(code, expectedCode);
  assert.equal(out, "");
  assert.doesNotMatch(err, /\n {4}at /, "no stack");
}
