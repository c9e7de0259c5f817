/** `export`: that official evaluators accept the files and come to the scores of the run, and what is refused. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parquetReadObjects } from "hyparquet";
import { exportFormats } from "../../../harness/samples/export/export-run.ts";
import { exportFormatNames } from "../../../harness/samples/export/format-names.ts";
import { readScores } from "../../../reports/records/read-scores.ts";
import { assertFails } from "../../support/command-process.ts";
import { onRuns, runSaying } from "../../support/saying-runs.ts";
import { officialCider, officialGqa, officialVqa } from "../../support/official-evaluators.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const words = ["Red.", "a circle", "two", "yes", "black/white", "no", "1,000", " Blue\n", ""];
const hostile = ["=1+1", "@SUM(A1)", "\u001b[31mred\u001b[0m", "<script>alert(1)</script>", "a\tb\nc", "‮abc"];
const vqa = ["--tasks", "vqav2", "--limit", "48"];

const read = (...path: string[]): string => readFileSync(join(...path), "utf8");
const json = (...path: string[]): unknown => JSON.parse(read(...path));

async function sampleScores(folder: string, name: string): Promise<ReadonlyMap<string, number>> {
  const { samples } = await readScores(folder);
  return new Map((samples["id"] ?? []).map((id, place) => [String(id), Number(samples[name]?.[place])]));
}

describe("export — answers for the official VQA evaluator", () => {
  it("of a part of a split come with its questions and annotations, and score the same", async () => {
    const folder = temporaryFolder();
    await runSaying(folder, (_, index) => words[index % words.length]!, { words: vqa });
    const { code, out, err } = await onRuns(folder, "export", "run", "--as", "vqa-results", "--output", "files");
    assert.equal(code, 0, err);
    const names = [
      "v2_OpenEnded_mscoco_val2014_cut_questions.json",
      "v2_OpenEnded_mscoco_val2014_fake_results.json",
      "v2_mscoco_val2014_cut_annotations.json",
    ];
    assert.deepEqual(readdirSync(join(folder, "files")).sort(), names);
    for (const name of names) assert.ok(out.includes(name));
    const [questions = "", results = "", annotations = ""] = names.map((name) => join(folder, "files", name));
    const official = officialVqa(questions, annotations, results);
    const ours = await sampleScores(join(folder, "run"), "accuracy");
    assert.equal(ours.size, 48);
    assert.ok([...ours.values()].some((score) => score > 0));
    for (const [id, score] of official) assert.equal(ours.get(String(id)), score, `question ${id}`);
    assert.equal(typeof (json(results) as { question_id: unknown }[])[0]?.question_id, "number");
  });

  it("of a whole split come alone", async () => {
    const folder = temporaryFolder();
    await runSaying(folder, () => "red", { words: ["--tasks", "vqav2"] });
    assert.equal((await onRuns(folder, "export", "run", "--as", "vqa-results", "--output", "files")).code, 0);
    assert.deepEqual(readdirSync(join(folder, "files")), ["v2_OpenEnded_mscoco_val2014_fake_results.json"]);
  });

  it("are refused where samples failed, and cut to what there is with --partial", async () => {
    const folder = temporaryFolder();
    await runSaying(folder, (_, index) => (index === 3 || index === 5 ? null : "red"), { words: vqa, code: 3 });
    const refused = await onRuns(folder, "export", "run", "--as", "vqa-results", "--output", "files");
    assertFails(
      refused,
      2,
      /^error: run: 2 of 48 samples have no answer \(2 failed, 0 not asked yet\); the first is \d+: cannot be read\. Go on with the run, or export what there is with --partial\.\n$/,
    );
    const partial = await onRuns(folder, "export", "run", "--as", "vqa-results", "--partial", "--output", "files");
    assert.equal(partial.code, 0);
    assert.match(partial.err, /2 samples are missing in these files/);
    const at = (name: string): string => join(folder, "files", `v2_${name}`);
    const official = officialVqa(
      at("OpenEnded_mscoco_val2014_cut_questions.json"),
      at("mscoco_val2014_cut_annotations.json"),
      at("OpenEnded_mscoco_val2014_fake_results.json"),
    );
    assert.equal(official.size, 46);
  });
});

describe("export — captions for pycocoevalcap", () => {
  it("score the same as the run does with document frequencies of its sample", async () => {
    const folder = temporaryFolder();
    const captions = ["a red circle and a blue star", "there is a green square", "two shapes", ""];
    await runSaying(folder, (_, index) => captions[index % captions.length]!, {
      words: ["--tasks", "coco-caption", "--limit", "12", "--cider-df", "sample"],
    });
    assert.equal((await onRuns(folder, "export", "run", "--as", "coco-results", "--output", "files")).code, 0);
    const at = (name: string): string => join(folder, "files", name);
    const official = officialCider(at("captions_test_references.json"), at("captions_test_fake_results.json"));
    const ours = await sampleScores(join(folder, "run"), "CIDEr (df: sample)");
    assert.equal(official.size, 12);
    assert.ok([...ours.values()].some((score) => score > 0.1));
    // sums are in another order
    for (const [id, score] of official) assert.ok(Math.abs(ours.get(String(id))! - score) < 1e-9, `image ${id}`);
  });
});

/** Two questions of GQA with a one-pixel image, and one whose answer is spelt with a hyphen. */
const gqaQuestions = {
  "07": { question: "What is he wearing?", imageId: "n1", answer: "t-shirt", types: { structural: "query" } },
  "08": { question: "Is it red?", imageId: "n1", answer: "no", types: { structural: "verify" } },
  "09": { question: "Is it blue?", imageId: "n1", answer: "yes", types: { structural: "verify" } },
};

