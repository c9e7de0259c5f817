/** What commands are declared with: options, help and examples. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { samplingSettings, textSettings } from "../../../harness/catalog/text-settings.ts";
import { commands } from "../../../harness/cli/command.ts";
import { helpOf, optionsOf, parseCommandLine } from "../../../harness/cli/command-line.ts";
import { longNameOf } from "../../../harness/cli/options/option.ts";
import { inProcess } from "../../support/command-process.ts";
import { projectRoot } from "../../support/project.ts";
import { shellWords } from "../../support/shell-words.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const version = "1.2.3";

describe("a declared command", () => {
  for (const command of commands) {
    it(`${command.name}: its options have the keys of their long names, each once`, () => {
      const options = Object.entries(optionsOf(command));
      for (const [key, option] of options) {
        const words = longNameOf(option).replace(/^--(no-)?/, "");
        const camel = words.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
        assert.equal(key, camel, option.flags);
        assert.ok(!/ $|\.$/.test(option.help), option.help);
      }
      const names = options.flatMap(([, { flags }]) => flags.split(" ").filter((word) => word.startsWith("-")));
      const plain = names.map((name) => name.replace(/,$/, ""));
      assert.equal(new Set(plain).size, plain.length, plain.join(" "));
    });

    it(`${command.name}: its two examples are command lines of it that are understood`, async () => {
      for (const example of command.examples) {
        const words = shellWords(example);
        assert.equal(words[0], command.name);
        const call = await parseCommandLine(words, { commands, version, write: () => assert.fail("help") });
        assert.ok(call !== null, example);
      }
    });

    it(`${command.name}: its help has at most 80 columns, its options under headings, and its examples`, () => {
      const help = helpOf(command, { commands, version });
      for (const line of help.split("\n")) assert.ok(line.length <= 80, line);
      for (const option of Object.values(optionsOf(command))) {
        const at = help.indexOf(`\n${option.heading}:\n`);
        assert.ok(at !== -1 && help.indexOf(longNameOf(option), at) !== -1, option.flags);
      }
      assert.doesNotMatch(help, /^Options:$/m);
      assert.match(help, /\nExamples:\n {2}npx blip2-bench .*\n(.*\n)? {2}npx blip2-bench /);
    });
  }
});

describe("how text is generated", () => {
  it("is set by flags of run, caption, ask and chat, one for each setting, with its help", () => {
    const flagOf = (name: string): string => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    for (const name of ["run", "caption", "ask", "chat"]) {
      const help = helpOf(commands.find((command) => command.name === name) ?? null, { commands, version });
      for (const setting of Object.keys(textSettings.shape)) assert.ok(help.includes(` ${flagOf(setting)} <`), setting);
      const isDrawn = name !== "run";
      for (const setting of Object.keys(samplingSettings.shape)) {
        assert.equal(help.includes(` ${flagOf(setting)} <`), isDrawn, `${name} ${setting}`);
      }
    }
  });
});

describe("blip2-bench without words", () => {
  it("prints its help, commands in groups, and exits with 0", async () => {
    const folder = temporaryFolder();
    const { code, out, err } = await inProcess(folder);
    assert.equal(code, 0);
    assert.equal(err, "");
    assert.equal(out, (await inProcess(folder, "--help")).out);
    assert.equal(out, helpOf(null, { commands, version }));
    const groups = ["Try a model", "Evaluate", "Measure speed", "Decide", "Look after"];
    const places = groups.map((group) => out.indexOf(`\n${group}:\n`));
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
    assert.ok(places[0]! > 0);
    for (const line of out.split("\n")) assert.ok(line.length <= 80, line);
  });

  it("loads neither ONNX Runtime nor what reads images", () => {
    const module = JSON.stringify(join(projectRoot, "dist", "harness", "cli", "command.js"));
    const script = `await import(${module}); console.log(process.report.getReport().sharedObjects.join("\\n"));`;
    const { stdout, status } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
      encoding: "utf8",
    });
    assert.equal(status, 0);
    assert.doesNotMatch(stdout, /onnxruntime|sharp|canvas/);
  });
});
