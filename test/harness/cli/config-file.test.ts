/** Options in a YAML file, and the file that --print-config writes. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { resumeCommand } from "../../../harness/cli/commands/run.ts";
import { assertFails, inProcess } from "../../support/command-process.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

let folder = "";
beforeEach(() => {
  folder = temporaryFolder();
});

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** What --print-config writes, read as YAML, and the text itself. */
async function printed(...words: string[]): Promise<{ readonly options: unknown; readonly text: string }> {
  const { code, out, err } = await inProcess(folder, ...words, "--print-config");
  assert.equal(err, "");
  assert.equal(code, 0);
  return { options: parse(out), text: out };
}

describe("--config", () => {
  it("takes options by their long names: values, lists, switches, and those that switch something off", async () => {
    const file = write(
      "eval.yaml",
      `# a run for git
model: shapes-opt-small
tasks: [vqav2, coco-caption]
limit: 0.25
batch-size: auto
early-stopping: never
keep-features: true
report: false
`,
    );
    const { options } = await printed("run", "--config", file);
    assert.deepEqual(options, {
      model: "shapes-opt-small",
      tasks: ["vqav2", "coco-caption"],
      limit: 0.25,
      "batch-size": "auto",
      "early-stopping": "never",
      "keep-features": true,
      report: false,
    });
  });

  it("is as if they were typed: the command does that", async () => {
    const file = write("eval.yaml", "json: true\n");
    const { out } = await inProcess(folder, "ls", "tasks", "--config", file);
    assert.ok("tasks" in (JSON.parse(out) as object));
  });

  it("yields to flags, and a file to the one behind it", async () => {
    const first = write("first.yaml", "beams: 3\nlimit: 5\nsplit: val\n");
    const second = write("second.yaml", "limit: 7\n");
    const { options } = await printed("run", "--config", first, "--config", second, "--beams", "1");
    assert.deepEqual(options, { beams: 1, limit: 7, split: "val" });
  });

  it("yields to a switch that is typed the other way", async () => {
    const file = write("eval.yaml", "quiet: true\nreport: false\noverwrite: true\n");
    const { options } = await printed("run", "--config", file, "--no-quiet", "--report");
    assert.deepEqual(options, { quiet: false, report: true, overwrite: true });
  });

  it("of nothing but comments changes nothing", async () => {
    assert.deepEqual((await printed("run", "--config", write("none.yaml", "# nothing yet\n"))).options, null);
  });

  const wrong: readonly [text: string, message: string | RegExp][] = [
    [
      "limit: 3\nbaems: 5\n",
      /^error: .*eval\.yaml:2:1: baems: no such option of run\. Did you mean beams\? Options: model, tasks, /,
    ],
    ["batch_size: 3\n", /eval\.yaml:1:1: batch_size: no such option of run\. Did you mean batch-size\? /],
    ["no-report: true\n", /eval\.yaml:1:1: no-report: no such option of run\. Did you mean report\? /],
    ["config: other.yaml\n", /eval\.yaml:1:1: config: no such option of run\. /],
    ["limit: 3\nbeams:   many\n", /eval\.yaml:2:10: beams: found "many", expected a whole number from 1\.$/m],
    ["beams: true\n", /eval\.yaml:1:8: beams: found "true", expected a whole number from 1\.$/m],
    ["beams: [1, 2]\n", /eval\.yaml:1:8: beams: found a list, expected one value\.$/m],
    ["beams:\n  least: 1\n", /eval\.yaml:2:3: beams: found names with values, expected one value\.$/m],
    ["beams:\n", /eval\.yaml:1:\d+: beams: found nothing, expected one value; leave the line out for the default\.$/m],
    ["overwrite: 1\n", /eval\.yaml:1:12: overwrite: found "1", expected true or false\.$/m],
    ["tasks: []\n", /eval\.yaml:1:8: tasks: found an empty list, expected a value, or a list of values\.$/m],
    ["tasks: [{a: 1}]\n", /eval\.yaml:1:8: tasks: found a list with something else than values in it, expected /],
    ["precision: int5\n", /eval\.yaml:1:12: precision: found "int5", expected one of the precisions fp32, /],
    ["- run\n", /eval\.yaml:1:1: found no names, expected a line for each option, such as "batch-size: 4"\.$/m],
    ["beams: 1\nbeams: 2\n", /eval\.yaml:2:1: Map keys must be unique/],
    ["model: [a\n", /eval\.yaml:\d+:\d+: .*(flow|bracket|\])/i],
  ];
  for (const [text, message] of wrong) {
    it(`says where it is wrong: ${JSON.stringify(text)}`, async () => {
      assertFails(await inProcess(folder, "run", "--config", write("eval.yaml", text)), 2, message);
    });
  }

  it("says that there is no such file, or that it is no text", async () => {
    assertFails(await inProcess(folder, "ls", "--config", "no/such.yaml"), 2, "--config no/such.yaml: no such file.");
    const path = join(folder, "latin.yaml");
    writeFileSync(path, Buffer.from([0x61, 0x3a, 0x20, 0xe9, 0x0a]));
    assertFails(await inProcess(folder, "ls", "--config", path), 2, /^error: --config .*latin\.yaml.*UTF-8/);
  });

  it("of gate is its margins, and options where the name ends in .yaml", async () => {
    const margins = write("gate.json", '{ "format": "blip2-bench-gate/9" }');
    assertFails(
      await inProcess(folder, "gate", "x", "--baseline", "b", "--config", margins),
      2,
      /--config .*gate\.json: "format"/,
    );
    const options = write("gate.yaml", `baseline: b.json\nmargin: [accuracy=0.5]\nconfig: ${margins}\n`);
    assert.deepEqual((await printed("gate", "x", "--config", options)).options, {
      baseline: "b.json",
      margin: "accuracy=0.5",
      config: margins,
    });
    assertFails(await inProcess(folder, "gate", "x", "--config", options), 2, /--config .*gate\.json: "format"/);
    const two = await inProcess(folder, "gate", "x", "--baseline", "b", "--config", "a.json", "--config", "b.json");
    assertFails(two, 2, "--config: found margins in a.json and b.json, expected one file of them.");
  });
});