describe("export — answers for GQA's eval.py", () => {
  const gqaRun = async (said: readonly string[], more: readonly string[] = []): Promise<string> => {
    const folder = temporaryFolder({
      "data/testdev_balanced_questions.json": JSON.stringify(gqaQuestions),
      "data/images/n1.jpg": "not read by the fake",
    });
    await runSaying(folder, (_, index) => said[index]!, { words: ["--tasks", "gqa", "--data", "data", ...more] });
    return folder;
  };

  it("are spelt as answers of the split are, so that it counts what the run counts", async () => {
    const folder = await gqaRun(["T-shirt.", "No", "green"]);
    const { code, err } = await onRuns(folder, "export", "run", "--as", "gqa", "--output", "files");
    assert.equal(code, 0, err);
    const official = officialGqa(
      join(folder, "data/testdev_balanced_questions.json"),
      join(folder, "files/testdev_predictions.json"),
    );
    const [metric] = (await readScores(join(folder, "run"))).metrics;
    assert.equal(official, metric?.value);
    assert.equal(official, 2 / 3);
  });

  it("must be to all questions", async () => {
    const folder = await gqaRun(["t-shirt"], ["--limit", "1"]);
    const refused = await onRuns(folder, "export", "run", "--as", "gqa");
    assertFails(
      refused,
      2,
      "run: the run asks 1 of the 3 samples of testdev, and gqa takes only all. Run it without --limit, or export what there is with --partial.",
    );
  });

  it("are in LAVIS's file with the right answers beside them", async () => {
    const folder = await gqaRun(["T-shirt.", "No", "green"]);
    await onRuns(folder, "export", "run", "--as", "lavis", "--output", "files");
    assert.deepEqual((json(folder, "files/testdev_vqa_result.json") as unknown[])[0], {
      question_id: "07",
      pred_ans: "T-shirt.",
      gt_ans: "t-shirt",
    });
  });
});

describe("export — what servers take only whole", () => {
  it("is refused for another split or data set, with the formats that the run can be written in", async () => {
    const folder = temporaryFolder();
    await runSaying(folder, () => "red", { words: ["--tasks", "vqav2", "--limit", "2"] });
    const suited = "Formats for this run: vqa-results, gqa, lavis, lm-eval, csv, parquet.";
    assertFails(
      await onRuns(folder, "export", "run", "--as", "evalai-vqa"),
      2,
      `--as evalai-vqa: not for run: EvalAI scores answers to all questions of test2015, for test-dev, too, and this run is of val; run --split test. ${suited}`,
    );
    assertFails(
      await onRuns(folder, "export", "run", "--as", "nocaps"),
      2,
      `--as nocaps: not for run: its server scores captions of NoCaps, and this run is of vqav2. ${suited}`,
    );
    assertFails(
      await onRuns(folder, "export", "run", "--as", "coco-results"),
      2,
      `--as coco-results: not for run: it holds captions, and vqav2 makes none. ${suited}`,
    );
  });

  it("is written of the whole test2015 split", async () => {
    const questions = [1, 2].map((id) => ({ question_id: id, image_id: 9, question: "Is it?" }));
    const folder = temporaryFolder({
      "data/v2_OpenEnded_mscoco_test2015_questions.json": JSON.stringify({ questions, data_subtype: "test2015" }),
      "data/test2015/COCO_test2015_000000000009.jpg": "not read by the fake",
    });
    await runSaying(folder, () => "yes", { words: ["--tasks", "vqav2", "--split", "test", "--data", "data"] });
    assert.equal((await onRuns(folder, "export", "run", "--as", "evalai-vqa", "--output", "files")).code, 0);
    assert.deepEqual(json(folder, "files/v2_OpenEnded_mscoco_test2015_fake_results.json"), [
      { question_id: 1, answer: "yes" },
      { question_id: 2, answer: "yes" },
    ]);
  });
});

