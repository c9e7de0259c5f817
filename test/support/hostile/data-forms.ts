/** The files of data sets as forms: official annotations, data of a user's own, results of other programs. */
import { copyFileSync, mkdirSync } from "node:fs";
import path from "node:path";
import type { Dataset, DataSource, Sample } from "../../../datasets/dataset.ts";
import { DatasetError } from "../../../datasets/dataset.ts";
import { cocoCaptions, nocapsCaptions } from "../../../datasets/coco-captions.ts";
import { flickr30kTexts } from "../../../datasets/flickr30k.ts";
import { gqaQuestions } from "../../../datasets/gqa.ts";
import { ownCaptions, ownQuestions } from "../../../datasets/own/own-data.ts";
import { vqav2Questions } from "../../../datasets/vqa.ts";
import { readResults } from "../../../harness/samples/import/read-results.ts";
import { bundledQuestions } from "../own-forms.ts";
import { tarBytes } from "../tar-archive.ts";
import { temporaryFolder } from "../temporary-files.ts";
import type { Form } from "./form.ts";

const refusals = [DatasetError];
const [{ path: photo } = { path: "" }] = bundledQuestions(1);

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

interface Damaged<S extends Sample> {
  readonly name: string;
  readonly file: string;
  readonly dataset: Dataset<S>;
  readonly split?: string;
  readonly original: Uint8Array;
  readonly text?: "json" | "lines";
  readonly repair?: (bytes: Buffer) => Buffer;
  /** Files around it. */
  readonly beside?: Readonly<Record<string, string | Uint8Array>>;
  readonly source?: Partial<DataSource>;
}

/** One file of a split, whose images are in the folder or in itself. */
function fileOf<S extends Sample>({ name, file, dataset, split = "", original, ...more }: Damaged<S>): Form {
  const folder = temporaryFolder(more.beside);
  mkdirSync(path.join(folder, "images"));
  copyFileSync(photo, path.join(folder, "a.jpg"));
  return {
    name,
    originals: [original],
    file: path.join(folder, file),
    read: async () => {
      const { samples } = await dataset.open({ folder, ...more.source }, split);
      for (const { image } of samples) await image.read?.();
    },
    refusals,
    ...(more.text !== undefined && { text: more.text }),
    ...(more.repair !== undefined && { repair: more.repair }),
  };
}

const questions = {
  questions: [1, 2].map((id) => ({ question_id: id, image_id: 42, question: "What colour?" })),
  data_subtype: "val2014",
};
const annotations = {
  annotations: [1, 2].map((id) => ({
    question_id: id,
    image_id: 42,
    question_type: "what",
    answer_type: "other",
    multiple_choice_answer: "red",
    answers: [1, 2].map((answer) => ({ answer: "red", answer_confidence: "yes", answer_id: answer })),
  })),
  data_subtype: "val2014",
};
const karpathy = {
  dataset: "flickr30k",
  images: [
    {
      filename: "1.jpg",
      split: "test",
      imgid: 0,
      sentids: [0],
      sentences: [{ raw: "A dog.", tokens: ["a", "dog"], imgid: 0, sentid: 0 }],
    },
    {
      filename: "2.jpg",
      split: "train",
      imgid: 1,
      sentids: [1],
      sentences: [{ raw: "A cat.", tokens: ["a", "cat"], imgid: 1, sentid: 1 }],
    },
  ],
};
const captions = {
  images: [{ id: 42, file_name: "COCO_val2014_000000000042.jpg" }],
  annotations: [{ id: 1, image_id: 42, caption: "A dog." }],
};
const nocaps = {
  images: [{ id: 0, file_name: "a.jpg", domain: "in-domain", open_images_id: "0013ea2087020901" }],
  annotations: [{ id: 1, image_id: 0, caption: "A dog." }],
};
const gqa = {
  "1": {
    imageId: "a",
    question: "Is it red?",
    answer: "yes",
    fullAnswer: "Yes.",
    types: { structural: "verify", semantic: "attr", detailed: "verifyAttr" },
  },
};
const questionsName = "v2_OpenEnded_mscoco_val2014_questions.json";
const annotationsName = "v2_mscoco_val2014_annotations.json";
const ownRow = { file_name: "a.jpg", question: "What?", answers: ["red", "dark red"], id: 1, choices: ["red", "blue"] };

