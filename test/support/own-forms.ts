/**
 * The first samples of the bundled world in every form that own data can have. Each function writes a folder whose samples are
 * those of the official files, in their order, and gives what `--data` names.
 */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { bundledData } from "./fakes.ts";
import { imageValue, parquetBytes } from "./parquet-mirror.ts";
import type { ColumnKind } from "./parquet-mirror.ts";
import { tarBytes } from "./tar-archive.ts";

/** An image with its texts, and its question where it has one. */
export interface OwnRecord {
  readonly id: string;
  /** Path of the bundled image. */
  readonly path: string;
  readonly question?: string;
  /** Answers, or captions. */
  readonly texts: readonly string[];
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(join(bundledData, name), "utf8"));
}

interface AskedQuestion {
  readonly question_id: number;
  readonly image_id: number;
  readonly question: string;
}
interface Annotated {
  readonly question_id: number;
  readonly answers: readonly { readonly answer: string }[];
}
interface KarpathyImage {
  readonly filename: string;
  readonly split: string;
  readonly sentences: readonly { readonly raw: string }[];
}

export function bundledQuestions(count: number): readonly OwnRecord[] {
  const { questions } = read("v2_OpenEnded_mscoco_val2014_questions.json") as { questions: AskedQuestion[] };
  const { annotations } = read("v2_mscoco_val2014_annotations.json") as { annotations: Annotated[] };
  return questions.slice(0, count).map(({ question_id: id, image_id: imageId, question }) => ({
    id: String(id),
    path: join(bundledData, "val2014", `COCO_val2014_${String(imageId).padStart(12, "0")}.jpg`),
    question,
    texts: annotations.find((each) => each.question_id === id)!.answers.map(({ answer }) => answer),
  }));
}

export function bundledCaptions(count: number): readonly OwnRecord[] {
  return karpathy("dataset_coco.json", "val2014", count);
}

export function bundledTexts(count: number): readonly OwnRecord[] {
  return karpathy("dataset_flickr30k.json", "flickr30k-images", count);
}

function karpathy(file: string, folder: string, count: number): readonly OwnRecord[] {
  const { images } = read(file) as { images: KarpathyImage[] };
  const test = images.filter(({ split }) => split === "test").slice(0, count);
  return test.map(({ filename, sentences }) => ({
    id: filename,
    path: join(bundledData, folder, filename),
    texts: sentences.map(({ raw }) => raw),
  }));
}

type WriteForm = (folder: string, records: readonly OwnRecord[]) => string;

/** Columns of a record, its texts as `texts` writes them. */
function columnsOf<Texts>(
  { id, path, question, texts }: OwnRecord,
  written: (texts: readonly string[]) => Texts,
): Record<string, string | Texts> {
  const image = basename(path);
  if (question === undefined) return { file_name: image, captions: written(texts) };
  return { id, file_name: image, question, answers: written(texts) };
}

/** Of a form that holds the image itself. */
function withoutName<Texts>(columns: Readonly<Record<string, Texts>>): Readonly<Record<string, Texts>> {
  return Object.fromEntries(Object.entries(columns).filter(([name]) => name !== "file_name"));
}

function copyImages(folder: string, records: readonly OwnRecord[], subfolder = "."): void {
  mkdirSync(join(folder, subfolder), { recursive: true });
  for (const { path } of records) copyFileSync(path, join(folder, subfolder, basename(path)));
}

function put(path: string, content: string | Uint8Array): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

function jsonLines(records: readonly OwnRecord[], prefix = ""): string {
  const rows = records.map((record) => columnsOf(record, (texts) => texts));
  return rows
    .map((row) => `${JSON.stringify({ ...row, file_name: `${prefix}${String(row["file_name"])}` })}\n`)
    .join("");
}

/** Lists as JSON in quoted fields. `\r\n` as RFC 4180 has it. */
function delimited(records: readonly OwnRecord[], separator: string): string {
  const rows = records.map((record) => columnsOf(record, (texts) => JSON.stringify(texts)));
  const lines = [
    Object.keys(rows[0]!),
    ...rows.map((row) => Object.values(row).map((cell) => `"${cell.replaceAll('"', '""')}"`)),
  ];
  return lines.map((fields) => `${fields.join(separator)}\r\n`).join("");
}

