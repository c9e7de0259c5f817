/** Where a split's images are looked for, and under which name. */
import assert from "node:assert/strict";
import { join, relative } from "node:path";
import { explainMissingImage } from "../../datasets/images.ts";
import { vqav2Questions } from "../../datasets/vqa.ts";
import { datasetFolder, refusal, removeDatasetFolders } from "../support/dataset-folder.ts";

const QUESTIONS = {
  "v2_OpenEnded_mscoco_test2015_questions.json": {
    questions: [
      { image_id: 108, question: "A?", question_id: 1 },
      { image_id: 262148, question: "B?", question_id: 2 },
    ],
  },
};

const question = (id: number): unknown => ({ image_id: id, question: "A?", question_id: id });

/** The folder that is chosen and the path of the first image, both under the data folder. */
async function chosen(files: Readonly<Record<string, unknown>>, images?: string): Promise<[string, string]> {
  const folder = datasetFolder({ ...QUESTIONS, ...files });
  const source = images === undefined ? { folder } : { folder, images: join(folder, images) };
  const { imageFolder, samples } = await vqav2Questions.open(source, "test");
  return [relative(folder, imageFolder), relative(folder, samples[0]?.image.path ?? "")];
}

describe("images", () => {
  after(removeDatasetFolders);
  const official = "COCO_test2015_000000000108.jpg";

  it("are found where the official archive unpacks them, or beside the data under images", async () => {
    for (const folder of ["test2015", "images/test2015", "images", ""]) {
      assert.deepEqual(await chosen({ [join(folder, official)]: "" }), [folder, join(folder, official)]);
    }
  });

  it("are looked for in a folder that holds one of them before one that does not", async () => {
    assert.deepEqual((await chosen({ test2015: null, [join("images", official)]: "" }))[0], "images");
    assert.deepEqual((await chosen({ images: null, "test2015/other.jpg": "", [official]: "" }))[0], "");
    assert.deepEqual((await chosen({ images: null, "test2015/other.jpg": "" }))[0], "test2015");
  });

  it("may have the names of COCO's 2017 re-split", async () => {
    assert.deepEqual(await chosen({ "test2015/000000262148.jpg": "" }), ["test2015", "test2015/000000000108.jpg"]);
    const both = { "test2015/000000000108.jpg": "", [`test2015/${official}`]: "" };
    assert.deepEqual(await chosen(both), ["test2015", `test2015/${official}`]);
  });

  it("may lie in the folders of COCO's 2017 re-split, which shares val2014 out", async () => {
    assert.deepEqual(await chosen({ "test2017/000000000108.jpg": "" }), ["test2017", "test2017/000000000108.jpg"]);
    assert.deepEqual(await chosen({ test2015: null, "images/test2017/000000262148.jpg": "" }), [
      "images/test2017",
      "images/test2017/000000000108.jpg",
    ]);
    const official2014 = { [`test2015/${official}`]: "", "test2017/000000000108.jpg": "" };
    assert.deepEqual((await chosen(official2014))[0], "test2015");
    assert.deepEqual((await chosen({ test2017: null, "test2015/x.jpg": "" }))[0], "test2015");

    const questions = { questions: [question(1), question(2), question(3)] };
    const annotations = { annotations: [1, 2, 3].map((id) => ({ question_id: id, answers: [{ answer: "a" }] })) };
    const shared = { "val2017/000000000002.jpg": "", "val2017/000000000009.jpg": "", "train2017/000000000001.jpg": "" };
    const beside = Object.fromEntries(Object.entries(shared).map(([path, content]) => [join("coco", path), content]));
    const folder = datasetFolder({
      "v2_OpenEnded_mscoco_val2014_questions.json": questions,
      "v2_mscoco_val2014_annotations.json": annotations,
      ...shared,
      ...beside,
    });
    for (const [images, parent] of [
      [undefined, ""],
      [join(folder, "coco"), "coco"],
    ] as const) {
      const split = await vqav2Questions.open({ folder, ...(images !== undefined && { images }) }, "val");
      assert.equal(relative(folder, split.imageFolder), parent);
      assert.deepEqual(
        split.samples.map(({ image }) => relative(join(folder, parent), image.path)),
        ["train2017/000000000001.jpg", "val2017/000000000002.jpg", "val2017/000000000003.jpg"],
      );
    }
  });

  it("are looked for only in the folder that is given, or in its folder of that part", async () => {
    const files = { [`test2015/${official}`]: "", "elsewhere/x.txt": "", [`coco/test2015/${official}`]: "" };
    assert.deepEqual(await chosen(files, "elsewhere"), ["elsewhere", `elsewhere/${official}`]);
    assert.deepEqual(await chosen(files, "coco"), ["coco/test2015", `coco/test2015/${official}`]);
  });

  it("without any folder are refused when the split is opened", async () => {
    const folder = datasetFolder(QUESTIONS);
    assert.equal(
      await refusal(vqav2Questions.open({ folder }, "test"), folder),
      "vqav2 test: no folder of images: looked for FOLDER/test2015, FOLDER/images/test2015, FOLDER/images, FOLDER/test2017, " +
        `FOLDER/images/test2017, and for files such as ${official} in FOLDER. Give the folder with --images.`,
    );
    assert.equal(
      await refusal(vqav2Questions.open({ folder, images: join(folder, "no") }, "test"), folder),
      "vqav2 test: the image folder FOLDER/no does not exist. Give the folder with --images.",
    );
  });

  it("that are not there are named with the folder and what to do", () => {
    const image = { id: "262148", path: join("images", "val2014", "COCO_val2014_000000262148.jpg") };
    assert.equal(
      explainMissingImage("vqav2 val", image),
      "vqav2 val: image 262148 not found in images/val2014. Give the folder with --images.",
    );
  });
});
