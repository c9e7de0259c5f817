/** Mirrors of parquet files → the samples of the official files, what a mirror lacks, and what is said of broken ones. */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { parquetWriteBuffer } from "hyparquet-writer";
import { cocoCaptions, nocapsCaptions } from "../../datasets/coco-captions.ts";
import type { Dataset, Sample, Split } from "../../datasets/dataset.ts";
import { cocoTexts, flickr30kTexts } from "../../datasets/flickr30k.ts";
import { gqaQuestions } from "../../datasets/gqa.ts";
import { parquetFingerprint } from "../../datasets/parquet/fingerprint.ts";
import { okVqaQuestions, vqav2Questions } from "../../datasets/vqa.ts";
import { describeDataFiles } from "../../harness/catalog/data-files.ts";
import { cocoMirror, flickr30kMirror, vqav2Mirror } from "../support/bundled-mirrors.ts";
import { datasetFolder, refusal, removeDatasetFolders } from "../support/dataset-folder.ts";
import { bundledData } from "../support/fakes.ts";
import { parquetBytes } from "../support/parquet-mirror.ts";
import type { ColumnKind, Rows } from "../support/parquet-mirror.ts";
import { projectRoot } from "../support/project.ts";
import { temporaryFolder } from "../support/temporary-files.ts";

/** A sample without the place of its image, and the image's bytes. */
async function contentOf({ image, ...sample }: Sample): Promise<unknown> {
  const bytes = image.read === undefined ? readFileSync(image.path) : await image.read();
  return { ...sample, image: image.id, bytes: Buffer.from(bytes).toString("base64") };
}

/** Both have the same samples, image bytes included; `isOrdered`: in the same order. */
async function assertAlike<S extends Sample>(one: Split<S>, other: Split<S>, isOrdered = true): Promise<void> {
  const [a, b] = await Promise.all(
    [one, other].map(async ({ samples }) => {
      const contents = await Promise.all(samples.map(contentOf));
      return isOrdered ? contents : contents.map((content) => JSON.stringify(content)).sort();
    }),
  );
  assert.deepEqual(a, b);
}

async function openBundled<S extends Sample>(dataset: Dataset<S>, split: string): Promise<Split<S>> {
  return await dataset.open({ folder: bundledData }, split);
}

const image = { bytes: new Uint8Array([1, 2, 3]), path: null };
const ten = Array.from({ length: 10 }, (_, place) => `answer ${place}`);

const okVqaColumns: Readonly<Record<string, ColumnKind>> = {
  question_id: "text",
  image: "image",
  question: "text",
  answers: "texts",
  question_type: "text",
  answer_type: "text",
};

function okVqaRow(changed: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    question_id: "516065",
    question: "What is it?",
    answers: ten,
    image,
    question_type: "six",
    answer_type: "other",
    ...changed,
  };
}

function mirrorOf(name: string, columns: Readonly<Record<string, ColumnKind>>, rows: Rows): string {
  return datasetFolder({ [name]: parquetBytes(columns, rows) });
}

