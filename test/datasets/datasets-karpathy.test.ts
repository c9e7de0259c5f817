/** Captions and retrieval texts from Karpathy's split files, and what is said when one is broken. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { cocoCaptions } from "../../datasets/coco-captions.ts";
import { cocoTexts, flickr30kTexts } from "../../datasets/flickr30k.ts";
import { datasetFolder, refusal, removeDatasetFolders } from "../support/dataset-folder.ts";
import { projectRoot } from "../support/project.ts";

const BUNDLED = join(projectRoot, "datasets", "bundled");

/** A record of dataset_coco.json: image 500 + n, whose sentences have the ids n0, n1, … */
function karpathyImage(n: number, split: string, changed: Readonly<Record<string, unknown>> = {}) {
  const sentences = [" A  dog \n", "A dog."].map((raw, index) => ({
    tokens: ["a", "dog"],
    raw,
    imgid: n,
    sentid: n * 10 + index,
  }));
  const filename = `COCO_val2014_000000000${500 + n}.jpg`;
  return { filepath: "val2014", filename, cocoid: 500 + n, imgid: n, split, sentids: [], sentences, ...changed };
}

async function saidOfKarpathy(images: unknown, split = "test"): Promise<string> {
  const folder = datasetFolder({ "dataset_coco.json": { images, dataset: "coco" }, val2014: null });
  return await refusal(cocoCaptions.open({ folder }, split), folder);
}

