/** Runs on data of a user's own: every form of the bundled world gives the answers and scores of its official files. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inProcess } from "../../support/command-process.ts";
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