describe("a mirror of parquet files", () => {
  after(removeDatasetFolders);

  it("of VQAv2 has the samples of the official files, in their order", async () => {
    const folder = temporaryFolder();
    const files = vqav2Mirror(folder);
    const split = await vqav2Questions.open({ folder }, "val");
    await assertAlike(split, await openBundled(vqav2Questions, "val"));
    assert.deepEqual(split.files, files);
    assert.equal(split.imageFolder, folder);
    assert.equal(split.samples[0]?.image.path, `${files[0]}, row 0`);
    assert.ok(split.samples.some(({ image: { path } }) => path.startsWith(`${files[2]}, row `)));
  });

  it("of COCO's validation images has those of captions_val2014.json; of Karpathy's splits, with his file beside it", async () => {
    const folder = temporaryFolder();
    cocoMirror(folder);
    await assertAlike(await cocoCaptions.open({ folder }, "val2014"), await openBundled(cocoCaptions, "val2014"));
    assert.equal(
      await refusal(cocoCaptions.open({ folder }, "test"), folder),
      "coco-captions test: FOLDER: the parquet files have no columns split and filename, so nothing says which images are " +
        "Karpathy's; columns there: question_id, image, question, answer, file_name. Put dataset_coco.json beside the parquet " +
        "files: then it counts, and the rows give the images.",
    );
    copyFileSync(join(bundledData, "dataset_coco.json"), join(folder, "dataset_coco.json"));
    const split = await cocoCaptions.open({ folder }, "test");
    await assertAlike(split, await openBundled(cocoCaptions, "test"), false);
    const places = split.samples.map(({ image: { place } }) => place!);
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
      "row by row, so that each file is read once",
    );
    assert.deepEqual(split.files[0], join(folder, "dataset_coco.json"));
    await assertAlike(await cocoTexts.open({ folder }, "test"), await openBundled(cocoTexts, "test"), false);
  });

  it("of Flickr30k has Karpathy's splits in a column, or takes them from his file", async () => {
    const [without, withSplit] = [temporaryFolder(), temporaryFolder()];
    flickr30kMirror(without, { hasSplit: false });
    flickr30kMirror(withSplit, { hasSplit: true });
    assert.match(
      await refusal(flickr30kTexts.open({ folder: without }, "test"), without),
      /no columns split and filename.*Put dataset_flickr30k\.json beside/,
    );
    copyFileSync(join(bundledData, "dataset_flickr30k.json"), join(without, "dataset_flickr30k.json"));
    const official = await openBundled(flickr30kTexts, "test");
    for (const folder of [without, withSplit]) {
      await assertAlike(await flickr30kTexts.open({ folder }, "test"), official);
    }
    assert.match(
      await refusal(flickr30kTexts.open({ folder: withSplit }, "train"), withSplit),
      /no row of split "train"; splits there: test \(\d+\)/,
    );
  });

  it("of OK-VQA has ids as texts, answers without annotators, and images by the question's number", async () => {
    const folder = mirrorOf("data/val2014-00000-of-00001.parquet", okVqaColumns, [okVqaRow()]);
    const { samples } = await okVqaQuestions.open({ folder }, "val");
    const [{ image: found, ...sample } = assert.fail()] = samples;
    assert.deepEqual(sample, {
      id: "516065",
      question: "What is it?",
      questionType: "six",
      answerType: "other",
      references: ten.map((answer, place) => ({ answer, confidence: "", id: place + 1 })),
    });
    assert.equal(found.id, "51606");
    assert.deepEqual(await found.read?.(), image.bytes);
  });

  it("of GQA joins questions to images of another configuration", async () => {
    const types = { structural: "verify", semantic: "attr", detailed: "material" };
    const columns = { id: "text", imageId: "text", question: "text", answer: "text", types: "types" } as const;
    const rows = [
      { id: "20", imageId: "n2", question: "Is it?", answer: "no", types },
      { id: "10", imageId: "n1", question: "What?", answer: "cup", types: { ...types, structural: "query" } },
    ];
    const images = ["n1", "n2"].map((id, index) => ({ id, image: { bytes: new Uint8Array([index]), path: null } }));
    const folder = datasetFolder({
      "testdev_balanced_instructions/testdev-00000-of-00001.parquet": parquetBytes(columns, rows),
      "testdev_balanced_images/testdev-00000-of-00001.parquet": parquetBytes({ id: "text", image: "image" }, images),
    });
    const split = await gqaQuestions.open({ folder }, "testdev");
    assert.deepEqual(
      split.samples.map(({ id, image: { id: imageId }, answerType, references: [first] }) => {
        return [id, imageId, answerType, first?.answer];
      }),
      [
        ["20", "n2", "binary", "no"],
        ["10", "n1", "open", "cup"],
      ],
    );
    assert.deepEqual(await split.samples[0]?.image.read?.(), new Uint8Array([1]));
    const names = (await describeDataFiles(split.files)).map(({ name }) => name);
    assert.deepEqual(names, [
      "testdev_balanced_instructions/testdev-00000-of-00001.parquet",
      "testdev_balanced_images/testdev-00000-of-00001.parquet",
    ]);
  });

  it("of NoCaps lacks domains, says so, and takes them from the official file", async () => {
    const columns: Readonly<Record<string, ColumnKind>> = {
      image: "image",
      image_id: "int32",
      image_file_name: "text",
      annotations_captions: "texts",
    };
    const rows = [7, 3].map((id) => ({
      image: { bytes: new Uint8Array([id]), path: null },
      image_id: id,
      image_file_name: `0a${id}.jpg`,
      annotations_captions: [`a thing ${id}`, "another"],
    }));
    const folder = mirrorOf("data/validation-00000-of-00001.parquet", columns, rows);
    const alone = await nocapsCaptions.open({ folder }, "val");
    assert.deepEqual(alone.notes, [
      "nocaps val: the rows have no domain, so there are no scores by domain; put nocaps_val_4500_captions.json beside the " +
        "parquet files for them.",
    ]);
    assert.deepEqual(
      alone.samples.map(({ id, references, domain }) => [id, references, domain]),
      [
        ["7", ["a thing 7", "another"], undefined],
        ["3", ["a thing 3", "another"], undefined],
      ],
    );
    const official = {
      images: [3, 7].map((id) => ({ id, file_name: `0a${id}.jpg`, domain: "in-domain" })),
      annotations: [3, 7].map((id) => ({ id, image_id: id, caption: `from the file ${id}` })),
    };
    writeFileSync(join(folder, "nocaps_val_4500_captions.json"), JSON.stringify(official));
    const beside = await nocapsCaptions.open({ folder }, "val");
    assert.equal(beside.notes, undefined);
    assert.deepEqual(
      beside.samples.map(({ id, references, domain }) => [id, references, domain]),
      [
        ["7", ["from the file 7"], "in-domain"],
        ["3", ["from the file 3"], "in-domain"],
      ],
    );
    assert.deepEqual(await beside.samples[0]?.image.read?.(), new Uint8Array([7]));
  });

  it("is read in any of the hub's layouts and compressions that Node knows", async () => {
    const columnData = [
      { name: "id", data: ["n1"], type: "STRING" as const },
      { name: "imageId", data: ["n1"], type: "STRING" as const },
      { name: "question", data: ["What?"], type: "STRING" as const },
      { name: "answer", data: ["cup"], type: "STRING" as const },
      { name: "image", data: [image.bytes], type: "BYTE_ARRAY" as const },
    ];
    for (const [codec, compress] of [
      ["GZIP", gzipSync],
      ["BROTLI", brotliCompressSync],
      ["UNCOMPRESSED", null],
    ] as const) {
      const compressors = compress === null ? {} : { [codec]: (bytes: Uint8Array) => new Uint8Array(compress(bytes)) };
      const bytes = new Uint8Array(parquetWriteBuffer({ columnData, codec, compressors }));
      const folder = datasetFolder({ "default/testdev/0000.parquet": bytes, "default/train/0000.parquet": bytes });
      const { samples, files } = await gqaQuestions.open({ folder }, "testdev");
      assert.deepEqual(files, [join(folder, "default/testdev/0000.parquet")]);
      assert.equal(samples[0]?.question, "What?");
      assert.deepEqual(await samples[0].image.read?.(), image.bytes, `${codec}; bytes are no text`);
    }
  });

  it("is read where zstd or LZ4 compressed it", async () => {
    for (const codec of ["zstd", "lz4", "lz4-raw"]) {
      const bytes = readFileSync(join(projectRoot, "test/fixtures/parquet", `${codec}.parquet`));
      const folder = datasetFolder({ "default/testdev/0000.parquet": bytes });
      const { samples } = await gqaQuestions.open({ folder }, "testdev");
      assert.equal(samples.length, 40, codec);
      for (const [row, { question, references, image }] of samples.entries()) {
        assert.equal(question, `What is in image ${row}?`, codec);
        assert.equal(references[0]?.answer, `cup ${row}`, codec);
        assert.deepEqual(
          await image.read?.(),
          Uint8Array.from({ length: 200 }, (_, at) => (at * row) % 256),
          codec,
        );
      }
    }
  });

  it("is told by its file names, its rows and their order, whatever the folder is", async () => {
    const rows = [okVqaRow(), okVqaRow({ question_id: "516066" })];
    const name = "data/val2014-00000-of-00001.parquet";
    const print = async (content: Rows): Promise<string> =>
      await parquetFingerprint(join(mirrorOf(name, okVqaColumns, content), name));
    const first = await print(rows);
    assert.equal(await print(rows), first);
    assert.notEqual(await print(rows.toReversed()), first);
    assert.notEqual(await print([rows[0]!, { ...rows[1]!, answers: [...ten.slice(1), "other"] }]), first);
    assert.notEqual(await print([rows[0]!, { ...rows[1]!, image: { bytes: new Uint8Array(900), path: null } }]), first);
  });
});

