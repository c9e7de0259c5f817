/** What the command says when a model is not needed: lists, help, and what is wrong with a command line. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { catalog } from "../../../harness/catalog/catalog.ts";
import { commands } from "../../../harness/cli/command.ts";
import { assertFails, blip2, inProcess, realCommand } from "../../support/command-process.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

let folder = "";
beforeEach(() => {
  folder = temporaryFolder();
});

const taskNames = catalog.tasks.map(({ name }) => name).join(", ");
const modelNames = catalog.checkpoints.map(({ name }) => name).join(", ");

describe("blip2-bench ls", () => {
  it("lists models and tasks, on stdout", async () => {
    const { code, out, err } = await inProcess(folder, "ls");
    assert.equal(code, 0);
    assert.equal(err, "");
    assert.match(out, /^shapes-opt-base +opt$/m);
    assert.match(out, /^vqav2 +val, train, test-dev, test +paper, lavis +accuracy, /m);
    assert.doesNotMatch((await inProcess(folder, "ls", "models")).out, /vqav2/);
    assert.doesNotMatch((await inProcess(folder, "ls", "tasks")).out, /shapes/);
  });

  it("lists them as JSON", async () => {
    const { models, tasks } = JSON.parse((await inProcess(folder, "ls", "--json")).out) as {
      models: { name: string }[];
      tasks: { name: string }[];
    };
    assert.deepEqual(
      models.map(({ name }) => name),
      modelNames.split(", "),
    );
    assert.equal(tasks[0]?.name, "vqav2");
  });

  it("ends quietly when its reader has enough", () => {
    const { status, stderr } = spawnSync("sh", ["-c", `"$0" "$1" ls | true`, process.execPath, realCommand], {
      encoding: "utf8",
    });
    assert.equal(stderr, "");
    assert.equal(status, 0);
  });
});

const commandNames = commands.map(({ name }) => name).join(", ");

describe("blip2-bench says what is wrong with a command line, and exits with 2", () => {
  const cases: readonly [words: readonly string[], message: string | RegExp][] = [
    [["rnu"], `rnu: no such command. Did you mean run? Commands: ${commandNames}.`],
    [["--limt", "3"], /^error: blip2-bench --limt: no such flag\./],
    [["run", "--limt", "3"], /^error: run --limt: no such flag\. Did you mean --limit\? Flags: --model, --tasks, /],
    [["run", "--batchsize=3"], /^error: run --batchsize: no such flag\. Did you mean --batch-size\?/],
    [["run", "vqav2"], 'run: found "vqav2", expected flags only from there on.'],
    [["run", "--output"], /^error: option '-o, --output <folder>' argument missing\.$/m],
    [["run", "--output", "--quiet"], '--output: found "--quiet", expected a value before the next flag.'],
    [
      ["run", "--tasks", "vqa2"],
      `--tasks vqa2: no such task. Did you mean vqav2? Tasks: ${taskNames}. Or give a task file, such as ./my-task.yaml.`,
    ],
    [
      ["run", "--model", "shapes-opt-bsae"],
      `--model shapes-opt-bsae: no such checkpoint. Did you mean shapes-opt-base? Checkpoints: ${modelNames}. ` +
        "Or give a folder, or a name in the Hugging Face cache such as Salesforce/blip2-opt-2.7b.",
    ],
    [["run", "--model", "no/such/folder"], /^error: no\/such\/folder: no such folder\./],
    [
      ["run", "--model", "Salesforce/blip2-opt-2.7b"],
      /^error: Salesforce\/blip2-opt-2\.7b: not in the Hugging Face cache/,
    ],
    [
      ["run", "--precision", "int5"],
      '--precision: found "int5", expected one of the precisions fp32, fp16, int8, int8-block, int4.',
    ],
    [
      ["prepare", "--precision", "vison=int8"],
      '--precision: found "vison=int8", expected one of the parts vision, q-former, projection, language, head before "=".',
    ],
    [
      ["run", "--precision", "q-former=fp16"],
      /^error: --precision: found "q-former=fp16", expected another precision, because the Q-Former and its queries stay fp32/,
    ],
    [["prepare", "--modle", "x"], /^error: prepare --modle: no such flag\. Did you mean --model\? Flags: /],
    [["cache", "prnue"], "cache prnue: no such action. Did you mean prune? Actions: ls, verify, prune."],
    [["cache", "ls", "all"], 'cache: found "all", expected flags only from there on.'],
    [["cache", "--cache="], '--cache: found "", expected a folder.'],
    [
      ["run", "--split", "vall"],
      "--split vall: vqav2: no such split. Did you mean val? Splits: val, train, test-dev, test.",
    ],
    [["run", "--data", "nowhere"], /^error: vqav2 val: the data folder .*nowhere does not exist/],
    [["run", "--protocol", "papr"], '--protocol: found "papr", expected paper or lavis.'],
    [
      ["run", "--limit", "0"],
      '--limit: found "0", expected a number of samples from 1, or a fraction between 0 and 1.',
    ],
    [
      ["run", "--limit", "1.5"],
      '--limit: found "1.5", expected a number of samples from 1, or a fraction between 0 and 1.',
    ],
    [["run", "--batch-size", "many"], '--batch-size: found "many", expected a whole number from 1, or auto.'],
    [["run", "--early-stopping", "yes"], '--early-stopping: found "yes", expected true, false or never.'],
    [["run", "--tasks", ","], '--tasks: found ",", expected a name, or several with commas between them.'],
    [["ls", "model"], "ls model: no such list. Did you mean models? Lists: models, tasks."],
    [["score"], "score: found no folder, expected the run folder to score."],
    [["score", "nowhere"], /^error: nowhere: no run\.json in it or in <model>\/<task> below it\./],
  ];
  for (const [words, message] of cases) {
    it(["blip2-bench", ...words].join(" "), async () => {
      assertFails(await inProcess(folder, ...words), 2, message);
    });
  }

  it("as a process, and leaves nothing behind", () => {
    assertFails(
      blip2(folder, "run", "--tasks", "vqa2"),
      2,
      `--tasks vqa2: no such task. Did you mean vqav2? Tasks: ${taskNames}. Or give a task file, such as ./my-task.yaml.`,
    );
    assert.deepEqual(readdirSync(folder), []);
  });

  it("with a stack when asked for it", async () => {
    const { code, err } = await inProcess(folder, "run", "--tasks", "vqa2", "--verbose");
    assert.equal(code, 2);
    assert.match(err, /\n {4}at /);
  });

  it("but prints help and version when asked, and exits with 0", async () => {
    assert.match((await inProcess(folder, "--help")).out, /Usage: blip2-bench/);
    assert.match((await inProcess(folder, "run", "--help")).out, /--length-penalty <x>/);
    const { code, out } = await inProcess(folder, "--version");
    assert.match(out, /^\d+\.\d+\.\d+\n$/);
    assert.equal(code, 0);
  });
});
