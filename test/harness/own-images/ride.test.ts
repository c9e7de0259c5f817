/** caption, ask and match on images of one's own: the goldens come out, and bad input is named. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { imageFiles } from "../../../harness/own-images/image-files.ts";
import sharp from "sharp";
import { assertFails, inProcess, realCommand, startProcess } from "../../support/command-process.ts";
import { goldenJson } from "../../support/goldens.ts";
import { itgGoldens } from "../../support/goldens-itg.ts";
import { ItmGoldens } from "../../support/goldens-itm.ts";
import { projectRoot } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const imageFolder = join(projectRoot, "datasets", "bundled", "val2014");
const fileOf = (id: number): string => `COCO_val2014_${String(id).padStart(12, "0")}.jpg`;

interface GoldenCaption {
  readonly image_id: number;
  readonly caption: string;
}

/** A folder with the first images of the goldens, and what the reference says of them. */
function someImages(count: number): { readonly folder: string; readonly goldens: readonly GoldenCaption[] } {
  const folder = temporaryFolder();
  const goldens = (goldenJson("shapes-opt-base", "caption_results.json") as GoldenCaption[]).slice(0, count);
  mkdirSync(join(folder, "photos"));
  for (const { image_id } of goldens) {
    copyFileSync(join(imageFolder, fileOf(image_id)), join(folder, "photos", fileOf(image_id)));
  }
  return { folder, goldens };
}

describe("blip2-bench caption", () => {
  it("says of a folder's images what the reference says, in batches, and which model it took", async () => {
    const { folder, goldens } = someImages(10);
    const { code, out, err } = await inProcess(folder, "caption", "photos", "--jsonl");
    assert.equal(code, 0, err);
    const found = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { image: string; caption: string });
    assert.deepEqual(
      found.map(({ image, caption }) => [image, caption]),
      goldens.map(({ image_id, caption }) => [join("photos", fileOf(image_id)), caption]),
    );
    assert.match(err, /^Model: shapes-opt-base; another one with --model\.$/m);
    assert.match(err, /shapes-opt-base fp32: 10 of 10 samples/);
  });

  it("goes on with the words given, as the reference does, model beside model", async () => {
    const { folder, goldens } = someImages(1);
    const image = join("photos", fileOf(goldens[0]!.image_id));
    const words = ["caption", image, "--prompt", "a photo of", "-m", "shapes-opt-base,shapes-t5-base", "--json"];
    const { code, out, err } = await inProcess(folder, ...words);
    assert.equal(code, 0, err);
    const expected = ["shapes-opt-base", "shapes-t5-base"].map((model) => {
      const results = goldenJson(model, "caption_prompted_results.json") as GoldenCaption[];
      return [model, results.find(({ image_id }) => image_id === goldens[0]!.image_id)?.caption];
    });
    const found = JSON.parse(out) as { model: string; caption: string }[];
    assert.deepEqual(
      found.map(({ model, caption }) => [model, caption]),
      expected,
    );
  });

  it("prints one image's caption alone, and searches as it is told", async () => {
    const { folder, goldens } = someImages(1);
    const image = join("photos", fileOf(goldens[0]!.image_id));
    assert.equal((await inProcess(folder, "caption", image, "-q")).out, `${goldens[0]!.caption}\n`);
    const short = await inProcess(
      folder,
      "caption",
      image,
      "-q",
      "--beams",
      "1",
      "--min-new-tokens",
      "0",
      "--max-new-tokens",
      "3",
    );
    assert.ok(short.out.trim().split(" ").length <= 3, short.out);
  });

  it("goes on without images it cannot use, names them and ends with 3", async () => {
    const { folder, goldens } = someImages(1);
    writeFileSync(join(folder, "photos", "empty.jpg"), "");
    writeFileSync(join(folder, "photos", "page.png"), "<html>not found</html>");
    const frame = { create: { width: 8, height: 8, channels: 3, background: "red" } } as const;
    const frames = await Promise.all(
      ["red", "blue"].map((background) =>
        sharp({ create: { ...frame.create, background } })
          .png()
          .toBuffer(),
      ),
    );
    await sharp(frames, { join: { animated: true } })
      .gif()
      .toFile(join(folder, "photos", "moving.gif"));
    const { code, out, err } = await inProcess(folder, "caption", "photos", "--csv");
    assert.equal(code, 3, err);
    assert.match(out, /^model,precision,image,caption,score\n/);
    assert.ok(out.includes(goldens[0]!.caption));
    assert.equal(out.trim().split("\n").length, 3);
    assert.match(err, /empty\.jpg: the file is empty, expected an image/);
    assert.match(err, /page\.png: .*expected JPEG, PNG, WebP or GIF/);
    assert.match(err, /moving\.gif: an animation of 2 frames; the first is looked at\./);
  });

  it("refuses huge images before a model is loaded, unless told to take them", async () => {
    const folder = temporaryFolder();
    const blank = { create: { width: 60, height: 50, channels: 3, background: "red" } } as const;
    await sharp(blank).png().toFile(join(folder, "big.png"));
    const message = `big.png: the image has 60 × 50 pixels, 3000 in all, expected at most 2999. Scale it down, or allow more with --max-pixels.`;
    assertFails(await inProcess(folder, "caption", "big.png", "-q", "--max-pixels", "2999"), 2, message);
    assert.equal((await inProcess(folder, "caption", "big.png", "-q", "--max-pixels", "3000")).code, 0);
    await sharp({ create: { ...blank.create, width: 20_000, height: 10_000 } })
      .png({ compressionLevel: 1 })
      .toFile(join(folder, "huge.png"));
    const { code, err } = await inProcess(folder, "caption", "huge.png", "-q");
    assert.equal(code, 2);
    assert.match(
      err,
      /200000000 in all, expected at most 178956970\. Scale it down, or allow more with --max-pixels\./,
    );
  });
});

