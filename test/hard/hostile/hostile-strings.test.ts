/** Texts that would act where they are shown (test/support/hostile/strings.ts): each place where they come out leaves them inert. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import type { Browser } from "playwright-core";
import { shellWord } from "../../../harness/catalog/shell-word.ts";
import { resumeCommand } from "../../../harness/cli/commands/run.ts";
import { Terminal } from "../../../harness/cli/terminal.ts";
import { githubAnnotations, gitlabCodeQuality } from "../../../reports/findings/gate-annotations.ts";
import { gateToJunit } from "../../../reports/findings/gate-junit.ts";
import type { GateResult } from "../../../reports/records/findings/gate-result.ts";
import { tableToCsv } from "../../../reports/tables/csv.ts";
import { tableToMarkdown } from "../../../reports/tables/markdown.ts";
import { left, tableOf } from "../../../reports/tables/table.ts";
import { ask, chromiumPath, openPage, startBrowser } from "../../support/browser.ts";
import { hostileStrings, terminalControls } from "../../support/hostile/strings.ts";
import { onRuns, runSaying } from "../../support/saying-runs.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const texts = Object.entries(hostileStrings);
const all = Object.values(hostileStrings);

/** Half a character has no bytes of its own in UTF-8. */
function asUtf8(text: string): string {
  return Buffer.from(text).toString("utf8");
}

/** A gate whose every text is this one. */
function gateOf(text: string): GateResult {
  const about = {
    checkpoint: text,
    task: text,
    split: text,
    precision: text,
    basePrecision: text,
    baseCheckpoint: text,
  };
  const cost = { most: 1, ratio: 2, base: 1, candidate: 2, words: text };
  const judgements = [{ kind: "time", ...about, verdict: "fail", ...cost }] as const;
  return {
    format: "blip2-bench-gate-result/1",
    verdict: "fail",
    baseline: text,
    candidate: text,
    judgements: [...judgements],
    notes: [text],
  };
}

interface Printed {
  readonly terminal: Terminal;
  readonly out: () => string;
}

function terminalWith(env: Readonly<Record<string, string>> = {}): Printed {
  let out = "";
  const stream = { isTTY: true, columns: 2000, write: (text: string) => (out += text) };
  const options = { stdout: stream, stderr: stream, env, isQuiet: false, noColor: true, now: () => 0 };
  return { terminal: new Terminal(options), out: () => out };
}

