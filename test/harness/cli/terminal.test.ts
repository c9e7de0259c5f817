/** Progress and messages: what is written where, on a terminal and elsewhere. */
import assert from "node:assert/strict";
import { Terminal } from "../../../harness/cli/terminal.ts";
import type { TerminalOptions } from "../../../harness/cli/terminal.ts";

const clear = "\r\u001b[2K";

interface Screen {
  readonly terminal: Terminal;
  readonly out: string[];
  readonly err: string[];
  /** Milliseconds on its clock. */
  ms: number;
}

function screen(options: Partial<TerminalOptions> & { readonly isTTY?: boolean } = {}): Screen {
  const { isTTY = false } = options;
  const out: string[] = [];
  const err: string[] = [];
  const made: Screen = {
    out,
    err,
    ms: 0,
    terminal: new Terminal({
      stdout: { isTTY, write: (text) => out.push(text) },
      stderr: { isTTY, write: (text) => err.push(text) },
      env: {},
      isQuiet: false,
      noColor: false,
      now: () => made.ms,
      ...options,
    }),
  };
  return made;
}

function progress(done: number, { before = 0, failed = 0, samples = 1000, run = "tiny vqav2" } = {}) {
  return { run, before, done, samples, failed };
}

describe("progress", () => {
  it("on a terminal is one line that is written over, with rate and time left", () => {
    const shown = screen({ isTTY: true });
    shown.terminal.progress(progress(200, { before: 200 }));
    shown.ms = 2000;
    shown.terminal.progress(progress(210, { before: 200, failed: 1 }));
    shown.ms = 2050;
    shown.terminal.progress(progress(220, { before: 200 }));
    shown.terminal.message("Stopping.");
    assert.deepEqual(shown.err, [
      `${clear}tiny vqav2: 200 of 1000 samples`,
      `${clear}tiny vqav2: 210 of 1000 samples, 5.0 a second, 2:38 left, 1 failed`,
      clear,
      "Stopping.\n",
    ]);
    assert.deepEqual(shown.out, []);
  });

  it("ends with a line that stays", () => {
    const shown = screen({ isTTY: true });
    shown.terminal.progress(progress(0));
    shown.ms = 3_725_000;
    shown.terminal.progress(progress(1000));
    assert.deepEqual(shown.err.slice(1), [clear, "tiny vqav2: 1000 of 1000 samples, 0.3 a second, in 1:02:05\n"]);
  });

  it("elsewhere is a plain line every ten seconds", () => {
    for (const shown of [
      screen(),
      screen({ isTTY: true, env: { TERM: "dumb" } }),
      screen({ isTTY: true, env: { CI: "true" } }),
    ]) {
      for (const [ms, done] of [
        [0, 0],
        [9_999, 100],
        [10_000, 200],
        [15_000, 300],
      ] as const) {
        shown.ms = ms;
        shown.terminal.progress(progress(done));
      }
      assert.deepEqual(shown.err, [
        "tiny vqav2: 0 of 1000 samples\n",
        "tiny vqav2: 200 of 1000 samples, 20 a second, 0:40 left\n",
      ]);
    }
  });

  it("starts anew with every run", () => {
    const shown = screen();
    shown.terminal.progress(progress(1000));
    shown.ms = 5000;
    shown.terminal.progress(progress(0, { run: "tiny gqa" }));
    shown.ms = 6000;
    shown.terminal.progress(progress(1000, { run: "tiny gqa" }));
    assert.equal(shown.err.at(-1), "tiny gqa: 1000 of 1000 samples, 1000 a second, in 0:01\n");
  });

  it("and notes are not written with --quiet; errors and messages are", () => {
    const shown = screen({ isQuiet: true });
    shown.terminal.progress(progress(1000));
    shown.terminal.note("Writing to a");
    shown.terminal.message("Interrupted");
    shown.terminal.error("no such task");
    assert.deepEqual(shown.err, ["Interrupted\n", "error: no such task\n"]);
  });
});

describe("colour", () => {
  const red = "\u001b[31merror:\u001b[0m wrong\n";
  const plain = "error: wrong\n";
  const cases: readonly [string, Partial<TerminalOptions> & { isTTY?: boolean }, string][] = [
    ["is used on a terminal", { isTTY: true }, red],
    ["is not used elsewhere", {}, plain],
    ["is not used on a dumb terminal", { isTTY: true, env: { TERM: "dumb" } }, plain],
    ["is not used with --no-color", { isTTY: true, noColor: true }, plain],
    ["is not used with NO_COLOR, whatever its value", { isTTY: true, env: { NO_COLOR: "0" } }, plain],
    ["is used with an empty NO_COLOR", { isTTY: true, env: { NO_COLOR: "" } }, red],
    ["is used everywhere with FORCE_COLOR", { env: { FORCE_COLOR: "1" } }, red],
    ["is not used with FORCE_COLOR=0", { isTTY: true, env: { FORCE_COLOR: "0" } }, plain],
  ];
  for (const [what, options, expected] of cases) {
    it(what, () => {
      const shown = screen(options);
      shown.terminal.error("wrong");
      assert.deepEqual(shown.err, [expected]);
    });
  }
});
