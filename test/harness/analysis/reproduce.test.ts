/** `blip2-bench reproduce`: the list, a run and its comparison, a run that is on disk, and what is refused. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Catalog } from "../../../harness/catalog/catalog.ts";
import { main } from "../../../harness/cli/command.ts";
import type { VisionLanguageModel } from "../../../models/model.ts";
import type { Reproduction } from "../../../reports/findings/reproduction-table.ts";
import { assertFails, environment, inProcess } from "../../support/command-process.ts";
import type { Ended } from "../../support/command-process.ts";
import { fakeCatalog, fakeModel } from "../../support/fakes.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

let folder = "";
beforeEach(() => {
  folder = temporaryFolder();
});

/** The fake model by the name of a released checkpoint, in this process. */
async function fakeReleased(...words: string[]): Promise<Ended> {
  const load = (): Promise<VisionLanguageModel> => Promise.resolve(fakeModel());
  const catalog: Catalog = {
    ...fakeCatalog(load),
    findCheckpoint: (where) =>
      Promise.resolve({
        name: basename(where),
        source: where,
        kind: "generation",
        family: "opt",
        fingerprint: "of it",
        load,
      }),
  };
  let [out, err] = ["", ""];
  const code = await main(words, catalog, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    env: environment(folder),
  });
  return { code, out, err };
}