describe("blip2-bench caption after Ctrl-C", () => {
  it("ends with 130, and what is there is whole", async () => {
    const folder = temporaryFolder();
    const child = startProcess(folder, { command: realCommand, words: ["caption", imageFolder, "--jsonl", "-q"] });
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (out === "") child.kill("SIGINT");
      out += text;
    });
    const [code] = (await once(child, "close")) as [number | null];
    assert.equal(code, 130);
    const lines = out.trim().split("\n");
    assert.ok(lines.length < 300, `${lines.length} captions`);
    for (const line of lines) assert.ok("caption" in (JSON.parse(line) as object));
  });
});

describe("blip2-bench ask", () => {
  const questions = (
    JSON.parse(
      readFileSync(join(projectRoot, "datasets", "bundled", "v2_OpenEnded_mscoco_val2014_questions.json"), "utf8"),
    ) as { questions: { question_id: number; image_id: number; question: string }[] }
  ).questions.filter(({ image_id }) => image_id === 108);

  for (const model of ["shapes-opt-base", "shapes-t5-base"]) {
    it(`answers as the reference does, questions from words and from a file: ${model}`, async () => {
      const folder = temporaryFolder();
      const results = goldenJson(model, "vqa_results.json") as { question_id: number; answer: string }[];
      const [first, ...others] = questions;
      writeFileSync(
        join(folder, "questions.txt"),
        `\uFEFF${others.map(({ question }) => `${question}\r\n\n`).join("")}`,
      );
      const words = ["ask", join(imageFolder, fileOf(108)), first!.question, "--questions", "questions.txt"];
      const { code, out, err } = await inProcess(folder, ...words, "--json", "-m", model);
      assert.equal(code, 0, err);
      const found = JSON.parse(out) as { question: string; answer: string }[];
      assert.deepEqual(
        found.map(({ question, answer }) => [question, answer]),
        questions.map(({ question, question_id }) => [
          question,
          results.find((each) => each.question_id === question_id)?.answer.trim(),
        ]),
      );
    });
  }
});

describe("blip2-bench match", () => {
  it("gives the reference's matching probabilities and similarities", async () => {
    const pairs = goldenJson("shapes-itm", "pairs.json") as { image_file: string; raw: string }[];
    const goldens = await ItmGoldens.of("tensors");
    const words = ["match", join(imageFolder, pairs[0]!.image_file), pairs[0]!.raw, "a blue star"];
    const { code, out, err } = await inProcess(temporaryFolder(), ...words, "--json");
    assert.equal(code, 0, err);
    const [own, other] = JSON.parse(out) as { matching: number; matchingLogit: number; similarity: number }[];
    const [no = 0, yes = 0] = await goldens.floats("pair0.itm_logits");
    const [similarity = 0] = await goldens.floats("itc.logits_per_image");
    // fp32 sums in another order: 1e-4, as in networks-itm.test.ts
    assert.ok(Math.abs(own!.matchingLogit - yes) < 1e-4, `${own!.matchingLogit}, expected ${yes}`);
    assert.ok(Math.abs(own!.matching - 1 / (1 + Math.exp(no - yes))) < 1e-4);
    assert.ok(Math.abs(own!.similarity - similarity) < 1e-4, `${own!.similarity}, expected ${similarity}`);
    assert.ok(other!.matching < own!.matching);
  });

  it("prints a table for people", async () => {
    const { code, out } = await inProcess(
      temporaryFolder(),
      "match",
      join(imageFolder, fileOf(108)),
      "a red circle",
      "-q",
    );
    assert.equal(code, 0);
    assert.match(out, /^matching {2}similarity {2}text\n.* %.* a red circle\n$/);
  });
});

