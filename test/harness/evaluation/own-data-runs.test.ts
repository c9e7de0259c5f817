/** Runs on data of a user's own: every form of the bundled world gives the answers and scores of its official files. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { incompleteCode, usageCode } from "../../../harness/cli/exit-code.ts";
import { assertFails, inProcess } from "../../support/command-process.ts";
import {
  anyForms,
  bundledCaptions,
  bundledQuestions,
  bundledTexts,
  captionForms,
  questionForms,
} from "../../support/own-forms.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const count = 6;

interface Scores {
  readonly metrics: readonly {
    readonly name: string;
    readonly value: number | null;
    readonly standardError: number | null;
  }[];
}

/** The texts of a run's predictions, or the logits of its matches, in order. */
function predictionsOf(folder: string): readonly unknown[] {
  const lines = readFileSync(join(folder, "predictions.jsonl"), "utf8").trim().split("\n");
  return lines.map((line) => {
    const { status, text, texts, logits } = JSON.parse(line) as Record<string, unknown>;
    return { status, text, texts, logits };
  });
}

function scoresOf(folder: string): ReadonlyMap<string, unknown> {
  const { metrics } = JSON.parse(readFileSync(join(folder, "scores.json"), "utf8")) as Scores;
  return new Map(metrics.map(({ name, value, standardError }) => [name, { value, standardError }]));
}

const kinds = [
  {
    own: "vqa",
    official: "vqav2",
    model: "shapes-opt-small",
    records: bundledQuestions(count),
    forms: { ...anyForms, ...questionForms },
    more: [],
    // ten answers: the rule is the official one
    metrics: [["vqa-accuracy", "accuracy"]],
  },
  {
    own: "caption",
    official: "coco-caption",
    model: "shapes-opt-small",
    records: bundledCaptions(count),
    forms: { ...anyForms, ...captionForms },
    more: ["--cider-df", "sample"], // own data has no other images to count documents in
    metrics: ["CIDEr (df: sample)", "BLEU-4", "ROUGE-L"].map((name) => [name, name]),
  },
  {
    own: "retrieval",
    official: "flickr30k-retrieval",
    model: "shapes-itm",
    records: bundledTexts(count),
    forms: { ...anyForms, ...captionForms },
    more: [],
    metrics: ["TR@1", "IR@1", "IR MRR", "mean recall"].map((name) => [name, name]),
  },
] as const;

for (const { own, official, model, records, forms, more, metrics } of kinds) {
  describe(`--tasks ${own} --data`, () => {
    const folder = temporaryFolder();
    const words = ["run", "-m", model, ...more, "--no-report", "--quiet"];

    before(async () => {
      const { code, err } = await inProcess(
        folder,
        ...words,
        "-t",
        official,
        "--limit",
        String(count),
        "-o",
        "official",
      );
      assert.equal(code, 0, err);
    });

    for (const [index, [form, write]] of Object.entries(forms).entries()) {
      it(`answers and scores as ${official} from ${form}`, async () => {
        const place = join(folder, `data-${index}`);
        mkdirSync(place);
        const data = write(place, records);
        const output = `own-${index}`;
        const { code, err } = await inProcess(folder, ...words, "-t", own, "--data", data, "-o", output);
        assert.equal(code, 0, err);
        assert.deepEqual(predictionsOf(join(folder, output)), predictionsOf(join(folder, "official")));
        const scores = scoresOf(join(folder, output));
        const expected = scoresOf(join(folder, "official"));
        for (const [name, officialName] of metrics) {
          assert.ok(expected.get(officialName) !== undefined, officialName);
          assert.deepEqual(scores.get(name), expected.get(officialName), name);
        }
      });
    }
  });
}

describe("an image of own data that is missing, or of a type that is not decoded", () => {
  const folder = temporaryFolder();
  const data = join(folder, "photos");

  before(() => {
    mkdirSync(data);
    copyFileSync(bundledQuestions(1)[0]!.path, join(data, "a.jpg"));
    writeFileSync(join(data, "b.bmp"), "BM, and no more");
    const rows = ["a.jpg", "b.bmp", "none.jpg"].map((name) => `${name},What?,red\n`);
    writeFileSync(join(data, "metadata.csv"), `file_name,question,answer\n${rows.join("")}`);
  });

  it("is found by `data check`", async () => {
    const { code, out } = await inProcess(folder, "data", "check", data, "vqa", "--quiet");
    assert.equal(code, usageCode);
    assert.match(out, /1 images are not there, first none\.jpg\./);
    assert.match(out, /b\.bmp: found a BMP image, expected JPEG, PNG, WebP or GIF\. Convert it to PNG\./);
  });

  it("fails its own sample, and the others are answered", async () => {
    const words = ["run", "-m", "shapes-opt-small", "-t", "vqa", "--data", data, "-o", "out", "--no-report", "--quiet"];
    const { code, err } = await inProcess(folder, ...words);
    assert.equal(code, incompleteCode);
    assert.match(err, /2 of 3 samples failed/);
    const statuses = readFileSync(join(folder, "out", "predictions.jsonl"), "utf8").match(/"status":"\w+"/g);
    assert.deepEqual(statuses, ['"status":"predicted"', '"status":"failed"', '"status":"failed"']);
  });

  it("needs --data, which own data is named by", async () => {
    const ended = await inProcess(folder, "run", "-m", "shapes-opt-small", "-t", "vqa", "--quiet");
    assertFails(ended, usageCode, /--tasks vqa: asks about data of your own\. Name its folder or file with --data\./);
  });
});