const official = (): readonly Form[] => [
  fileOf({
    name: "vqa-questions",
    file: questionsName,
    dataset: vqav2Questions,
    split: "val",
    original: json(questions),
    text: "json",
    beside: { [annotationsName]: json(annotations) },
  }),
  fileOf({
    name: "vqa-annotations",
    file: annotationsName,
    dataset: vqav2Questions,
    split: "val",
    original: json(annotations),
    text: "json",
    beside: { [questionsName]: json(questions) },
  }),
  fileOf({
    name: "coco-captions",
    file: "captions_val2014.json",
    dataset: cocoCaptions,
    split: "val2014",
    original: json(captions),
    text: "json",
  }),
  fileOf({
    name: "nocaps",
    file: "nocaps_val_4500_captions.json",
    dataset: nocapsCaptions,
    split: "val",
    original: json(nocaps),
    text: "json",
  }),
  fileOf({
    name: "karpathy",
    file: "dataset_flickr30k.json",
    dataset: flickr30kTexts,
    split: "test",
    original: json(karpathy),
    text: "json",
  }),
  fileOf({
    name: "gqa",
    file: "val_balanced_questions.json",
    dataset: gqaQuestions,
    split: "val",
    original: json(gqa),
    text: "json",
  }),
];

const csv =
  'file_name,question,answers,id\r\na.jpg,"What, then?","[""red"", ""dark red""]",1\r\na.jpg,Who?,"[""nobody""]",2\r\n';
const own = (): readonly Form[] => [
  fileOf({ name: "own-csv", file: "metadata.csv", dataset: ownQuestions, original: Buffer.from(csv) }),
  fileOf({
    name: "own-tsv",
    file: "metadata.tsv",
    dataset: ownQuestions,
    original: Buffer.from(csv.replaceAll(/,(?! )/g, "\t")),
  }),
  fileOf({
    name: "own-captions",
    file: "captions.txt",
    dataset: ownCaptions,
    original: Buffer.from('image,caption\na.jpg,A dog.\na.jpg,"A cat, too."\n'),
  }),
  fileOf({
    name: "own-tokens",
    file: "my.token.txt",
    dataset: ownCaptions,
    original: Buffer.from("a.jpg#0\tA dog.\na.jpg#1\tA cat.\n"),
  }),
  fileOf({
    name: "own-text-beside",
    file: "a.txt",
    dataset: ownCaptions,
    original: Buffer.from("A dog.\nTwo dogs.\n"),
  }),
  fileOf({
    name: "own-jsonl",
    file: "metadata.jsonl",
    dataset: ownQuestions,
    original: Buffer.from(`${JSON.stringify(ownRow)}\n${JSON.stringify({ ...ownRow, id: 2 })}\n`),
    text: "lines",
  }),
  fileOf({
    name: "own-json",
    file: "mine.json",
    dataset: ownQuestions,
    original: json([ownRow, { ...ownRow, id: 2 }]),
    text: "json",
  }),
  fileOf({
    name: "own-coco",
    file: "mine.json",
    dataset: ownCaptions,
    original: json({ images: [{ id: 1, file_name: "a.jpg" }], annotations: [{ image_id: 1, caption: "A dog." }] }),
    text: "json",
  }),
  fileOf({
    name: "own-karpathy",
    file: "mine.json",
    dataset: ownCaptions,
    split: "test",
    original: json(karpathy),
    text: "json",
  }),
  fileOf({
    name: "tar",
    file: "test-000.tar",
    dataset: ownCaptions,
    original: tarBytes([
      { name: "a/1.jpg", bytes: Buffer.from("not looked at") },
      { name: "a/1.json", bytes: json({ text: "A dog." }) },
      ...["jpg", "txt"].flatMap((extension) => [
        { name: "././@LongLink", bytes: Buffer.from(`b/${"l".repeat(120)}.${extension}\0`), type: "L" },
        { name: "b/short", bytes: Buffer.from("A cat.\n") },
      ]),
    ]),
    repair: withTarSums,
  }),
];

/** The checksums of the headers as they should be, wherever a header's magic stands. */
function withTarSums(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let at = 0; at + 512 <= copy.length; at += 512) {
    if (copy.toString("latin1", at + 257, at + 262) !== "ustar") continue;
    copy.write("        ", at + 148);
    const sum = copy.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
    copy.write(`${sum.toString(8).padStart(6, "0")}\0 `, at + 148);
  }
  return copy;
}

function results(name: string, records: readonly object[], extension: "json" | "jsonl"): Form {
  const file = path.join(temporaryFolder(), `results.${extension}`);
  const text =
    extension === "json" ? JSON.stringify(records) : `${records.map((record) => JSON.stringify(record)).join("\n")}\n`;
  return {
    name: `results-${name}`,
    originals: [Buffer.from(text)],
    text: extension === "json" ? "json" : "lines",
    file,
    read: () => readResults(file, () => undefined),
    refusals,
  };
}

export const dataForms = (): readonly Form[] => [
  ...official(),
  ...own(),
  results(
    "vqa",
    [
      { question_id: 1, answer: "red" },
      { question_id: 2, answer: "blue" },
    ],
    "json",
  ),
  results(
    "lm-eval",
    [1, 2].map((id) => ({
      doc_id: id,
      doc: { question_id: id, image_id: 3 },
      filtered_resps: ["red"],
      resps: [["red"]],
    })),
    "jsonl",
  ),
];