describe("blip2-bench match --likelihood", () => {
  it("gives the reference's log-likelihoods of texts, sum and mean", async () => {
    const [first] = itgGoldens;
    const texts = first!.likelihoods.map(({ text }) => text);
    const words = ["match", join(imageFolder, first!.image), ...texts, "--model", "shapes-itg", "--likelihood"];
    const { code, out, err } = await inProcess(temporaryFolder(), ...words, "--json");
    assert.equal(code, 0, err);
    const found = JSON.parse(out) as { logLikelihood: number; logLikelihoodPerToken: number }[];
    for (const [index, { text, sum, tokens }] of first!.likelihoods.entries()) {
      assert.ok(Math.abs(found[index]!.logLikelihoodPerToken - sum / tokens) < 1e-4, text); // sums in another order
      assert.equal(found[index]!.logLikelihoodPerToken, found[index]!.logLikelihood / tokens);
    }
    const table = await inProcess(temporaryFolder(), ...words, "-q");
    assert.match(
      table.out,
      /^matching {2}similarity {2}log-likelihood {2}a token {2}text\n.* -32\.90 +-2\.531  a picture with/,
    );
  });
});

describe("caption, ask and match say what is wrong, and exit with 2", () => {
  const image = join(imageFolder, fileOf(108));
  const utf16 = join(temporaryFolder({ "utf16.txt": Buffer.from("\uFEFFIs it red?\n", "utf16le") }), "utf16.txt");
  const cases: readonly [words: readonly string[], message: string | RegExp][] = [
    [["caption"], "caption: found no image, expected files, folders or patterns."],
    [["caption", "no.jpg"], 'no.jpg: no such image. Give a file, a folder, or a pattern such as "photos/*.jpg".'],
    [["caption", "*.jpg", "-q"], "*.jpg: no file has such a name."],
    [["caption", "no/*.jpg", "-q"], "no/*.jpg: there is no folder no."],
    [["caption", "a*/b.jpg", "-q"], "a*/b.jpg: * and ? are understood in a file's name only. Name the folder."],
    [["caption", ".", "-q"], /^error: \.: found no image in this folder, expected files in \.jpg, /],
    [["caption", image, "-m", "shapes-itm"], /it matches images and texts, and generates none\. See match\.$/m],
    [["caption", image, "-m", "no-such"], /^error: --model no-such: no such checkpoint\./],
    [["caption", image, "--bems", "3"], /^error: caption --bems: no such flag\. Did you mean --beams\?/],
    [["caption", image, "--csv", "--jsonl"], "--jsonl, --csv: found 2 forms, expected one."],
    [["caption", image, "--max-pixels", "no"], '--max-pixels: found "no", expected a whole number from 1.'],
    [["caption", image, "-b", "auto"], '--batch-size: found "auto", expected a whole number from 1.'],
    [["ask"], "ask: found no image, expected an image and a question."],
    [
      ["ask", image, "-q"],
      /^error: ask: found no question about .*, expected one behind it, or a file with --questions\.$/m,
    ],
    [["ask", image, " ", "-q"], 'ask: found the question " ", expected words.'],
    [
      ["ask", image, "a", "--prompt", "b", "-q"],
      '--prompt: no {question} in "b"; every question would be asked the same.',
    ],
    [
      ["ask", image, "--questions", "no.txt", "-q"],
      "--questions: no.txt cannot be read, expected a text file with a question a line.",
    ],
    [
      ["ask", image, "--questions", utf16, "-q"],
      /^error: --questions: .*utf16\.txt: found UTF-16, expected UTF-8\. Save it as UTF-8\.$/m,
    ],
    [["ask", image, "--questions", "/dev/null", "-q"], "--questions: /dev/null has no question, expected one a line."],
    [["match"], "match: found no image, expected an image and texts."],
    [["match", image], "match: found no text, expected an image and texts."],
    [
      ["match", image, "a", "--likelihood"],
      "--likelihood: shapes-itm: its Q-Former has no head to write with. Make one with: npx blip2-bench convert",
    ],
    [["match", image, "a", "-m", "shapes-opt-base"], /it generates text, and matches none\. See caption and ask\.$/m],
  ];
  for (const [words, message] of cases) {
    it(words.join(" ").replace(image, "photo.jpg"), async () => {
      assertFails(await inProcess(temporaryFolder(), ...words, "-q"), 2, message);
    });
  }

  it("fills patterns in where no shell did", async () => {
    const folder = temporaryFolder();
    for (const name of ["b1.png", "b2.png", "b10.png", ".b3.png"]) writeFileSync(join(folder, name), "");
    assert.deepEqual(await imageFiles([join(folder, "b?.png"), join(folder, "b2.png")]), [
      join(folder, "b1.png"),
      join(folder, "b2.png"),
    ]);
  });
});
