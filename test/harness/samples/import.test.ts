/** `import`: results of other programs become runs with the scores that our own run of these answers has, and what is refused. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readPredictions } from "../../../reports/records/journal.ts";
import { readScores } from "../../../reports/records/read-scores.ts";
import { readRunRecord } from "../../../reports/records/run-files.ts";
import { assertFails } from "../../support/command-process.ts";
import { onRuns, runSaying } from "../../support/saying-runs.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const words = ["Red.", "a circle", "two", "yes", "black/white", "no", "1,000", " Blue\n", "", "=1+1"];
const limited = ["--limit", "24"];

/** Runs the task, exports it, imports the file again, and gives the folder; runs are `run` and `back`. */
async function thereAndBack(task: string, as: string, file: string, more: readonly string[] = []): Promise<string> {
  const folder = temporaryFolder();
  await runSaying(folder, (_, index) => words[index % words.length]!, {
    words: ["--tasks", task, ...limited, ...more],
  });
  const exported = await onRuns(folder, "export", "run", "--as", as, "--output", "files");
  assert.equal(exported.code, 0, exported.err);
  const taken = [
    "import",
    join("files", file),
    "--tasks",
    task,
    "--model-name",
    "other",
    "--output",
    "back",
    ...limited,
  ];
  const imported = await onRuns(folder, ...taken);
  assert.equal(imported.code, 0, imported.err);
  return folder;
}

async function assertEqualScores(folder: string): Promise<void> {
  const [ours, theirs] = [await readScores(join(folder, "run")), await readScores(join(folder, "back"))];
  assert.deepEqual(theirs.samples, ours.samples);
  assert.deepEqual(theirs.metrics, ours.metrics);
  assert.deepEqual(theirs.counts, ours.counts);
}

describe("export, then import", () => {
  for (const [task, as, file] of [
    ["vqav2", "vqa-results", "v2_OpenEnded_mscoco_val2014_fake_results.json"],
    ["vqav2", "lavis", "val_vqa_result.json"],
    ["vqav2", "lm-eval", "samples_vqav2.jsonl"],
    ["coco-caption", "coco-results", "captions_test_fake_results.json"],
    ["coco-caption", "lavis", "test_epochbest.json"],
    ["coco-caption", "lm-eval", "samples_coco-caption.jsonl"],
  ] as const) {
    it(`of ${task} as ${as} gives the same scores to the digit`, async () => {
      await assertEqualScores(await thereAndBack(task, as, file));
    });
  }

  it("records the file and its hash, and nothing that the file does not tell", async () => {
    const folder = await thereAndBack("vqav2", "vqa-results", "v2_OpenEnded_mscoco_val2014_fake_results.json");
    const record = await readRunRecord(join(folder, "back"));
    assert.equal(record.imported?.file, "v2_OpenEnded_mscoco_val2014_fake_results.json");
    assert.match(record.imported.sha256, /^[0-9a-f]{64}$/);
    assert.equal(record.imported.form, "vqa-results");
    assert.deepEqual(record.checkpoint, { name: "other", family: "unknown" });
    assert.deepEqual(record.config.decoding, {});
    assert.deepEqual(
      [record.config.batchSize, record.processor, record.measured, record.timings.computeMs, record.imported.tool],
      [undefined, undefined, undefined, undefined, null],
    );
    const [first] = await readPredictions(join(folder, "back", "predictions.jsonl"));
    assert.deepEqual(Object.keys(first!).sort(), ["id", "image", "status", "text"]);
  });

  it("is compared, gated, reported and shown like a run of ours, and says what could not be checked", async () => {
    const folder = await thereAndBack("vqav2", "vqa-results", "v2_OpenEnded_mscoco_val2014_fake_results.json");
    const note =
      /back: is imported from v2_OpenEnded_mscoco_val2014_fake_results\.json, which does not tell checkpoint, prompt, decoding, precision or machine/;
    const compared = await onRuns(folder, "compare", "run", "back", "--json");
    assert.equal(compared.code, 0, compared.err);
    assert.match((JSON.parse(compared.out) as { notes: string[] }).notes.join("\n"), note);
    assert.equal((await onRuns(folder, "baseline", "run", "--output", "base.json")).code, 0);
    const gated = await onRuns(folder, "gate", "back", "--baseline", "base.json", "--json");
    assert.match(gated.out, note);
    assert.match(gated.out, /"verdict": "pass"/);
    const reported = await onRuns(folder, "report", "run", "back", "--output", "report");
    assert.equal(reported.code, 0, reported.err);
    assert.match(reported.out, /2 runs/);
    assert.ok(!reported.err.includes("Shown apart"), reported.err);
    const page = readFileSync(join(folder, "report", "index.html"), "utf8");
    assert.ok(page.includes("other, from v2_OpenEnded_mscoco_val2014_fake_results.json (vqa-results), SHA-256"));
    const { samples } = JSON.parse((await onRuns(folder, "show", "back", "--json")).out) as {
      samples: { id: string }[];
    };
    const shown = await onRuns(folder, "show", "back", samples[0]!.id);
    assert.match(shown.out, /^other vqav2 \(imported\) val in back, sample \d+\n/);
    assert.match(shown.out, /\naccuracy: /);
    assert.ok(!shown.out.includes("\ntokens"));
    assert.equal((await onRuns(folder, "score", "back")).code, 0);
    await assertEqualScores(folder);
    assert.equal((await onRuns(folder, "history", "add", "back")).code, 0);
    assert.equal((await onRuns(folder, "export", "back", "--as", "csv")).code, 0);
  });
});