describe("a row of own data with an empty cell", () => {
  const folder = temporaryFolder();
  const data = join(folder, "photos");
  const faults = [
    'photos/metadata.csv: line 3: column "question" is empty, expected a question.',
    'photos/metadata.csv: line 4: column "answer" is empty, expected an answer.',
  ];

  before(() => {
    mkdirSync(data);
    copyFileSync(bundledQuestions(1)[0]!.path, join(data, "a.jpg"));
    writeFileSync(join(data, "metadata.csv"), "file_name,question,answer\na.jpg,What?,red\na.jpg,,red\na.jpg,Who?,\n");
    copyFileSync(bundledQuestions(2)[1]!.path, join(data, "b.jpg"));
    writeFileSync(join(data, "captions.csv"), "file_name,caption\na.jpg,A dog.\nb.jpg,\n");
  });

  interface Counts {
    readonly counts: Readonly<Record<string, number>>;
    readonly samples: { readonly id: readonly string[] };
  }
  const sheetOf = (output: string): Counts =>
    JSON.parse(readFileSync(join(folder, output, "scores.json"), "utf8")) as Counts;

  it("is counted by `data check` as a faulty row, not as a damaged image", async () => {
    const { code, out } = await inProcess(folder, "data", "check", data, "vqa", "--json", "--quiet");
    assert.equal(code, usageCode);
    const { splits } = JSON.parse(out) as {
      readonly splits: readonly { readonly damaged: readonly unknown[]; readonly faulty: readonly unknown[] }[];
    };
    const told = splits.map(({ damaged, faulty }) => [damaged.length, faulty.length]);
    assert.deepEqual(told, [[0, 2]]);
    const text = await inProcess(folder, "data", "check", data, "vqa", "--quiet");
    for (const fault of faults) assert.ok(text.out.includes(fault), text.out);
  });

  it("fails its own sample with file and line, which is counted and not scored", async () => {
    const words = ["-m", "shapes-opt-small", "-t", "vqa", "--data", data, "--no-report", "--quiet"];
    const { code, err } = await inProcess(folder, "run", ...words, "-o", "out");
    assert.equal(code, incompleteCode);
    assert.match(err, /2 of 3 samples failed/);
    for (const fault of faults) assert.ok(err.includes(fault), err);
    const { counts, samples } = sheetOf("out");
    assert.deepEqual(counts, { samples: 3, scored: 1, failed: 2, missing: 0 });
    assert.deepEqual(samples.id, ["1"]);
  });

  it("fails its image in retrieval, and leaves its texts out of the ranking", async () => {
    const words = ["-m", "shapes-itm", "-t", "retrieval", "--data", join(data, "captions.csv"), "--no-report"];
    const { code, err } = await inProcess(folder, "run", ...words, "--quiet", "-o", "ranked");
    assert.equal(code, incompleteCode);
    assert.match(err, /b\.jpg: .*captions\.csv: line 3: column "caption" is empty, expected a caption\./);
    assert.deepEqual(sheetOf("ranked").counts, { samples: 2, scored: 1, failed: 1, missing: 0 });
  });

  it("is no sample of a sweep, which says which one cannot be asked", async () => {
    const words = ["bench", "-m", "shapes-opt-small", "-t", "vqa", "--data", data, "--quiet", "-o", "swept"];
    const ended = await inProcess(folder, ...words);
    assertFails(ended, usageCode, /sample 2 cannot be asked: .*line 3: column "question" is empty.* leave it out with/);
  });

  it("has no imported answer", async () => {
    const answers = ["1", "2", "3"].map((id) => ({ question_id: id, answer: "red" }));
    writeFileSync(join(folder, "results.json"), JSON.stringify(answers));
    const words = ["--tasks", "vqa", "--data", data, "--model-name", "another", "-o", "imported", "--quiet"];
    const { code, err } = await inProcess(folder, "import", "results.json", ...words);
    assert.equal(code, incompleteCode, err);
    assert.deepEqual(sheetOf("imported").counts, { samples: 3, scored: 1, failed: 2, missing: 0 });
  });
});
