/** Data of a user's own: what its columns are taken for, and what is said where it cannot be understood. */
import assert from "node:assert/strict";
import { copyFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DataSource, Sample } from "../../datasets/dataset.ts";
import { ownCaptions, ownQuestions, ownSplits, ownTexts } from "../../datasets/own/own-data.ts";
import { bundledQuestions } from "../support/own-forms.ts";
import { datasetFolder, refusal, removeDatasetFolders } from "../support/dataset-folder.ts";
import { tarBytes } from "../support/tar-archive.ts";

const [{ path: photo } = { path: "" }] = bundledQuestions(1);

/** A folder with these files and an image `a.jpg`. */
function folderOf(files: Readonly<Record<string, unknown>>): string {
  const folder = datasetFolder(files);
  copyFileSync(photo, join(folder, "a.jpg"));
  return folder;
}

const header = "file_name,question,answer\n";

async function saidOf(files: Readonly<Record<string, unknown>>, source: Partial<DataSource> = {}): Promise<string> {
  const folder = folderOf(files);
  return await refusal(ownQuestions.open({ folder, ...source }, ""), folder);
}

describe("data of a user's own", () => {
  after(removeDatasetFolders);

  it("keeps all columns of a row, and takes those that the user names", async () => {
    const folder = folderOf({ "metadata.csv": "file_name,q,gt,colour\na.jpg,What?,red,3\n" });
    const { samples, notes } = await ownQuestions.open({ folder, columns: { question: "q", answers: "gt" } }, "");
    assert.deepEqual(samples, [
      {
        id: "1",
        image: { id: "a.jpg", path: join(folder, "a.jpg") },
        question: "What?",
        questionType: "",
        answerType: "",
        references: [{ answer: "red", confidence: "", id: 1 }],
        columns: { file_name: "a.jpg", q: "What?", gt: "red", colour: "3" },
      },
    ]);
    assert.deepEqual(
      notes?.map((note) => note.replace(folder, "FOLDER")),
      ["own data: FOLDER: an image folder with metadata; image: file_name, question: q, answers: gt; not used: colour"],
    );
  });

  it("is parted into splits by a column, by folders in paths, by folders with metadata, and by names of files", async () => {
    const rows = (names: readonly string[]): string => names.map((name) => `{"file_name":"${name}"}\n`).join("");
    const splitsOf = (files: Readonly<Record<string, unknown>>): Promise<readonly string[]> =>
      ownSplits({ folder: datasetFolder(files) });
    assert.deepEqual(await splitsOf({ "a.csv": "file_name,split\na.jpg,dev\nb.jpg,test\n" }), ["dev", "test"]);
    assert.deepEqual(await splitsOf({ "metadata.jsonl": rows(["train/a.jpg", "test/a.jpg"]) }), ["train", "test"]);
    assert.deepEqual(await splitsOf({ "metadata.jsonl": rows(["images/a.jpg"]) }), ["all"]);
    const two = { "one/metadata.csv": "file_name\na.jpg\n", "two/metadata.csv": "file_name\na.jpg\n" };
    assert.deepEqual(await splitsOf(two), ["one", "two"]);
    assert.deepEqual(await splitsOf({ "test.jsonl": rows(["a.jpg"]), "train.jsonl": rows(["a.jpg"]) }), [
      "test",
      "train",
    ]);
    const folder = datasetFolder(two);
    assert.equal(
      await refusal(ownCaptions.open({ folder }, ""), folder),
      "own data: FOLDER: found several splits; splits there: one, two. Say which with --split.",
    );
    assert.equal(
      await refusal(ownCaptions.open({ folder }, "three"), folder),
      'own data: FOLDER: found no split "three"; splits there: one, two. Say which with --split.',
    );
  });

  it("gathers the captions of an image from all of its rows", async () => {
    const folder = folderOf({ "captions.txt": "image,caption\na.jpg,A dog.\nb.jpg,A cat.\na.jpg,Two dogs.\n" });
    const { samples } = await ownTexts.open({ folder }, "");
    assert.deepEqual(
      samples.map(({ id, texts }) => [id, texts]),
      [
        ["a.jpg", [{ id: "a.jpg#0", text: "A dog." }, { id: "a.jpg#1", text: "Two dogs." }]], // prettier-ignore
        ["b.jpg", [{ id: "b.jpg#0", text: "A cat." }]],
      ],
    );
  });

  it("takes what looks like a number for text in a CSV, and numbers alone for their text in JSON", async () => {
    const files = {
      "a.csv": `${header}a.jpg,What?,red\na.jpg,How many?,7\n`,
      "b.jsonl": '{"file_name":"a.jpg","question":"How many?","answer":7}\n',
    };
    const folder = folderOf(files);
    const answersIn = async (name: string): Promise<readonly unknown[]> => {
      const { samples } = await ownQuestions.open({ folder: join(folder, name) }, "");
      return samples.flatMap(({ references }) => references.map(({ answer }) => answer));
    };
    assert.deepEqual(await answersIn("a.csv"), ["red", "7"]);
    assert.deepEqual(await answersIn("b.jsonl"), ["7"]);
  });

  it("has a fault with file and line in the sample of an empty cell alone", async () => {
    const faultsOf = (samples: readonly Sample[], folder: string): readonly unknown[] =>
      samples.map(({ id, fault }) => [id, fault?.replaceAll(folder, "FOLDER")]);
    const asked = folderOf({ "metadata.csv": `${header}a.jpg,What?,red\na.jpg,,red\na.jpg,Who?,\n,Why?,red\n` });
    const { samples } = await ownQuestions.open({ folder: asked }, "");
    const line = (number: number): string => `own data: FOLDER/metadata.csv: line ${number}: column`;
    assert.deepEqual(faultsOf(samples, asked), [
      ["1", undefined],
      ["2", `${line(3)} "question" is empty, expected a question.`],
      ["3", `${line(4)} "answer" is empty, expected an answer.`],
      ["4", `${line(5)} "file_name" is empty, expected an image.`],
    ]);
    const told = folderOf({ "metadata.csv": "file_name,caption\na.jpg,A dog.\nb.jpg,A cat.\na.jpg,\n" });
    for (const dataset of [ownCaptions, ownTexts]) {
      const split = await dataset.open({ folder: told }, "");
      assert.deepEqual(faultsOf(split.samples, told), [
        ["a.jpg", `${line(4)} "caption" is empty, expected a caption.`],
        ["b.jpg", undefined],
      ]);
    }
  });

  it("takes columns A, B, C for choices", async () => {
    const folder = folderOf({ "q.tsv": "image\tquestion\tA\tB\tanswer\na.jpg\tWhich?\tred\tblue\tA\n" });
    const { samples } = await ownQuestions.open({ folder }, "");
    assert.deepEqual(samples[0]?.choices, ["red", "blue"]);
  });

  it("is refused where columns are missing, empty, or could mean two things", async () => {
    assert.equal(
      await saidOf({ "metadata.csv": "file_name,frage\na.jpg,Was?\n" }),
      "own data: FOLDER: no column is the question; columns there: file_name, frage. Name it with --columns question=…, or call it one of question, query.",
    );
    assert.equal(
      await saidOf({ "metadata.csv": "file_name,question,query\na.jpg,What?,Who?\n" }),
      "own data: FOLDER: columns question and query could both be the question. Say which: --columns question=question or question=query.",
    );
    assert.equal(
      await saidOf({ "metadata.csv": `${header}a.jpg,What?,red\n` }, { columns: { answers: "gt" } }),
      'own data: FOLDER: --columns answers=gt: no column "gt". Columns there: file_name, question, answer.',
    );
    assert.equal(
      await saidOf({ "metadata.csv": `${header}a.jpg,,red\na.jpg, ,blue\n` }),
      'own data: FOLDER: column "question" is empty in every row, expected a question. Fill it, or name another with --columns.',
    );
    assert.equal(
      await saidOf({ "metadata.csv": `${header}a.jpg,What?,\na.jpg,Who?,[]\n` }),
      'own data: FOLDER: column "answer" is empty in every row, expected an answer. Fill it, or name another with --columns.',
    );
    assert.equal(
      await saidOf({ "metadata.csv": `${header},What?,red\n` }),
      'own data: FOLDER: column "file_name" is empty in every row, expected an image. Fill it, or name another with --columns.',
    );
  });

  it("is refused where a column has several types, or an id comes twice", async () => {
    const row = (more: object): string => `${JSON.stringify({ file_name: "a.jpg", question: "What?", ...more })}\n`;
    const mixed = (values: readonly unknown[]): Promise<string> =>
      saidOf({ "metadata.jsonl": values.map((answers) => row({ answers })).join("") });
    const alike = 'Write all of its cells alike: "7" for 7, ["red"] for "red".';
    for (const [values, line, found, before] of [
      [["red", ["red", "blue"]], 2, "a list of texts", "a text"],
      [["red", "", "blue", 7], 4, "a number", "a text"],
      [[true, "yes"], 2, "a text", "true or false"],
      [[["red"], [1, 2]], 2, "a list of numbers", "a list of texts"],
      [[["red", 7]], 1, "a list of numbers", "a list of texts"],
    ] as const) {
      assert.equal(
        await mixed(values),
        `own data: FOLDER/metadata.jsonl: line ${line}: column "answers" holds ${found}, and before it ${before}. ${alike}`,
      );
    }
    const question = { question_id: 1, image_id: "a.jpg", question: "What?" };
    const annotations = ["red", 7].map((answer, index) => ({ question_id: index + 1, answer }));
    assert.equal(
      await saidOf({
        "questions.json": { questions: [question, { ...question, question_id: 2 }] },
        "annotations.json": { annotations },
      }),
      `own data: FOLDER/questions.json: record 2: column "answer" holds a number, and before it a text. ${alike}`,
    );
    assert.equal(
      await saidOf({ "metadata.jsonl": row({ question: ["Who?"] }) }),
      'own data: FOLDER/metadata.jsonl: line 1: column "question" is a list, expected one text.',
    );
    assert.equal(
      await saidOf({ "metadata.jsonl": row({ id: 7 }) + row({ id: "8" }) + row({ id: 7 }) }),
      "own data: FOLDER/metadata.jsonl: line 3: id 7 stands at line 1 already. Ids must differ.",
    );
  });

  it("is refused where the text of a file is broken, with the line", async () => {
    assert.equal(
      await saidOf({ "metadata.csv": `${header}a.jpg,What, now?,red\n` }),
      "own data: FOLDER/metadata.csv: line 2: has 4 fields, expected 3 as in line 1 (file_name, question, answer). " +
        "Put quotes around a field that holds the separator.",
    );
    assert.match(
      await saidOf({ "metadata.csv": `${header}a.jpg,"What?,red\n` }),
      /^own data: FOLDER\/metadata\.csv: line \d: Quote Not Closed: /,
    );
    assert.equal(
      await saidOf({ "metadata.csv": "file_name,question,question\n" }),
      'own data: FOLDER/metadata.csv: line 1: names the column "question" twice. Rename one.',
    );
    assert.match(
      await saidOf({ "metadata.jsonl": '{"file_name":"a.jpg"}\n{"file_name":\n' }),
      /^own data: FOLDER\/metadata\.jsonl: line 2: .*JSON/,
    );
    assert.equal(
      await saidOf({ "metadata.jsonl": "[1]\n" }),
      "own data: FOLDER/metadata.jsonl: line 1: found [1], expected an object",
    );
    assert.equal(
      await saidOf({ "metadata.csv": Buffer.from(`${header}a.jpg,Wie sch\xf6n?,ja\n`, "latin1") }),
      "own data: FOLDER/metadata.csv: line 2: is not UTF-8 text. Save the file as UTF-8.",
    );
    assert.equal(
      await saidOf({ "metadata.csv": Buffer.from(`\ufeff${header}`, "utf16le") }),
      "own data: FOLDER/metadata.csv: is UTF-16 text, expected UTF-8. Save it as UTF-8.",
    );
    assert.equal(
      await saidOf({ "metadata.csv": "" }),
      "own data: FOLDER/metadata.csv: is empty, expected a line with the names of columns.",
    );
    assert.equal(await saidOf({ "metadata.jsonl": "" }), "own data: FOLDER: no row in FOLDER/metadata.jsonl.");
    assert.equal(
      await saidOf({ "Flickr8k.token.txt": "a.jpg A dog.\n" }),
      'own data: FOLDER/Flickr8k.token.txt: line 1: found "a.jpg A dog.", expected name.jpg#0, a tab, a caption.',
    );
  });

  it("is refused where a folder has no data, or more than one", async () => {
    assert.equal(
      await saidOf({}),
      "own data: FOLDER: found a.jpg; expected metadata.jsonl or metadata.csv, " +
        "one JSONL, CSV, TSV, JSON, parquet or tar file, captions.txt, or a photo.txt beside each photo.jpg.",
    );
    assert.equal(
      await saidOf({ "metadata.csv": header, "metadata.jsonl": "{}\n" }),
      "own data: FOLDER: both metadata.csv and metadata.jsonl. Keep one, or name it with --data.",
    );
    assert.equal(
      await saidOf({ "mine.csv": header, "yours.csv": header }),
      "own data: FOLDER: several files could be the data: mine.csv, yours.csv. Name one: --data FOLDER/mine.csv",
    );
    const folder = folderOf({ "notes.md": "" });
    assert.equal(
      await refusal(ownQuestions.open({ folder: join(folder, "notes.md") }, ""), folder),
      'own data: FOLDER/notes.md: found a file of type ".md", expected .jsonl, .csv, .tsv, .json, .parquet or .tar.',
    );
    assert.equal(
      await refusal(ownQuestions.open({ folder: join(folder, "nowhere") }, ""), folder),
      "own data: FOLDER/nowhere does not exist. Give a folder or a file with --data.",
    );
  });

  it("is refused where an image leads out of the folder, by its path or by a link, unless that is allowed", async () => {
    const advice = "Use --allow-outside if that is meant.";
    for (const name of ["../a.jpg", "x/../../a.jpg", "/etc/hostname"]) {
      assert.equal(
        await saidOf({ "metadata.csv": `${header}${name},What?,red\n` }),
        `own data: FOLDER/metadata.csv: line 2: the image ${name} is not inside FOLDER. ${advice}`,
      );
    }
    const folder = folderOf({ "metadata.csv": `${header}link.jpg,What?,red\n` });
    const outside = folderOf({});
    symlinkSync(join(outside, "a.jpg"), join(folder, "link.jpg"));
    assert.equal(
      await refusal(ownQuestions.open({ folder }, ""), folder),
      `own data: FOLDER/metadata.csv: line 2: the image link.jpg is a link out of FOLDER, to ${join(outside, "a.jpg")}. ${advice}`,
    );
    const { samples } = await ownQuestions.open({ folder, allowOutside: true }, "");
    assert.equal(samples[0]?.image.path, join(folder, "link.jpg"));
    writeFileSync(join(folder, "metadata.csv"), `${header}${join(outside, "a.jpg")},What?,red\n`);
    const allowed = await ownQuestions.open({ folder, allowOutside: true }, "");
    assert.equal(allowed.samples[0]?.image.path, join(outside, "a.jpg"));
  });

  it("may be links into the same repository of the Hugging Face cache", async () => {
    const snapshot = `datasets--me--mine/snapshots/${"0".repeat(40)}`;
    const folder = folderOf({
      [`${snapshot}/metadata.csv`]: `${header}a.jpg,What?,red\n`,
      "datasets--me--mine/blobs": null,
    });
    copyFileSync(photo, join(folder, "datasets--me--mine", "blobs", "0123"));
    symlinkSync("../../blobs/0123", join(folder, snapshot, "a.jpg"));
    const { samples } = await ownQuestions.open({ folder: join(folder, snapshot) }, "");
    assert.equal(samples.length, 1);
  });

  it("is refused where COCO's or VQA's files do not fit together", async () => {
    const images = [{ id: 1, file_name: "a.jpg" }];
    const caption = { image_id: 2, caption: "A dog." };
    const folder = folderOf({ "captions.json": { images, annotations: [caption] } });
    assert.equal(
      await refusal(ownCaptions.open({ folder }, ""), folder),
      "own data: FOLDER/captions.json: record 1: image_id 2 is no image of the file.",
    );
    const without = folderOf({
      "c.json": { images: [...images, { id: 2, file_name: "b.jpg" }], annotations: [caption] },
    });
    assert.equal(
      await refusal(ownCaptions.open({ folder: without }, ""), without),
      "own data: FOLDER/c.json: record 1: image 1 has no annotation.",
    );
    const question = { question_id: 1, image_id: 1, question: "What?" };
    const annotations = [{ question_id: 2, answers: [{ answer: "red" }] }];
    assert.equal(
      await saidOf({ "questions.json": { questions: [question] }, "annotations.json": { annotations } }),
      "own data: FOLDER/annotations.json: record 1: question_id 2 is annotated, and asked nowhere.",
    );
  });
});