/** Forms that hold questions as well as captions. */
export const anyForms: Readonly<Record<string, WriteForm>> = {
  "metadata.jsonl beside the images": (folder, records) => {
    copyImages(folder, records);
    put(join(folder, "metadata.jsonl"), jsonLines(records));
    return folder;
  },
  "metadata.csv with a byte order mark, its images in a folder": (folder, records) => {
    copyImages(folder, records, "images");
    put(join(folder, "metadata.csv"), `\u{feff}${delimited(records, ",")}`);
    return folder;
  },
  "metadata.jsonl with one split in a folder": (folder, records) => {
    copyImages(folder, records, "test");
    put(join(folder, "metadata.jsonl"), jsonLines(records, "test/"));
    return folder;
  },
  "metadata.jsonl in the folder of a split": (folder, records) => {
    copyImages(folder, records, "validation");
    put(join(folder, "validation", "metadata.jsonl"), jsonLines(records));
    return folder;
  },
  "a JSONL that is named": (folder, records) => {
    copyImages(folder, records);
    put(join(folder, "other.jsonl"), "{}\n");
    return put(join(folder, "mine.jsonl"), jsonLines(records));
  },
  "a CSV parted by semicolons": (folder, records) => {
    copyImages(folder, records);
    return put(join(folder, "mine.csv"), delimited(records, ";"));
  },
  "a TSV": (folder, records) => {
    copyImages(folder, records);
    return put(join(folder, "mine.tsv"), delimited(records, "\t"));
  },
  "a TSV with images in base64": (folder, records) => {
    const rows = records.map((record, index) => {
      const columns = withoutName(columnsOf(record, (texts) => JSON.stringify(texts)));
      const image = readFileSync(record.path).toString("base64");
      return { ...columns, image, image_id: `${index}` };
    });
    const lines = [
      Object.keys(rows[0]!),
      ...rows.map((row) => Object.values(row).map((cell) => `"${cell.replaceAll('"', '""')}"`)),
    ];
    return put(join(folder, "mine.tsv"), lines.map((fields) => `${fields.join("\t")}\n`).join(""));
  },
  "a JSON list": (folder, records) => {
    copyImages(folder, records);
    return put(join(folder, "mine.json"), JSON.stringify(records.map((record) => columnsOf(record, (texts) => texts))));
  },
  "COCO's JSON": (folder, records) => {
    copyImages(folder, records, "val2014");
    const images = new Map(
      records.map(({ path }) => [
        path,
        { id: path.length * 1000 + records.findIndex((each) => each.path === path), file_name: basename(path) },
      ]),
    );
    const annotations = records.flatMap(({ id, path, question, texts }): readonly object[] => {
      const { id: imageId } = images.get(path)!;
      if (question !== undefined) return [{ id: Number(id), image_id: imageId, question, answers: texts }];
      return texts.map((caption) => ({ image_id: imageId, caption }));
    });
    put(join(folder, "captions.json"), JSON.stringify({ images: [...images.values()], annotations }));
    return folder;
  },
  parquet: (folder, records) => {
    const rows = records.map(({ id, path, question, texts }) => ({ id, image: imageValue(path), question, texts }));
    const isAsked = records[0]!.question !== undefined;
    const columns: Readonly<Record<string, ColumnKind>> = isAsked
      ? { id: "text", image: "image", question: "text", answers: "texts" }
      : { id: "text", image: "image", captions: "texts" };
    const named = rows.map(({ texts, ...row }) => ({ ...row, [isAsked ? "answers" : "captions"]: texts }));
    put(join(folder, "data", "test-00000-of-00001.parquet"), parquetBytes(columns, named, { rowGroupSize: 5 }));
    return folder;
  },
  "two WebDataset shards": (folder, records) => {
    const half = Math.ceil(records.length / 2);
    for (const [shard, part] of [records.slice(0, half), records.slice(half)].entries()) {
      const members = part.flatMap((record, index) => {
        const key = `a/${String(index).padStart(4, "0")}`;
        const columns = withoutName(columnsOf(record, (texts) => texts));
        return [
          { name: `${key}.jpg`, bytes: readFileSync(record.path) },
          { name: `${key}.json`, bytes: Buffer.from(JSON.stringify(columns)) },
        ];
      });
      put(join(folder, `shard-${shard}.tar`), tarBytes(members));
    }
    return folder;
  },
};

/** Forms that hold questions alone. */
export const questionForms: Readonly<Record<string, WriteForm>> = {
  "VQA's two files": (folder, records) => {
    copyImages(folder, records, "val2014");
    const ids = new Set(records.map(({ id }) => Number(id)));
    const { questions } = read("v2_OpenEnded_mscoco_val2014_questions.json") as { questions: AskedQuestion[] };
    const { annotations } = read("v2_mscoco_val2014_annotations.json") as { annotations: Annotated[] };
    put(
      join(folder, "questions.json"),
      JSON.stringify({ questions: questions.filter((each) => ids.has(each.question_id)) }),
    );
    put(
      join(folder, "annotations.json"),
      JSON.stringify({ annotations: annotations.filter((each) => ids.has(each.question_id)) }),
    );
    return folder;
  },
};

/** Forms that hold captions alone. */
export const captionForms: Readonly<Record<string, WriteForm>> = {
  "Flickr8k's captions.txt": (folder, records) => {
    copyImages(folder, records, "Images");
    const lines = records.flatMap(({ path, texts }) =>
      texts.map((text) => `${basename(path)},"${text.replaceAll('"', '""')}"`),
    );
    put(join(folder, "captions.txt"), `image,caption\n${lines.join("\n")}\n`);
    return folder;
  },
  "Flickr8k's token.txt": (folder, records) => {
    copyImages(folder, records, "Flicker8k_Dataset");
    const lines = records.flatMap(({ path, texts }) =>
      texts.map((text, index) => `${basename(path)}#${index}\t${text}`),
    );
    put(join(folder, "Flickr8k.token.txt"), `${lines.join("\n")}\n`);
    put(join(folder, "Flickr8k.lemma.token.txt"), "lemmas.jpg#0\tlemma .\n");
    return folder;
  },
  "a text beside each image": (folder, records) => {
    copyImages(folder, records);
    for (const { path, texts } of records)
      put(join(folder, basename(path).replace(/\.jpg$/, ".txt")), `${texts.join("\n")}\n`);
    return folder;
  },
  "WebDataset shards with a text of several lines": (folder, records) => {
    const members = records.flatMap(({ path, texts }, index) => [
      { name: `${index}.jpg`, bytes: readFileSync(path) },
      { name: `${index}.txt`, bytes: Buffer.from(texts.join("\n")) },
    ]);
    put(join(folder, "test-000.tar"), tarBytes(members));
    return folder;
  },
};