describe("captions and texts in Karpathy's splits", () => {
  after(removeDatasetFolders);

  it("of the bundled COCO file: 200 test images with five captions each, 100 validation images", async () => {
    const { samples, imageFolder, files } = await cocoCaptions.open({ folder: BUNDLED }, "test");
    assert.equal(samples.length, 200);
    assert.ok(samples.every(({ references }) => references.length === 5));
    assert.deepEqual([samples[0]?.id, samples.at(-1)?.id], ["2132", "6060"]);
    assert.deepEqual(samples.at(-1), {
      id: "6060",
      image: { id: "6060", path: join(BUNDLED, "val2014/COCO_val2014_000000006060.jpg") },
      references: [
        "Three shapes; they're a small black circle, a red circle and a blue cross.",
        "A tiny black circle, a red circle and a blue cross.",
        "A red circle, a black circle and a blue cross.",
        "Three shapes: a black circle, a large red circle, and a blue cross.",
        "Three shapes; they're a red circle, a small black circle and a large blue cross.",
      ],
    });
    assert.equal(imageFolder, join(BUNDLED, "val2014"));
    assert.deepEqual(files, [join(BUNDLED, "dataset_coco.json")]);
    const val = await cocoCaptions.open({ folder: BUNDLED }, "val");
    assert.deepEqual([val.samples.length, val.samples[0]?.id], [100, "108"]);
  });

  it("of the bundled Flickr30k file: 200 test images, 1000 texts", async () => {
    const { samples, imageFolder } = await flickr30kTexts.open({ folder: BUNDLED }, "test");
    const texts = samples.flatMap((sample) => sample.texts);
    assert.deepEqual([samples.length, texts.length], [200, 1000]);
    assert.equal(new Set(texts.map(({ id }) => id)).size, 1000);
    assert.deepEqual(samples[0]?.image, { id: "10000000", path: join(BUNDLED, "flickr30k-images/10000000.jpg") });
    assert.deepEqual(texts[0], {
      id: "0",
      text: "Here we've got a tiny blue star, a small red triangle and a large blue circle!",
    });
    assert.equal(imageFolder, join(BUNDLED, "flickr30k-images"));
    const retrieval = await cocoTexts.open({ folder: BUNDLED }, "test");
    assert.deepEqual(
      [retrieval.samples.length, retrieval.samples.flatMap((sample) => sample.texts).length],
      [200, 1000],
    );
  });

  it("are raw, white space and all, in the order of the file; a text's id is its sentid", async () => {
    const images = [karpathyImage(3, "test"), karpathyImage(2, "val"), karpathyImage(1, "test")];
    const folder = datasetFolder({ "dataset_coco.json": { images }, val2014: null });
    const captions = await cocoCaptions.open({ folder }, "test");
    assert.deepEqual(
      captions.samples.map(({ id, references }) => [id, references]),
      [
        ["503", [" A  dog \n", "A dog."]],
        ["501", [" A  dog \n", "A dog."]],
      ],
    );
    const texts = await cocoTexts.open({ folder }, "test");
    assert.deepEqual(texts.samples[1], {
      id: "501",
      image: { id: "501", path: join(folder, "val2014/COCO_val2014_000000000501.jpg") },
      texts: [
        { id: "10", text: " A  dog \n" },
        { id: "11", text: "A dog." },
      ],
    });
  });

  it("take restval for training, whose images lie in two folders", async () => {
    const inTrain = { filepath: "train2014", filename: "COCO_train2014_000000000009.jpg", cocoid: 9 };
    const images = [karpathyImage(1, "train", inTrain), karpathyImage(2, "restval"), karpathyImage(3, "test")];
    const folder = datasetFolder({ "dataset_coco.json": { images }, "images/train2014": null, "images/val2014": null });
    const { samples, imageFolder } = await cocoCaptions.open({ folder }, "train");
    assert.deepEqual(
      samples.map(({ image }) => image.path),
      [
        join(folder, "images/train2014", inTrain.filename),
        join(folder, "images/val2014/COCO_val2014_000000000502.jpg"),
      ],
    );
    assert.equal(imageFolder, join(folder, "images"));
  });

  it("need no number of their own, nor the image's beside its name", async () => {
    const images = [karpathyImage(1, "test", { cocoid: undefined, sentences: [{ raw: "A." }, { raw: "B." }] })];
    const folder = datasetFolder({ "dataset_coco.json": { images }, val2014: null });
    const { samples } = await cocoTexts.open({ folder }, "test");
    assert.deepEqual(samples[0]?.texts, [
      { id: "501#0", text: "A." },
      { id: "501#1", text: "B." },
    ]);
    const captions = await cocoCaptions.open({ folder }, "test");
    assert.deepEqual(captions.samples[0]?.references, ["A.", "B."]);
  });

  it("are refused with what is wrong", async () => {
    const { sentences, ...without } = karpathyImage(1, "test");
    const place =
      'coco-captions test: FOLDER/dataset_coco.json: record 1 of "images", at line 1, column 12 (byte 11): ';
    assert.equal(await saidOfKarpathy([without]), `${place}sentences is missing, expected a list`);
    const cases: [image: unknown, said: string][] = [
      [{ ...without, sentences: [] }, "sentences of COCO_val2014_000000000501.jpg is empty, expected at least one"],
      [
        { ...without, sentences: [{ raw: "A.", sentid: [] }] },
        "sentences[0].sentid is [], expected an integer or a string",
      ],
      [{ ...without, sentences: [{ sentid: 1, raw: null }] }, "sentences[0].raw is null, expected a string"],
      [{ ...without, sentences: [sentences[0], sentences[0]] }, "sentid 10 stands in record 1 already"],
      [
        karpathyImage(1, "test", { cocoid: 7 }),
        "cocoid is 7, expected 501 as in the file name COCO_val2014_000000000501.jpg",
      ],
      [
        karpathyImage(1, "test", { filename: "dog.jpg" }),
        'filename is "dog.jpg", expected a name that ends in the image\'s number',
      ],
      [karpathyImage(1, "test", { filename: "a/b1.jpg" }), 'filename is "a/b1.jpg", expected a name without folders'],
      [karpathyImage(1, "test", { filepath: ".." }), 'filepath is "..", expected a name without folders'],
    ];
    for (const [image, said] of cases) assert.equal(await saidOfKarpathy([image]), place + said);
    assert.match(
      await saidOfKarpathy([karpathyImage(1, "val"), karpathyImage(1, "test")]),
      /: record 2 of "images", at .*: image 501 stands in record 1 already$/,
    );
  });

  it("list the splits there are when theirs is not", async () => {
    const images = [karpathyImage(1, "val"), karpathyImage(2, "val"), karpathyImage(3, "restval")];
    assert.equal(
      await saidOfKarpathy(images),
      'coco-captions test: FOLDER/dataset_coco.json: has no image of split "test". Its splits: val (2), restval (1).',
    );
    assert.match(await saidOfKarpathy([], "train"), /no image of split "train" or "restval"\. Its splits: none\.$/);
    assert.equal(
      await saidOfKarpathy(images, "5k"),
      'coco-captions: no split "5k". Splits: test, val, train, val2014.',
    );
    assert.equal(
      await refusal(flickr30kTexts.open({ folder: "." }, "x"), "?"),
      'flickr30k: no split "x". Splits: test, val, train.',
    );
  });
});