describe("hostile texts", () => {
  let browser: Browser | null = null;
  before(async () => {
    if (chromiumPath !== null) browser = await startBrowser(chromiumPath);
  });
  after(() => browser?.close());

  it("do not act on a terminal, in results, pieces, messages, errors and progress", () => {
    for (const [what, text] of texts) {
      const { terminal, out } = terminalWith();
      terminal.result(text);
      terminal.piece(text);
      terminal.message(text);
      terminal.note(text);
      terminal.error(text);
      terminal.advance({ work: "a", isLast: true, line: () => text });
      assert.doesNotMatch(out(), terminalControls, what);
    }
  });

  it("stay the values that they are in JSON on a terminal", () => {
    const { terminal, out } = terminalWith();
    terminal.result(JSON.stringify(all));
    assert.deepEqual(JSON.parse(out()), all);
  });

  it("become no workflow command in a job of GitHub Actions", () => {
    for (const [what, text] of texts) {
      const { terminal, out } = terminalWith({ GITHUB_ACTIONS: "true" });
      terminal.result(text);
      terminal.error(`\n${text}`);
      assert.doesNotMatch(out(), /^\s*(::|##\[)/m, what);
    }
  });

  it("end neither an annotation nor its properties", () => {
    for (const [what, text] of texts) {
      const lines = githubAnnotations(gateOf(text), text).split("\n");
      assert.equal(lines.length, 2, what);
      for (const line of lines)
        assert.match(line, /^::(error|warning) file=[^,:\r\n]*,title=[^,:\r\n]*::[^\r\n]*$/, what);
      const [entry] = JSON.parse(gitlabCodeQuality(gateOf(text), text)) as [
        { readonly location: { readonly path: string } },
      ];
      assert.equal(entry.location.path, text);
    }
  });

  it("leave JUnit's XML well-formed", async function () {
    if (browser === null) {
      this.skip(); // no Chromium here: install it, or name it in CHROMIUM_PATH
      return;
    }
    const page = await browser.newPage();
    for (const [what, text] of texts) {
      const xml = Buffer.from(gateToJunit(gateOf(text))).toString("utf8");
      const parsed = `new DOMParser().parseFromString(${JSON.stringify(xml)}, "application/xml")`;
      const names = await ask<string[]>(page, `[...${parsed}.querySelectorAll("*")].map(({ nodeName }) => nodeName)`);
      assert.deepEqual(names, ["testsuites", "testsuite", "testcase", "failure"], what);
    }
  });

  it("are cells of CSV that no spreadsheet takes for a formula, and that are read back", () => {
    const table = tableOf([left<string>("text", (text) => text)], all);
    const [, ...rows] = parse(tableToCsv(table));
    for (const [index, [cell = ""]] of rows.entries()) {
      assert.doesNotMatch(cell, /^[=+\-@\t\r]/);
      assert.equal(cell.replace(/^'/, ""), asUtf8(all[index] ?? ""));
    }
  });

  it("neither leave a cell of Markdown nor become markup there", () => {
    for (const [what, text] of texts) {
      const lines = tableToMarkdown(tableOf([left<string>("text", (each) => each)], [text])).split("\n");
      assert.equal(lines.length, 3, what);
      const cell = lines[2]!.slice(2, -2);
      assert.doesNotMatch(cell, /(?<!\\)[`*_[\]|~#]|[<>]|&(?!amp;|lt;|gt;)|(?<!\w)@\w|[\r\n]/, what);
    }
  });

  it("are given back by sh as the very arguments of a command that is shown, and act on no terminal", () => {
    const words = all.filter((text) => !text.includes("\0") && text === asUtf8(text));
    const folder = temporaryFolder();
    for (const text of [...words, "", "-n", "a\nb\n", "\u001b", "it's", "\\"]) {
      assert.doesNotMatch(shellWord(text), terminalControls);
      const { stdout } = spawnSync("sh", ["-c", `printf %s ${shellWord(text)}; echo .`], {
        cwd: folder,
        encoding: "utf8",
      });
      assert.equal(stdout, `${text}.\n`);
    }
    const command = resumeCommand(["run", "--output", ...words], { overwrite: false, output: null });
    const script = `npx() { printf '%s\\0' "$@"; }\n${command}\n`;
    const { stdout } = spawnSync("sh", ["-c", script], { cwd: folder, encoding: "utf8" });
    assert.deepEqual(stdout.split("\0").slice(0, -1), ["blip2-bench", "run", "--output", ...words]);
    assert.ok(!existsSync(join(folder, "taken")));
  });

  it("are inert as answers: in what `run` and `show` print, and in the page of a report", async function () {
    if (browser === null) {
      this.skip(); // no Chromium here: install it, or name it in CHROMIUM_PATH
      return;
    }
    const folder = temporaryFolder();
    const words = ["--tasks", "vqav2", "--limit", String(all.length)];
    await runSaying(folder, (_, index) => all[index] ?? "", { words });
    const shown = await onRuns(folder, "show", "run");
    assert.equal(shown.code, 0, shown.err);
    assert.doesNotMatch(shown.out + shown.err, terminalControls);
    const reported = await onRuns(folder, "report", "run", "--output", "report");
    assert.equal(reported.code, 0, reported.err);
    assert.doesNotMatch(reported.out + reported.err, terminalControls);

    const { page, requests, complaints } = await openPage(browser, join(folder, "report", "index.html"));
    assert.deepEqual([requests, complaints], [[], []]);
    assert.equal(await page.title(), "blip2-bench report");
    const cards = (await page.locator(".card").allTextContents()).join("\n");
    assert.ok(cards.includes("onerror"), "answers are shown as text");
    assert.equal(await page.locator("img[onerror], svg[onload], base, form[action], a[href^=javascript]").count(), 0);
    assert.doesNotMatch(readFileSync(join(folder, "report", "report.md"), "utf8"), /<script|<img|<svg/);
  });
});
