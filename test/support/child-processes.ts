/**
 * Processes that tests start: those that end with their test, and those that outlive their test file, which makes it fail.
 * Mocha requires this file first (.mocharc.json), for its hooks are of every test file.
 */
import assert from "node:assert/strict";
import { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Context, RootHookObject } from "mocha";
import { cacheFolder } from "./project.ts";

/** Of what a process takes that was told to end, on a machine however loaded; what runs longer was not told. */
const endingMs = 60_000;

interface Started {
  readonly child: ChildProcess;
  /** The test that ran last before it was started, or that started it. */
  readonly during: string;
}

let test = "(no test yet)";
let all: Started[] = [];
const ofTest = new Set<ChildProcess>();

subscribe("child_process", (message) => {
  if (typeof message !== "object" || message === null || !("process" in message)) return;
  if (message.process instanceof ChildProcess) all.push({ child: message.process, during: test });
});

/** The process is killed when the test is through, however that ends. */
export function endsWithTest(child: ChildProcess): void {
  ofTest.add(child);
}

interface Left {
  readonly pid: number;
  readonly what: string;
}

/** Processes of this one that run still, and of those that it started: their environment names the tests' folder. */
function leftBehind(): readonly Left[] {
  const own = all
    .filter(({ child }) => child.pid !== undefined && child.exitCode === null && child.signalCode === null)
    .map(({ child: { pid = 0, spawnargs }, during }) => ({ pid, what: `${spawnargs.join(" ")} (during: ${during})` }));
  const known = new Set(own.map(({ pid }) => pid));
  return [...own, ...orphans().filter(({ pid }) => !known.has(pid))];
}

/** Where there is no /proc none is found. */
function orphans(): readonly Left[] {
  if (!existsSync("/proc/self/environ")) return [];
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    try {
      if (!readFileSync(path.join("/proc", name, "environ"), "latin1").includes(cacheFolder)) return [];
      const words = readFileSync(path.join("/proc", name, "cmdline"), "utf8").split("\0");
      return [{ pid, what: `${words.join(" ").trim()} (started by a process of a test)` }];
    } catch {
      return []; // it is gone, or another user's
    }
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}

export const mochaHooks: RootHookObject = {
  beforeEach(this: Context) {
    const { file = "", title = "" } = this.currentTest ?? {};
    test = `${path.basename(file)}, ${title}`;
  },
  afterEach() {
    for (const child of ofTest) child.kill("SIGKILL");
    ofTest.clear();
  },
  /** What was told to end may take a moment; what was not is named, and killed. */
  async afterAll() {
    const end = performance.now() + endingMs;
    let left = leftBehind();
    while (left.length > 0 && performance.now() < end) {
      await setTimeout(100);
      left = leftBehind();
    }
    for (const { pid } of left) kill(pid);
    all = [];
    assert.deepEqual(
      left.map(({ what }) => what),
      [],
      `processes outlive their tests; the last of these: ${test}`,
    );
  },
};
