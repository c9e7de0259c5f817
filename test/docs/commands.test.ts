/** The commands of README and docs, run as they stand there on the bundled world, so that they cannot rot. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { consolesIn, shortened, skeletonOf, withOutputs, wordsOf } from "../../harness/scripts/docs/console-blocks.ts";
import { commands as known } from "../../harness/cli/command.ts";
import { parseCommandLine } from "../../harness/cli/command-line.ts";
import { projectRoot } from "../support/project.ts";
import { inProcess } from "../support/command-process.ts";
import { temporaryFolder } from "../support/temporary-files.ts";

const pages = [
  "README.md",
  ...readdirSync(join(projectRoot, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
const readme = pages.map((name) => readFileSync(join(projectRoot, name), "utf8")).join("\n");
const commands = [...readme.matchAll(/^(?:\$ )?(npx blip2-bench .+)$/gm)].map(([, command]) => command!);
/** As `npm run docs` has written them. */
const consoles = consolesIn(readme);
/** What `npm start` does, on few samples. */
const start = "npx blip2-bench run --no-report --limit 2 --output runs/start";
/** These need files that nobody ships, or a server; test/harness/pull runs those of pull against a stand-in. */
const isElsewhere = (command: string): boolean => /path\/to|Salesforce\/|blip2-bench pull (?!--list)/.test(command);

describe("README and docs", () => {
  it("link to files that are there, the README in at most 130 lines", () => {
    const [front = ""] = pages.map((name) => readFileSync(join(projectRoot, name), "utf8"));
    for (const [index, name] of pages.entries()) {
      const text = readFileSync(join(projectRoot, name), "utf8");
      for (const [, link, source] of text.matchAll(/\]\((?!https?:|#)([^)#]+)|(?:src|srcset)="([^"]+)"/g)) {
        const target = link ?? source!;
        assert.ok(existsSync(join(projectRoot, index === 0 ? "." : "docs", target)), `${name}: ${target}`);
      }
    }
    assert.ok(front.split("\n").length <= 130);
  });

  it("has commands", () => {
    assert.ok(commands.length >= 8);
  });

  for (const command of commands.filter(isElsewhere)) {
    it(`${command} — is a command line that is understood`, async () => {
      const called = { commands: known, version: "", write: () => undefined };
      assert.notEqual(await parseCommandLine(wordsOf(command), called), null);
    });
  }

  it("'s other commands run one after the other, end well, and print the columns and rows that are shown", async () => {
    const folder = temporaryFolder();
    symlinkSync(join(projectRoot, "datasets"), join(folder, "datasets"), "junction"); // as in a clone
    for (const command of [start, ...commands.filter((line) => !isElsewhere(line))]) {
      const { code, out, err } = await inProcess(folder, ...wordsOf(command));
      assert.equal(code, 0, `${command}: ${err}`);
      const shown = consoles.find((each) => each.command === (command === start ? "npm start" : command));
      if (shown === undefined) continue;
      assert.notEqual(shown.output, "", `${command}: no output; npm run docs writes it`);
      assert.deepEqual(
        skeletonOf(shown.output),
        skeletonOf(shortened(out, shown.groupCells)),
        `${command}: what the docs show is not what it prints any more; npm run docs writes it anew`,
      );
    }
  });

  it("names the scripts there are", () => {
    const { scripts } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    for (const [, name] of readme.matchAll(/npm run ([\w:-]+)/g)) assert.ok(name! in scripts, `npm run ${name}`);
  });
});

describe("the output of a command in a page", () => {
  const page = "text\n\n```console first=1\n$ npm start\nold\n```\n\n```console\n$ a\n$ b\nold\n```\nmore\n";
  const table = "name  metric  score\nx     one      1.00\nx     two      2.00\ny     one      3.00\n\nA note.\n";

  it("replaces the one before, and nothing else of the page", () => {
    const written = withOutputs(page, (command) => (command === "a" ? "" : table));
    assert.equal(
      written,
      "text\n\n```console first=1\n$ npm start\nname  metric  score\nx     one      1.00\ny     one      3.00\n…\n```\n\n" +
        `\`\`\`console\n$ a\n$ b\n${table.trimEnd()}\n\`\`\`\nmore\n`,
    );
    assert.deepEqual(
      consolesIn(written).map(({ command }) => command),
      ["npm start", "a", "b"],
    );
  });

  it("is compared by its columns and the names of its rows, not by its numbers", () => {
    assert.deepEqual(skeletonOf(table), ["name | metric | score", "x", "x", "y"]);
    assert.deepEqual(skeletonOf(table.replace("3.00", "9.99")), skeletonOf(table));
  });

  it("is of this program", () => {
    assert.deepEqual(wordsOf('npx blip2-bench ask a.jpg "what is it?"'), ["ask", "a.jpg", "what is it?"]);
    assert.throws(() => wordsOf("rm -r x"), /rm -r x: expected npx blip2-bench, or npm start/);
  });
});