describe("export — tables and samples", () => {
  let folder = "";
  before(async () => {
    folder = temporaryFolder();
    await runSaying(folder, (_, index) => (index === 7 ? null : hostile[index % hostile.length]!), {
      words: ["--tasks", "vqav2", "--limit", "8"],
      code: 3,
    });
  });

  it("as CSV hold hostile texts without their effect", async () => {
    assert.equal((await onRuns(folder, "export", "run", "--as", "csv", "--output", "csv")).code, 0);
    const text = read(folder, "csv/vqav2_fake.csv");
    assert.equal(text.split("\n")[0]!.split(",").slice(0, 3).join(), "id,image,question");
    assert.ok(!/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/.test(text));
    assert.ok(text.includes("\\u001b[31mred"));
    assert.ok(text.includes(",'=1+1,") && text.includes(",'@SUM(A1),"));
    assert.ok(text.includes("cannot be read"));
  });

  it("as parquet hold every text as it is, and the failed sample with its error", async () => {
    assert.equal((await onRuns(folder, "export", "run", "--as", "parquet", "--output", "parquet")).code, 0);
    const bytes = readFileSync(join(folder, "parquet/vqav2_fake.parquet"));
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    const rows = await parquetReadObjects({ file });
    assert.equal(rows.length, 8);
    assert.deepEqual(
      rows.slice(0, 6).map((row): unknown => row["text"]),
      hostile,
    );
    assert.equal(rows[7]!["status"], "failed");
    assert.equal(rows[7]!["error"], "cannot be read");
    assert.equal(rows[7]!["accuracy"], null);
    assert.equal((rows[0]!["references"] as unknown[]).length, 10);
    assert.deepEqual(rows[0]!["tokens"], [7, 8]);
  });

  it("as lm-evaluation-harness logs them are a JSON object a line", async () => {
    assert.equal((await onRuns(folder, "export", "run", "--as", "lm-eval", "--partial", "--output", "lm")).code, 0);
    const lines = read(folder, "lm/samples_vqav2.jsonl").trimEnd().split("\n");
    assert.equal(lines.length, 7);
    const [first] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(first!["resps"], [["=1+1"]]);
    assert.deepEqual(first!["metrics"], ["accuracy", "accuracy-lavis", "accuracy-always"]);
    assert.equal(first!["accuracy"], 0);
  });

  it("are not written over files that are there, unless --overwrite is given", async () => {
    const words = ["export", "run", "--as", "csv", "--output", "twice"];
    assert.equal((await onRuns(folder, ...words)).code, 0);
    assertFails(
      await onRuns(folder, ...words),
      2,
      /vqav2_fake\.csv: is there already\. Give another folder with --output, or --overwrite\.\n$/,
    );
    assert.equal((await onRuns(folder, ...words, "--overwrite")).code, 0);
    writeFileSync(join(folder, "a-file"), "");
    assertFails(
      await onRuns(folder, "export", "run", "--as", "csv", "--output", "a-file"),
      2,
      /a-file: cannot be written: /,
    );
  });
});

describe("export", () => {
  it("says which formats there are, and what it needs", async () => {
    const folder = temporaryFolder();
    assertFails(await onRuns(folder, "export"), 2, "export: found no folder, expected the run folder to export.");
    assertFails(
      await onRuns(folder, "export", "x"),
      2,
      /^error: --as: found no format, expected one of:\n {2}vqa-results: answers for/,
    );
    assert.deepEqual(
      exportFormats.map(({ name }) => name),
      exportFormatNames,
    );
  });

  it("says which data are gone", async () => {
    const folder = temporaryFolder({
      "data/testdev_balanced_questions.json": JSON.stringify(gqaQuestions),
      "data/images/n1.jpg": "",
    });
    await runSaying(folder, () => "no", { words: ["--tasks", "gqa", "--data", "data"] });
    rmSync(join(folder, "data"), { recursive: true });
    assertFails(
      await onRuns(folder, "export", "run", "--as", "csv"),
      2,
      /gqa testdev: the data folder .* does not exist/,
    );
  });

  it("takes one run at a time", async () => {
    const folder = temporaryFolder();
    await runSaying(folder, () => "no", { words: ["--tasks", "vqav2,coco-caption", "--limit", "2"] });
    assertFails(
      await onRuns(folder, "export", "run", "--as", "csv"),
      2,
      /^error: export: run holds 2 runs, expected one\. Name one of: run.fake.coco-caption, run.fake.vqav2\.\n$/,
    );
  });
});
