/** The commands of README and docs, run as they stand there on the bundled world, so that they cannot rot. */
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { commands as known } from "../../../harness/cli/command.ts";
import { parseCommandLine } from "../../../harness/cli/command-line.ts";
import { projectRoot } from "../../support/project.ts";
import { inProcess } from "../../support/command-process.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const pages = [
  "README.md",
  ...readdirSync(join(projectRoot, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
const readme = pages.map((name) => readFileSync(join(projectRoot, name), "utf8")).join("\n");
const commands = [...readme.matchAll(/^npx blip2-bench (.+)$/gm)].map(([, words]) => words!);
/** These need files that nobody ships. */
const isElsewhere = (command: string): boolean => /path\/to|Salesforce\//.test(command);

describe("README and docs", () => {
  it("link to files that are there, the README in at most 130 lines", () => {
    const [front = ""] = pages.map((name) => readFileSync(join(projectRoot, name), "utf8"));
    for (const [, target = ""] of front.matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      assert.ok(existsSync(join(projectRoot, target)), target);
    }
    assert.ok(front.split("\n").length <= 130);
  });

  it("has commands", () => {
    assert.ok(commands.length >= 8);
  });

  for (const command of commands.filter(isElsewhere)) {
    it(`npx blip2-bench ${command} — is a command line that is understood`, async () => {
      const called = { commands: known, version: "", write: () => undefined };
      assert.notEqual(await parseCommandLine(command.split(" "), called), null);
    });
  }

  it("'s other commands run one after the other, and end well", async () => {
    const folder = temporaryFolder();
    for (const command of commands.filter((line) => !isElsewhere(line))) {
      const { code, err } = await inProcess(folder, ...command.split(" "));
      assert.equal(code, 0, `npx blip2-bench ${command}: ${err}`);
    }
  });

  it("names the scripts there are", () => {
    const { scripts } = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    for (const [, name] of readme.matchAll(/npm run ([\w:-]+)/g)) assert.ok(name! in scripts, `npm run ${name}`);
  });
});