describe("a tar of own data", () => {
  after(removeDatasetFolders);

  const member = { name: "0001.json", bytes: Buffer.from('{"question":"What?","answer":"red"}') };
  const image = { name: "0001.jpg", bytes: Buffer.from("image") };

  it("gives the bytes of an image when they are asked for, and passes over links and folders", async () => {
    const link = { name: "0001.png", bytes: Buffer.alloc(0), type: "2" };
    const folder = datasetFolder({
      "a.tar": tarBytes([{ name: "d/", bytes: Buffer.alloc(0), type: "5" }, link, member, image]),
    });
    const { samples } = await ownQuestions.open({ folder }, "");
    assert.deepEqual(
      samples.map(({ question }) => question),
      ["What?"],
    );
    assert.equal(Buffer.from((await samples[0]!.image.read?.()) ?? []).toString(), "image");
  });

  it("is refused where it is cut, damaged, or compressed", async () => {
    const whole = tarBytes([member, image]);
    const said = (bytes: Buffer): Promise<string> => saidOf({ "a.tar": bytes });
    assert.equal(
      await said(whole.subarray(0, 1500)),
      "own data: FOLDER/a.tar: is cut at byte 1500: an archive ends with blocks of zeros.",
    );
    assert.equal(
      await said(whole.subarray(0, 520)),
      "own data: FOLDER/a.tar: is cut: 0001.json needs 35 bytes from 512 on, the file has 520.",
    );
    const damaged = Buffer.from(whole);
    damaged[0] = 0x31;
    assert.equal(
      await said(damaged),
      "own data: FOLDER/a.tar: byte 0 is not the start of a tar member. Is it a tar, not compressed?",
    );
  });

  it("is refused where a member that is text is none", async () => {
    const text = { name: "0001.txt", bytes: Buffer.from([0xff, 0xfe, 0x00]) };
    assert.equal(
      await saidOf({ "a.tar": tarBytes([image, text]) }),
      "own data: FOLDER/a.tar: 0001.txt is not UTF-8 text. Write it as UTF-8.",
    );
    assert.match(
      await saidOf({ "a.tar": tarBytes([image, { name: "0001.json", bytes: Buffer.from("{") }]) }),
      /^own data: FOLDER\/a\.tar: 0001\.json: .*JSON/,
    );
  });
});