describe("import — files as other tools write them", () => {
  const folder = temporaryFolder();
  let ids: readonly number[] = [];
  before(async () => {
    await runSaying(folder, () => "no", { words: ["--tasks", "vqav2", "--limit", "2"] });
    const predictions = await readPredictions(join(folder, "run", "predictions.jsonl"));
    ids = predictions.map(({ id }) => Number(id));
  });
  const take = async (name: string, content: unknown, more: readonly string[] = []) => {
    writeFileSync(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
    const all = [
      "import",
      name,
      "--tasks",
      "vqav2",
      "--model-name",
      "m",
      "--limit",
      "2",
      "--output",
      `of-${name}`,
      ...more,
    ];
    return await onRuns(folder, ...all);
  };

  it("samples of lmms-eval, whose id may stand in the submission only, and of its older versions", async () => {
    const line = (id: number): object => {
      return {
        doc_id: 7,
        doc: {},
        submission: { question_id: id, answer: "no" },
        filtered_resps: [["no"]],
        target: "no",
      };
    };
    const jsonl = await take("a.jsonl", ids.map((id) => JSON.stringify(line(id))).join("\n"), ["--tool", "lmms-eval"]);
    assert.equal(jsonl.code, 0, jsonl.err);
    assert.equal((await readRunRecord(join(folder, "of-a.jsonl"))).imported?.tool, "lmms-eval");
    const logs = await take("b.json", { args: {}, logs: ids.map(line) });
    assert.equal(logs.code, 0, logs.err);
    const [one, other] = [await readScores(join(folder, "of-a.jsonl")), await readScores(join(folder, "run"))];
    assert.deepEqual(one.metrics, other.metrics);
  });

  it("GQA's and LAVIS's forms", async () => {
    const questions = await take(
      "gqa.json",
      ids.map((id) => ({ questionId: String(id), prediction: "no" })),
    );
    assert.equal(questions.code, 0, questions.err);
    const lavis = await take(
      "lavis.json",
      ids.map((id) => ({ question_id: id, pred_ans: "no", gt_ans: "yes" })),
    );
    assert.equal(lavis.code, 0, lavis.err);
    assert.equal((await readRunRecord(join(folder, "of-lavis.json"))).imported?.tool, "lavis");
  });

  it("a part of the samples with --partial, and then ends with the code for that", async () => {
    const half = [{ question_id: ids[0], answer: "no" }];
    assertFails(
      await take("half.json", half),
      2,
      `half.json: 1 of the 2 samples of vqav2 val have no answer in it, the first is ${ids[1]!}. ` +
        "Import what it answers with --limit, where that is the beginning of the split, or as a partial run with --partial.",
    );
    assert.equal((await take("half.json", half, ["--partial"])).code, 3);
    const record = await readRunRecord(join(folder, "of-half.json"));
    assert.deepEqual([record.status, record.counts], ["partial", { samples: 2, predicted: 1, failed: 0 }]);
  });

  it("refuses unknown and repeated ids, wrong types and unknown forms, with line and column", async () => {
    const at = (answer: unknown, id: unknown = ids[0]): object => ({ question_id: id, answer });
    const refusals: readonly (readonly [content: unknown, message: RegExp])[] = [
      [
        [at("no"), at("no", 5)],
        /record 2, at line 1, column \d+ \(byte \d+\): sample 5 is not in vqav2 val\. Are task, --split and --data those of the file\?\n$/,
      ],
      [[at("no"), at("no")], /record 2, at line 1, column \d+ .*: sample \d+ stands in record 1 already\n$/],
      [[at(3)], /record 1, at line 1, .*: answer is 3, expected a string\n$/],
      [[at("no", 1.5)], /question_id is 1\.5, expected an integer or a string\n$/],
      [[{ id: 1, text: "no" }], /record 1, .*: has the fields id, text, expected one of: doc_id and filtered_resps; /],
      [[at("no"), { question_id: ids[1] }], /record 2, .*: answer is missing, expected it as in the records before\n$/],
      [[], /import: bad\.json: holds no result\.\n$/],
      ["[{", /bad\.json: .*line 1/],
      ["no JSON", /import: bad\.json, line 1: no JSON: /],
      [
        `${JSON.stringify(at("no"))}\n${JSON.stringify(at(null, ids[1]))}\n`,
        /import: bad\.json, line 2: answer is null, expected a string\n$/,
      ],
      [
        [{ image_id: 1, caption: "a dog" }],
        /names image 1, but images have several samples each here|image 1 is not in vqav2 val/,
      ],
      [
        [{ doc_id: 0, doc: { question: "?" }, filtered_resps: ["no"] }],
        /doc has no id, expected one of question_id, questionId, id, image_id: /,
      ],
      [
        [{ doc_id: 0, doc: { question_id: ids[0] }, filtered_resps: [["no", "yes"]] }],
        /filtered_resps is \[\["no","yes"\]\], expected a text, or a list of one\n$/,
      ],
    ];
    for (const [content, message] of refusals) assertFails(await take("bad.json", content), 2, message);
  });

  it("refuses what it cannot place", async () => {
    assertFails(await onRuns(folder, "import"), 2, "import: found no file, expected a file of results.");
    assertFails(
      await onRuns(folder, "import", "x.json"),
      2,
      "--tasks: found 0 tasks, expected the one that the answers in x.json are of.",
    );
    assertFails(
      await onRuns(folder, "import", "x.json", "--tasks", "vqav2"),
      2,
      "--model-name: found none, expected what the model is called in tables.",
    );
    const named = ["--tasks", "vqav2", "--model-name", "m"];
    assertFails(await onRuns(folder, "import", "x.json", ...named), 2, /^error: import: x\.json: cannot be read: /);
    const other = await take("other.json", [{ question_id: ids[0], answer: "no" }], ["--partial", "--output", "run"]);
    assertFails(other, 2, /^error: .*run: holds predictions of another run:\n/);
  });
});