describe("--print-config", () => {
  it("writes what was given, and read back it gives that again", async () => {
    const words = ["ask", "photo.jpg", "--prompt", "Question: {question} # really\nAnswer:", "--precision", "fp32"];
    const more = [
      "--precision",
      "language=int4,vision=int8",
      "--top-p",
      "0.90",
      "--early-stopping",
      "true",
      "--no-color",
    ];
    const { text, options } = await printed(...words, ...more, "--show", "--cache", "true", "--questions", "12");
    assert.match(text, /^# npx blip2-bench ask \[image\] \[questions\.\.\.\] --config <this file>\n/);
    assert.deepEqual(options, {
      precision: ["fp32", "language=int4,vision=int8"],
      questions: 12,
      prompt: "Question: {question} # really\nAnswer:",
      "early-stopping": true,
      "top-p": "0.90",
      show: true,
      cache: true,
      color: false,
    });
    const again = await printed("ask", "photo.jpg", "--config", write("again.yaml", text));
    assert.equal(again.text, text);
  });

  it("of nothing is a comment alone", async () => {
    assert.equal((await printed("run")).text, "# npx blip2-bench run --config <this file>\n");
  });

  it("refuses what the command would refuse of its options", async () => {
    const { code, err } = await inProcess(folder, "run", "--beams", "0", "--print-config");
    assert.equal(code, 2);
    assert.equal(err, 'error: --beams: found "0", expected a whole number from 1.\n');
  });
});

describe("the command that goes on with a run", () => {
  it("starts nothing again, whether that was typed or stands in a file", () => {
    const typed = resumeCommand(["run", "--overwrite", "--limit", "3"], { overwrite: true, output: "runs/a b" });
    assert.equal(typed, "npx blip2-bench run --limit 3 --output 'runs/a b'");
    const inFile = resumeCommand(["run", "--config", "eval.yaml"], { overwrite: true, output: null });
    assert.equal(inFile, "npx blip2-bench run --config eval.yaml --no-overwrite");
    const neither = resumeCommand(["run", "--config", "eval.yaml"], { overwrite: false, output: null });
    assert.equal(neither, "npx blip2-bench run --config eval.yaml");
  });
});
