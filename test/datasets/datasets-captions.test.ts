/** Captions from COCO's own files and NoCaps', and what is said when one is broken. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { cocoCaptions, nocapsCaptions } from "../../datasets/coco-captions.ts";
import { datasetFolder, refusal, removeDatasetFolders } from "../support/dataset-folder.ts";
import { projectRoot } from "../support/project.ts";

const BUNDLED = join(projectRoot, "datasets", "bundled");

/** Two images and three captions, with what a test changes. */
function captionFile(changed: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    annotations: [
      { image_id: 21, id: 1, caption: "A cat." },
      { image_id: 5, id: 2, caption: "A dog. " },
      { image_id: 21, id: 3, caption: "a cat" },
    ],
    images: [
      { id: 21, file_name: "COCO_val2014_000000000021.jpg", domain: "in-domain" },
      { id: 5, file_name: "COCO_val2014_000000000005.jpg", domain: "out-domain" },
    ],
    ...changed,
  };
}

async function saidOfNocaps(changed: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = datasetFolder({ "nocaps_val_4500_captions.json": captionFile(changed), val: null });
  return await refusal(nocapsCaptions.open({ folder }, "val"), folder);
}

describe("captions in COCO's format", () => {
  after(removeDatasetFolders);

  it("of the bundled file: 300 images with five captions each", async () => {
    const { samples } = await cocoCaptions.open({ folder: BUNDLED }, "val2014");
    assert.deepEqual([samples.length, samples[0]?.id, samples.at(-1)?.id], [300, "108", "6060"]);
    assert.ok(samples.every(({ references }) => references.length === 5));
  });

  it("stand with their image, whichever list of the file comes first", async () => {
    const { annotations, images } = captionFile();
    const names = { "val2014/COCO_val2014_000000000021.jpg": "" };
    const before = datasetFolder({ "captions_val2014.json": { annotations, images }, ...names });
    const after = datasetFolder({ "captions_val2014.json": { images, annotations }, ...names });
    for (const folder of [before, after]) {
      const { samples } = await cocoCaptions.open({ folder }, "val2014");
      assert.deepEqual(
        samples.map(({ id, image, references }) => [id, image.path, references]),
        [
          ["21", join(folder, "val2014/COCO_val2014_000000000021.jpg"), ["A cat.", "a cat"]],
          ["5", join(folder, "val2014/COCO_val2014_000000000005.jpg"), ["A dog. "]],
        ],
      );
    }
  });

  it("of NoCaps have the image's domain, and its file by the image's own name", async () => {
    const images = [{ id: 0, file_name: "0013ea2087020901.jpg", domain: "near-domain" }];
    const file = captionFile({ images, annotations: [{ image_id: 0, id: 0, caption: "A baby." }] });
    const folder = datasetFolder({ "nocaps_val_4500_captions.json": file, "images/0013ea2087020901.jpg": "" });
    const { samples } = await nocapsCaptions.open({ folder }, "val");
    assert.deepEqual(samples, [
      {
        id: "0",
        image: { id: "0", path: join(folder, "images/0013ea2087020901.jpg") },
        references: ["A baby."],
        domain: "near-domain",
      },
    ]);
  });

  it("are refused with what is wrong", async () => {
    const file = "nocaps val: FOLDER/nocaps_val_4500_captions.json: ";
    assert.equal(
      await saidOfNocaps({
        annotations: [
          { image_id: 5, id: 1, caption: "A." },
          { image_id: 6, id: 2, caption: "B." },
        ],
      }),
      `${file}images without caption: 1, first 21; captions of images that are not listed: 1, first 6. Is the file whole?`,
    );
    assert.equal(await saidOfNocaps({ images: [], annotations: [] }), `${file}the list "images" is empty.`);
    const image = { id: 5, file_name: "a.jpg", domain: "in-domain" };
    const caption = { image_id: 5, id: 1, caption: "A." };
    const cases: [changed: Record<string, unknown>, said: RegExp][] = [
      [{ images: [image, image] }, /record 2 of "images", at .*: image 5 stands in record 1 already$/],
      [
        { images: [{ ...image, domain: "far" }] },
        /: domain is "far", expected one of in-domain, near-domain, out-domain$/,
      ],
      [{ images: [{ ...image, file_name: 5 }] }, /: file_name is 5, expected a string$/],
      [{ annotations: [caption, caption] }, /record 2 of "annotations", at .*: caption 1 stands in record 1 already$/],
      [{ annotations: [{ ...caption, image_id: "5" }] }, /: image_id is "5", expected an integer$/],
      [{ annotations: [{ ...caption, caption: undefined }] }, /: caption is missing, expected a string$/],
      [{ annotations: {} }, /: "annotations" is not a list; its top level has: images, annotations\. /],
    ];
    for (const [changed, said] of cases) assert.match(await saidOfNocaps(changed), said);
  });

  it("need neither a number nor a domain", async () => {
    const images = [{ id: 5, file_name: "a.jpg" }];
    const annotations = ["A.", "B."].map((caption) => ({ image_id: 5, caption }));
    const folder = datasetFolder({ "nocaps_val_4500_captions.json": { images, annotations }, val: null });
    const { samples } = await nocapsCaptions.open({ folder }, "val");
    assert.deepEqual(samples, [
      { id: "5", image: { id: "5", path: join(folder, "val", "a.jpg") }, references: ["A.", "B."] },
    ]);
  });

  it("of COCO are refused when an image's name has another id", async () => {
    const images = [{ id: 21, file_name: "COCO_val2014_000000000022.jpg" }];
    const folder = datasetFolder({ "captions_val2014.json": captionFile({ images }), val2014: null });
    assert.match(
      await refusal(cocoCaptions.open({ folder }, "val2014"), folder),
      /: file_name is "COCO_val2014_000000000022\.jpg", expected a name that ends in the image's id, 21$/,
    );
  });

  it("are offered as a split where Karpathy's file is missing", async () => {
    const folder = datasetFolder({ "captions_val2014.json": captionFile(), val2014: null });
    assert.equal(
      await refusal(cocoCaptions.open({ folder }, "test"), folder),
      "coco-captions test: dataset_coco.json not found in FOLDER; found there: captions_val2014.json. " +
        "captions_val2014.json is read with --split val2014. Give the folder with --data.",
    );
  });
});