describe("what is said of a mirror", () => {
  after(removeDatasetFolders);

  const name = "data/val2014-00000-of-00001.parquet";
  const official =
    "Put OpenEnded_mscoco_val2014_questions.json and mscoco_val2014_annotations.json beside the parquet files: then they count, and the rows give the images.";
  const saidOf = async (folder: string): Promise<string> =>
    await refusal(okVqaQuestions.open({ folder }, "val"), folder);

  it("that has another split, or other columns", async () => {
    assert.equal(
      await saidOf(mirrorOf("data/test-00000-of-00001.parquet", okVqaColumns, [okVqaRow()])),
      `ok-vqa val: FOLDER: no parquet file of a split "validation" or "val" or "val2014"; splits there: test. ${official}`,
    );
    assert.equal(
      await saidOf(mirrorOf(name, { id: "text" }, [{ id: "1" }])),
      `ok-vqa val: FOLDER: the parquet files of the split lack question_id or question; columns there: id. ${official}`,
    );
  });

  it("that has fewer than ten answers, or none", async () => {
    for (const [answers, count] of [
      [ten.slice(5), 5],
      [null, 0],
    ] as const) {
      assert.equal(
        await saidOf(mirrorOf(name, okVqaColumns, [okVqaRow(), okVqaRow({ question_id: "516066", answers })])),
        `ok-vqa val: FOLDER/${name}: row 1, counted from 0: question 516066 has ${count} answers, expected 10. ${official}`,
      );
    }
  });

  it("beside --images, where its images are not looked for", async () => {
    const folder = mirrorOf(name, okVqaColumns, [okVqaRow()]);
    assert.equal(
      await refusal(okVqaQuestions.open({ folder, images: "elsewhere" }, "val"), folder),
      "ok-vqa val: --images elsewhere: the images are in the parquet files in FOLDER. Leave --images out, or give the folder " +
        "of the official files with --data.",
    );
  });

  it("that has a question twice, or a field of another type", async () => {
    assert.match(
      await saidOf(mirrorOf(name, okVqaColumns, [okVqaRow(), okVqaRow()])),
      /row 1, counted from 0: question_id 516065 stands in record 0 already$/,
    );
    assert.match(
      await saidOf(mirrorOf(name, okVqaColumns, [okVqaRow({ question: null })])),
      /row 0, counted from 0: question is null, expected a string$/,
    );
  });

  it("that is not whole, or no parquet file at all", async () => {
    const bytes = parquetBytes(okVqaColumns, [okVqaRow()]);
    for (const [content, reason] of [
      [
        bytes.subarray(0, bytes.length - 40),
        /cannot be read as a parquet file: file invalid \(footer != PAR1\)\. Is it whole\?/,
      ],
      [bytes.subarray(0, 5), /it has 5 bytes\. Is it whole\? Download it again\.$/],
      [Buffer.from("version https://git-lfs.github.com/spec/v1\noid sha256:…"), /footer != PAR1/],
    ] as const) {
      assert.match(await saidOf(datasetFolder({ [name]: content })), reason);
    }
    const broken = Uint8Array.from(bytes);
    broken.fill(0xff, 4, 200);
    assert.match(await saidOf(datasetFolder({ [name]: broken })), /cannot be read as a parquet file: /);
  });

  it("whose image has no bytes, or is in no row, when it is read", async () => {
    const none = { bytes: null, path: "a.jpg" };
    const folder = mirrorOf(name, okVqaColumns, [okVqaRow({ image: none })]);
    const [sample] = (await okVqaQuestions.open({ folder }, "val")).samples;
    assert.equal(
      await refusal(sample!.image.read!(), folder),
      `ok-vqa val: FOLDER/${name}, row 0: the image has no bytes.`,
    );
    const questions = [{ image_id: 9, question_id: 91, question: "?" }];
    const annotations = [{ image_id: 9, question_id: 91, answers: [{ answer: "a" }] }];
    writeFileSync(join(folder, "OpenEnded_mscoco_val2014_questions.json"), JSON.stringify({ questions }));
    writeFileSync(join(folder, "mscoco_val2014_annotations.json"), JSON.stringify({ annotations }));
    const [missing] = (await okVqaQuestions.open({ folder }, "val")).samples;
    assert.equal(
      await refusal(missing!.image.read!(), folder),
      "ok-vqa val: image 9 (COCO_val2014_000000000009.jpg) is in no row of the parquet files in FOLDER.",
    );
  });
});
