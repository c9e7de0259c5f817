/** Completion, as bash itself does it with the script that is printed. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { catalog } from "../../../harness/catalog/catalog.ts";
import { commands } from "../../../harness/cli/command.ts";
import { optionsOf } from "../../../harness/cli/command-line.ts";
import { longNameOf } from "../../../harness/cli/options/option.ts";
import { assertFails, inProcess } from "../../support/command-process.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const shellIsThere = (shell: string): boolean => spawnSync(shell, ["-c", "exit 0"]).status === 0;

describe("completion in bash", () => {
  let script = "";
  before(async function () {
    if (!shellIsThere("bash")) this.skip();
    script = (await inProcess(temporaryFolder(), "completion", "bash")).out;
  });

  /** What the last of the words can become. */
  function complete(words: readonly string[], { cwd = "/", env = {} }: { cwd?: string; env?: object } = {}): string[] {
    const run = `${script}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _blip2_bench; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr, status } = spawnSync("bash", ["-c", run, "bash", "blip2-bench", ...words], {
      cwd,
      encoding: "utf8" as const,
      env: { PATH: process.env["PATH"], HOME: "/nowhere", ...env },
    });
    assert.equal(status, 0, stderr);
    return stdout.split("\n").filter((line) => line !== "");
  }

  it("knows all commands", () => {
    assert.deepEqual(complete([""]), [...commands.map(({ name }) => name), "--help", "--version"]);
    assert.deepEqual(complete(["rep"]), ["report", "reproduce"]);
  });

  it("knows all options of each command", () => {
    for (const command of commands) {
      const names = Object.values(optionsOf(command)).map(longNameOf);
      assert.deepEqual(complete([command.name, "--"]), [...names, "--help"], command.name);
    }
    assert.deepEqual(complete(["run", "--max-n"]), ["--max-new-tokens"]);
  });

  it("knows tasks, checkpoints, precisions, splits and devices", () => {
    const checkpoints = catalog.checkpoints.map(({ name }) => name);
    assert.deepEqual(
      complete(["run", "--tasks", ""]),
      catalog.tasks.map(({ name }) => name),
    );
    assert.deepEqual(complete(["caption", "-m", "shapes"]), checkpoints);
    assert.deepEqual(complete(["prepare", "--precision", "int8"]), ["int8", "int8-block"]);
    assert.deepEqual(complete(["run", "--split", "test-d"]), ["test-dev"]);
    assert.deepEqual(complete(["bench", "--device", "c"]), ["cpu", "cuda", "coreml"]);
    assert.deepEqual(complete(["run", "--early-stopping", ""]), ["true", "false", "never"]);
  });

  it("goes on behind a comma in a list, and behind = in what bash parts there", () => {
    assert.deepEqual(complete(["run", "--tasks", "vqav2,nocaps,ok"]), ["vqav2,nocaps,ok-vqa"]);
    assert.deepEqual(complete(["run", "--device", "=", "web"]), ["webgpu"]);
    assert.deepEqual(complete(["run", "--protocol", "="]), ["paper", "lavis"]);
  });

  it("knows actions and shells, and offers files where words are files", () => {
    assert.deepEqual(complete(["cache", ""]), ["ls", "verify", "prune"]);
    assert.deepEqual(complete(["history", "p"]), ["plot"]);
    assert.deepEqual(complete(["completion", ""]), ["bash", "zsh"]);
    const cwd = temporaryFolder({ "a photo.jpg": "", "notes/x.txt": "" });
    assert.deepEqual(complete(["caption", ""], { cwd }).toSorted(), ["a photo.jpg", "notes"]);
    assert.deepEqual(complete(["run", "--output", ""], { cwd }), ["notes"]);
    assert.deepEqual(complete(["gate", "x", "--baseline", "a"], { cwd }), ["a photo.jpg"]);
    assert.deepEqual(complete(["doctor", ""], { cwd }), []);
    assert.deepEqual(complete(["run", "--limit", ""], { cwd }), [], "nothing is known of a number");
  });

  it("knows what is in the Hugging Face cache", () => {
    const home = temporaryFolder();
    mkdirSync(join(home, "hub", "models--Salesforce--blip2-opt-2.7b"), { recursive: true });
    assert.deepEqual(complete(["run", "--model", "Sales"], { env: { HF_HOME: home } }), ["Salesforce/blip2-opt-2.7b"]);
  });
});

describe("completion in zsh", () => {
  it("is a script that zsh can read", async function () {
    if (!shellIsThere("zsh")) this.skip();
    const { out } = await inProcess(temporaryFolder(), "completion", "zsh");
    const { status, stderr } = spawnSync("zsh", ["-n"], { input: out, encoding: "utf8" });
    assert.equal(stderr, "");
    assert.equal(status, 0);
  });

  it("names every option of every command", async () => {
    const { out } = await inProcess(temporaryFolder(), "completion", "zsh");
    for (const command of commands) {
      const own = out.slice(out.indexOf(`\n    ${command.name})\n`)).split(";;")[0] ?? "";
      for (const option of Object.values(optionsOf(command))) {
        assert.match(own, new RegExp(`${longNameOf(option)}[=[]`), `${command.name} ${option.flags}`);
      }
    }
  });
});

describe("blip2-bench completion", () => {
  it("wants a shell that it knows", async () => {
    const folder = temporaryFolder();
    assertFails(await inProcess(folder, "completion"), 2, "completion: found no shell, expected bash or zsh.");
    const message = "completion zhs: no such shell. Did you mean zsh? Shells: bash, zsh.";
    assertFails(await inProcess(folder, "completion", "zhs"), 2, message);
  });
});
