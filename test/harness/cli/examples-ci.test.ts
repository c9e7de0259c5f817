/** The examples for continuous integration: their commands are ones that there are, and their config is one that is read. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { commands } from "../../../harness/cli/command.ts";
import { parseCommandLine } from "../../../harness/cli/command-line.ts";
import { gateConfigSchema } from "../../../reports/records/findings/gate-config.ts";
import { projectRoot } from "../../support/project.ts";

const folder = join(projectRoot, "examples", "ci");
const files = readdirSync(folder).filter((name) => name.endsWith(".yml"));

/** Every call of the program, with the lines that YAML folds into one. */
function callsIn(text: string): readonly string[] {
  const folded = text.replace(/>\n((?: {10}\S.*\n)+)/g, (_, lines: string) => `${lines.trim().replace(/\s+/g, " ")}\n`);
  return [...folded.matchAll(/^[^#\n]*npx blip2-bench (.+)$/gm)].map(([, words = ""]) => words.trim());
}

describe("the examples for continuous integration", () => {
  it("split a run into as many shards as the matrix has, each with an artifact of its own", () => {
    const text = readFileSync(join(folder, "github-shards.yml"), "utf8");
    const shards = /shard: \[([\d, ]+)\]/.exec(text)![1]!.split(",").map(Number);
    assert.deepEqual(
      shards,
      shards.map((_, index) => index),
    );
    assert.match(text, new RegExp(`--shard \\$\\{\\{ matrix\\.shard \\}\\}/${shards.length} `));
    assert.match(text, /name: shard-\$\{\{ matrix\.shard \}\}/);
  });

  for (const name of files) {
    it(`${name} calls commands that there are, with flags that they take`, async () => {
      const text = readFileSync(join(folder, name), "utf8");
      const calls = callsIn(text);
      assert.ok(calls.some((call) => /^(?:gate|merge) /.test(call)));
      assert.ok(calls.some((call) => call.startsWith("run ")));
      const called = { commands, version: "", write: () => undefined };
      for (const call of calls) {
        const words = call.replace("${{ matrix.shard }}", "0").split(" ");
        assert.notEqual(await parseCommandLine(words, called), null, call);
      }
      assert.doesNotMatch(text, /\t/);
    });
  }

  it("show a config that the gate reads, as is the project's own", () => {
    const [, example = ""] = /```json\n([\s\S]*?)```/.exec(readFileSync(join(folder, "README.md"), "utf8")) ?? [];
    const own = readFileSync(join(projectRoot, "baselines", "gate.json"), "utf8");
    for (const text of [example, own]) gateConfigSchema.parse(JSON.parse(text));
  });
});