describe("blip2-bench reproduce", () => {
  const model = ["--model", "Salesforce/blip2-opt-2.7b"];

  it("lists what is published, of what is not public too", async () => {
    const { code, out, err } = await inProcess(folder, "reproduce", "--list");
    assert.equal(err, "");
    assert.equal(code, 0);
    assert.match(
      out,
      /^blip2-opt-2\.7b +vqav2 +val +accuracy +53\.50 % +paper, table 2 +cross-checked\nblip2-opt-2\.7b +vqav2 +val +accuracy +53\.50 % +OpenMMLab/m,
    );
    assert.match(out, /^no public checkpoint +task/m);
    assert.match(out, /^ViT-L OPT 2\.7B +vqav2 +val +accuracy +50\.10 % .* the weights are not public$/m);
    assert.match(out, /^blip2-flan-t5-xl-vit-l +gqa +testdev +accuracy +44\.40 % +paper, table 2 +cross-checked$/m);
    assert.match(
      out,
      /^paper, table 2: the hub has no checkpoint of ViT-L; convert makes one of LAVIS's .*flant5xl_vitL\.pth/m,
    );
    assert.match(out, /^vqav2 test-dev: the answers are private, only the official server can score it\.$/m);
    const some = await inProcess(
      folder,
      "reproduce",
      "--list",
      "--model",
      "blip2-opt-2.7b-coco",
      "--tasks",
      "nocaps",
      "--json",
    );
    const { format, numbers } = JSON.parse(some.out) as { format: string; numbers: unknown[] };
    assert.equal(format, "blip2-bench-published/1");
    assert.equal(numbers.length, 8);
  });

  it("knows a conversion by the name of its folder", async () => {
    const converted = ["--model", join(folder, "blip2-flan-t5-xl-vit-l"), "--tasks", "vqav2", "--limit", "20"];
    const { code, out, err } = await fakeReleased("reproduce", ...converted, "--output", join(folder, "a"));
    assert.equal(code, 0, err);
    assert.match(out, /^blip2-flan-t5-xl-vit-l vqav2 val, protocol paper, n 20$/m);
    assert.match(out, /^accuracy .* 62\.60 % .* paper, table 2$/m);
    assert.match(out, /^paper, table 2: the hub has no checkpoint of ViT-L; .* blip2-flan-t5-xl-vit-l\.$/m);
  });

  it("runs as the paper does and shows ours beside what is published, also again from the folder", async () => {
    const words = ["reproduce", ...model, "--tasks", "vqav2", "--limit", "20", "--output", join(folder, "a")];
    const ran = await fakeReleased(...words);
    assert.equal(ran.code, 0, ran.err);
    assert.match(ran.err, /^No --data: the bundled data set is asked, not the official one/);
    assert.match(ran.out, /^blip2-opt-2\.7b vqav2 val, protocol paper, n 20\nNOT COMPARABLE: the bundled data set/);
    assert.match(ran.out, / not comparable +paper, table 2$/m);
    assert.doesNotMatch(ran.out, /^checkpoint/m, "one table");
    const shown = await fakeReleased("reproduce", "--run", join(folder, "a"));
    assert.deepEqual(shown, { code: 0, out: ran.out, err: "" });
  });

  it("runs all tasks that have numbers where none is named, and gives one JSON document", async () => {
    const words = ["reproduce", ...model, "--limit", "5", "--output", join(folder, "a"), "--json"];
    const { out: text } = await fakeReleased(...words);
    const { format, reproductions } = JSON.parse(text) as { format: string; reproductions: Reproduction[] };
    assert.equal(format, "blip2-bench-reproduction/1");
    assert.deepEqual(
      reproductions.map(({ task }) => task),
      ["vqav2"],
    );
    assert.equal(reproductions[0]?.comparisons.length, 7);
  });

  it("refuses a run that is not scored, or whose scores are broken", async () => {
    await fakeReleased("reproduce", ...model, "--limit", "5", "--output", join(folder, "a"));
    const path = join(join(folder, "a"), "scores.json");
    const scores = readFileSync(path, "utf8");
    writeFileSync(path, scores.replace('"counts"', '"count"'));
    const broken = await inProcess(folder, "reproduce", "--run", join(folder, "a"));
    assert.equal(
      broken.err,
      `error: ${path}: no scores as this version writes them. Make them again with \`score\`.\n`,
    );
    rmSync(path);
    const missing = await inProcess(folder, "reproduce", "--run", join(folder, "a"));
    assert.match(missing.err, /a: no scores\.json in it, so it is not finished\. Go on with the run, or score/);
    assert.deepEqual([broken.code, missing.code], [2, 2]);
  });

  it("refuses a run of which nothing is published", async () => {
    await fakeReleased("run", "--model", "fake", "--limit", "5", "--output", join(folder, "a"));
    const { code, out: text, err } = await inProcess(folder, "reproduce", "--run", join(folder, "a"));
    assert.equal(code, 2);
    assert.equal(text, "");
    assert.match(
      err,
      /^error: --run: nothing is published of fake on vqav2 val\. Checkpoints with published numbers: blip2-/,
    );
  });

  const checkpoints =
    "Checkpoints with published numbers: blip2-opt-2.7b, blip2-opt-6.7b, blip2-flan-t5-xl-vit-l, blip2-flan-t5-xl, blip2-flan-t5-xxl, " +
    "blip2-opt-2.7b-coco, blip2-opt-6.7b-coco, blip2-flan-t5-xl-coco, blip2-itm-vit-g-coco, blip2-itm-vit-g.";
  const refused: readonly [words: readonly string[], message: string | RegExp][] = [
    [[], `reproduce: found no --model, expected one with published numbers. ${checkpoints}`],
    [
      ["--model", "shapes-opt-base"],
      `--model shapes-opt-base: nothing is published of this checkpoint. ${checkpoints}`,
    ],
    [
      ["--model", "Salesforce/blip2-itm-vit-l", "--tasks", "vqav2"],
      /^error: --model Salesforce\/blip2-itm-vit-l: nothing .* Did you mean blip2-itm-vit-g\?/,
    ],
    [
      ["--model", "blip2-opt-2.7b-coco", "--tasks", "vqav2"],
      "--tasks vqav2: nothing is published of blip2-opt-2.7b-coco on it. Tasks: nocaps, coco-caption.",
    ],
    [
      [...model, "--tasks", "vqav2", "--split", "train"],
      "--split train: nothing is published of blip2-opt-2.7b on vqav2 train. Splits: val.",
    ],
    [
      [...model, "--tasks", "vqav2", "--split", "test-dev"],
      "--split test-dev: the answers of vqav2 test-dev are private: only the official server can score it. Splits: val.",
    ],
    [
      [...model, "--split", "train"],
      "--model Salesforce/blip2-opt-2.7b: no task that can be run here has published numbers of it. See blip2-bench reproduce --list.",
    ],
    [[...model, "--tasks", "vqa2"], /^error: --tasks vqa2: no such task\. Did you mean vqav2\?/],
    [[...model, "--beams", "3"], /^error: reproduce --beams: no such flag\./],
    [["--run", "a", "--limit", "3"], "--run: shows the run in a as it is, so --limit cannot be given with it."],
    [["--run", "nowhere"], /^error: nowhere: no run\.json in it or in <model>\/<task> below it\./],
    [
      ["--list", "--model", "blip2-opt-2.7b", "--tasks", "nocaps"],
      "--list: nothing is published of blip2-opt-2.7b, nocaps.",
    ],
  ];
  for (const [words, message] of refused) {
    it(`refuses ${words.length === 0 ? "no flags" : words.join(" ")} before anything is computed`, async () => {
      assertFails(await inProcess(folder, "reproduce", ...words), 2, message);
    });
  }

  it("refuses a bundled checkpoint as a process, and leaves nothing behind", async () => {
    assertFails(
      await inProcess(folder, "reproduce", "--model", "shapes-opt-small"),
      2,
      /nothing is published of this checkpoint/,
    );
    assert.deepEqual(readdirSync(folder), []);
  });
});
