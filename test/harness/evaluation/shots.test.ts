/** Few-shot prompts: which samples are drawn, how they are shown, what is recorded, and what is refused. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { VqaSample } from "../../../datasets/dataset.ts";
import { openShots } from "../../../harness/evaluation/generation/shots.ts";
import type { Shots } from "../../../harness/evaluation/generation/shots.ts";
import { shotAnswer, shotText, withShots } from "../../../tasks/shots.ts";
import { assertFails, inProcess } from "../../support/command-process.ts";
import type { Ended } from "../../support/command-process.ts";
import { bundledData } from "../../support/fakes.ts";
import { bytesOf, readRunFiles } from "../../support/run-bytes.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

function sampleOf(id: string, image: string, answers: readonly string[], choices?: readonly string[]): VqaSample {
  return {
    id,
    image: { id: image, path: `${image}.jpg` },
    question: `what is ${id}?`,
    questionType: "",
    answerType: "",
    references: answers.map((answer, index) => ({ answer, confidence: "", id: index + 1 })),
    ...(choices !== undefined && { choices }),
  };
}

async function shotsOf(
  pool: readonly VqaSample[],
  samples: readonly VqaSample[],
  overrides: { readonly shots: number; readonly shotsSeed?: number },
): Promise<Shots<VqaSample>> {
  const split = { name: "train", samples: pool, files: [], imageFolder: "" };
  const data = { dataset: "fake", split: "train", folder: null, images: null, files: [], samples: pool.length };
  const open = () => Promise.resolve({ split, samples: pool, data });
  const opened = await openShots(overrides, { family: "opt", samples, open });
  assert.ok(opened !== null);
  return opened.shots;
}

describe("a shot", () => {
  it("has the form of the prompt with the answer behind it, and a caption before it", () => {
    const prompt = "Question: what is it? Answer:";
    assert.equal(shotText(prompt, "red ", null), "Question: what is it? Answer: red.");
    assert.equal(shotText(prompt, "Is it?", " two dogs"), "Image: two dogs. Question: what is it? Answer: Is it?");
    assert.equal(shotText(null, "a dog.", null), "a dog.");
    const shots = [shotText("a photo of", "a dog", null), shotText("a photo of", "a cat", null)];
    assert.equal(withShots(shots, "a photo of"), "a photo of a dog. a photo of a cat. a photo of");
    assert.equal(withShots(shots, null), "a photo of a dog. a photo of a cat.");
    assert.equal(withShots([], null), null);
  });

  it("shows the most frequent answer, the first of equals, the choice of a letter, and none where there is none", () => {
    assert.equal(shotAnswer(sampleOf("1", "1", ["blue", "red", "red ", "blue", ""])), "blue");
    assert.equal(shotAnswer(sampleOf("1", "1", ["blue", "red", "red"])), "red");
    assert.equal(shotAnswer(sampleOf("1", "1", ["B"], ["red", "Blue"])), "Blue");
    assert.equal(shotAnswer(sampleOf("1", "1", [" "])), null);
    assert.equal(shotAnswer({ id: "1", image: { id: "1", path: "" } }), null);
    const caption = { id: "1", image: { id: "1", path: "" }, references: ["a dog", "a hound"] };
    assert.equal(shotAnswer(caption), "a dog");
  });
});

describe("the draw of shots", () => {
  const pool = Array.from({ length: 60 }, (_, index) => sampleOf(`p${index}`, `image ${index % 20}`, ["yes"]));
  const samples = Array.from({ length: 300 }, (_, index) => sampleOf(`s${index}`, `image ${index % 25}`, ["no"]));
  const drawn = (shots: Shots<VqaSample>, sample: VqaSample): string[] =>
    shots.of(sample).map((shot) => shot.sample.id);

  it("is of as many others as asked, of other images, by seed and id alone", async () => {
    const shots = await shotsOf(pool, samples, { shots: 4, shotsSeed: 7 });
    const counts = new Map<string, number>();
    for (const sample of samples) {
      const ids = drawn(shots, sample);
      assert.equal(new Set(ids).size, 4);
      for (const { sample: shown } of shots.of(sample)) assert.notEqual(shown.image.id, sample.image.id);
      for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    // 1200 draws from 60: 20 each, with a standard deviation of 4.4.
    assert.equal(counts.size, 60);
    assert.ok([...counts.values()].every((count) => count >= 4 && count <= 40));

    const last = samples.at(-1)!;
    const alone = await shotsOf(pool, [last], { shots: 4, shotsSeed: 7 });
    assert.deepEqual(drawn(alone, last), drawn(shots, last));
    const more = await shotsOf(pool, [last], { shots: 6, shotsSeed: 7 });
    assert.deepEqual(drawn(more, last).slice(0, 4), drawn(shots, last));
    const otherwise = await shotsOf(pool, [last], { shots: 4, shotsSeed: 8 });
    assert.notDeepEqual(drawn(otherwise, last), drawn(shots, last));
  });

  it("takes all there are where no more are asked, and is refused where there are fewer", async () => {
    const few = [
      sampleOf("a", "1", ["yes"]),
      sampleOf("b", "2", ["no"]),
      sampleOf("c", "3", []),
      sampleOf("d", "4", ["2"]),
    ];
    const asked = [sampleOf("x", "9", ["yes"]), sampleOf("y", "2", ["yes"])];
    const shots = await shotsOf(few, asked, { shots: 2 });
    assert.deepEqual(drawn(shots, asked[1]!).toSorted(), ["a", "d"]);
    const advice = "Give fewer shots, or another split with --shots-from.";
    await assert.rejects(shotsOf(few, asked, { shots: 3 }), {
      name: "UsageError",
      message: `--shots 3: fake train has 2 samples with an answer about other images than that of sample y. ${advice}`,
    });
    await assert.rejects(shotsOf(few, asked, { shots: 4 }), {
      message: `--shots 4: fake train has 3 samples with an answer. ${advice}`,
    });
  });
});

describe("a run with shots", () => {
  let folder = "";
  beforeEach(() => {
    folder = temporaryFolder();
  });
  const words = ["run", "--tasks", "vqav2", "--limit", "20", "--no-report", "--shots-from", "val"];
  const run = (output: string, ...more: string[]): Promise<Ended> =>
    inProcess(folder, ...words, "--output", output, ...more);
  const read = (output: string): ReturnType<typeof readRunFiles> => readRunFiles(join(folder, output));
  const shotsIn = (output: string): unknown =>
    read(output).predictions.map((each) => [each.id, each.status === "predicted" ? each.shots : null]);

  it("asks behind them, records them, and draws the same for every model", async () => {
    const shots = ["--shots", "2", "--shots-seed", "5"];
    const opt = await run("opt", "--model", "shapes-opt-small", ...shots);
    assert.equal(opt.code, 0, opt.err);
    const { record, predictions } = read("opt");
    assert.deepEqual(record.config.overrides, { shots: 2, shotsFrom: "val", shotsSeed: 5 });
    assert.equal(record.config.shots?.split, "val");
    assert.equal(record.config.shots.samples, 991);
    assert.deepEqual(Object.keys(record.config.shots.files), [
      "v2_OpenEnded_mscoco_val2014_questions.json",
      "v2_mscoco_val2014_annotations.json",
    ]);
    const form = /^(Question: [^:]*\? Answer: [^:]*\. ){2}Question: [^:]*\? Answer:$/;
    for (const each of predictions) {
      assert.ok(each.status === "predicted" && each.shots?.length === 2);
      assert.match(each.prompt ?? "", form);
    }

    assert.equal((await run("t5", "--model", "shapes-t5-small", ...shots)).code, 0);
    assert.deepEqual(shotsIn("t5"), shotsIn("opt"));
    assert.equal((await run("other", "--model", "shapes-t5-small", "--shots", "2", "--shots-seed", "6")).code, 0);
    assert.notDeepEqual(shotsIn("other"), shotsIn("opt"));
    const compared = await inProcess(folder, "compare", "t5", "other");
    assert.match(compared.err, /protocol's shotsSeed: found 6, expected 5/);
  });

  it("shows captions of their images, made by the model, again after a stop", async () => {
    const shots = ["--model", "shapes-opt-small", "--shots", "1", "--shots-captioned", "--batch-size", "2"];
    const ended = await run("a", ...shots);
    assert.equal(ended.code, 0, ended.err);
    for (const each of read("a").predictions) {
      assert.ok(each.status === "predicted");
      const [shot] = each.shots ?? [];
      assert.ok(shot?.caption !== undefined && shot.caption !== "");
      assert.ok(each.prompt?.startsWith(`Image: ${shot.caption}`), each.prompt ?? "");
    }
    const whole = bytesOf(join(folder, "a"));
    const journal = join(folder, "a", "predictions.jsonl");
    writeFileSync(journal, readFileSync(journal, "utf8").split("\n").slice(0, 9).join("\n") + "\n");
    assert.equal((await run("a", ...shots)).code, 0);
    assert.equal(bytesOf(join(folder, "a")), whole);
  });

  it("fails samples whose prompt outgrows the language model, and says so", async () => {
    const { code, err } = await run("a", "--model", "shapes-opt-small", "--shots", "12");
    assert.equal(code, 3);
    assert.match(
      err,
      /the prompt is too long: 8 queries \+ \d+ prompt tokens \+ 10 new = \d+ positions, the language model/,
    );
  });

  it("is refused where it cannot be", async () => {
    const model = ["--model", "shapes-opt-small"];
    const other = "--shots-seed: no shots are shown. Give --shots as well.";
    const tried = (...more: string[]): Promise<Ended> =>
      inProcess(folder, ...words.slice(0, 6), "--output", "a", ...model, ...more);
    assertFails(await tried("--shots-seed", "1"), 2, other);
    assertFails(
      await tried("--shots", "1", "--shots-from", "tset"),
      2,
      /^error: --shots-from tset: vqav2: no such split\. Did/,
    );
    assertFails(await tried("--shots", "1"), 2, /v2_OpenEnded_mscoco_train2014_questions\.json/);
    assertFails(
      await tried("--shots", "1", "--shots-from", "val", "--protocol", "lavis"),
      2,
      "--shots: --protocol lavis cuts prompts of vqav2 after 32 tokens, and with them the question behind the shots. Use another protocol.",
    );
  });

  it("takes them from a split of own data, whose choices are ranked and scored", async () => {
    const names = ["COCO_val2014_000000000108.jpg", "COCO_val2014_000000001177.jpg", "COCO_val2014_000000002132.jpg"];
    mkdirSync(join(folder, "mine"));
    for (const name of names) cpSync(join(bundledData, "val2014", name), join(folder, "mine", name));
    const row = (split: string, name: string, question: string, answer: string): string =>
      JSON.stringify({ file_name: name, split, question, answer, choices: ["yes", "no", "a red circle"] });
    const rows = [
      row("train", names[0]!, "is there a cross?", "A"),
      row("train", names[1]!, "is there a star?", "no"),
      row("test", names[1]!, "is there a red circle?", "no"),
      row("test", names[2]!, "is there an orange square?", "B"),
    ];
    writeFileSync(join(folder, "mine", "metadata.jsonl"), `${rows.join("\n")}\n`);
    const own = [
      "run",
      "--model",
      "shapes-opt-base",
      "--tasks",
      "vqa",
      "--data",
      "mine",
      "--split",
      "test",
      "--no-report",
    ];
    const ranked = ["--answers", "ranked", "--shots", "1", "--output", "ranked"];
    const ended = await inProcess(folder, ...own, ...ranked);
    assert.equal(ended.code, 0, ended.err);
    const { predictions, record } = read("ranked");
    assert.equal(record.config.shots?.split, "train");
    for (const each of predictions) {
      assert.ok(each.status === "predicted");
      assert.equal(each.candidates?.count, 3);
      assert.equal(each.candidates.best.length, 3);
      assert.match(
        each.prompt ?? "",
        /^Question: is there a (cross|star)\? Answer: (yes|no)\. Question: is there an? /,
      );
    }
    assert.deepEqual(predictions[0]?.status === "predicted" && predictions[0].shots, [{ id: "1" }]); // not its own image's
    for (const name of [
      "choice-accuracy ",
      "choice-accuracy-sum",
      "choice-accuracy-per-token",
      "choice-accuracy-per-character",
    ]) {
      assert.ok(ended.out.includes(name), ended.out);
    }
  });
});
