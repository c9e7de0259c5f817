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
