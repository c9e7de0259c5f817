/** The bundled world as the hub's mirrors would have it, in the columns and with the gaps of the real ones. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { imageValue, writeMirror } from "./parquet-mirror.ts";
import { bundledData } from "./fakes.ts";

function read(name: string): unknown {
  return JSON.parse(readFileSync(join(bundledData, name), "utf8"));
}

interface BundledAnnotation {
  readonly question_id: number;
  readonly image_id: number;
  readonly question_type: string;
  readonly answer_type: string;
  readonly multiple_choice_answer: string;
  readonly answers: readonly { answer: string; answer_confidence: string; answer_id: number }[];
}

interface BundledImage {
  readonly filename: string;
  readonly split: string;
  readonly sentences: readonly { raw: string; sentid: number }[];
}

const cocoImage = (id: number): string =>
  join(bundledData, "val2014", `COCO_val2014_${String(id).padStart(12, "0")}.jpg`);

/** As lmms-lab/VQAv2: an image is repeated for each of its questions. */
export function vqav2Mirror(folder: string, { rowGroupSize = 100 } = {}): readonly string[] {
  const { questions } = read("v2_OpenEnded_mscoco_val2014_questions.json") as {
    questions: { question_id: number; image_id: number; question: string }[];
  };
  const { annotations } = read("v2_mscoco_val2014_annotations.json") as { annotations: BundledAnnotation[] };
  const byId = new Map(annotations.map((annotation) => [annotation.question_id, annotation]));
  const images = new Map<number, ReturnType<typeof imageValue>>();
  const rows = questions.map(({ question_id, image_id, question }) => {
    const image = images.get(image_id) ?? imageValue(cocoImage(image_id));
    images.set(image_id, image);
    const annotation = byId.get(question_id)!;
    return {
      question_type: annotation.question_type,
      multiple_choice_answer: annotation.multiple_choice_answer,
      answers: annotation.answers.map((answer) => ({ ...answer, answer_id: BigInt(answer.answer_id) })),
      image_id: BigInt(image_id),
      answer_type: annotation.answer_type,
      question_id: BigInt(question_id),
      question,
      image,
    };
  });
  const columns = {
    question_type: "text",
    multiple_choice_answer: "text",
    answers: "answers",
    image_id: "int64",
    answer_type: "text",
    question_id: "int64",
    question: "text",
    image: "image",
  } as const;
  return writeMirror(folder, { name: "data/validation", columns, rows, files: 3, rowGroupSize });
}

/** As lmms-lab/COCO-Caption: all of val2014 in the order of its file, no Karpathy split, ids in file names alone. */
export function cocoMirror(folder: string): readonly string[] {
  const { images, annotations } = read("captions_val2014.json") as {
    images: { id: number; file_name: string }[];
    annotations: { image_id: number; caption: string }[];
  };
  const rows = images.map(({ id, file_name }) => ({
    question_id: file_name,
    image: imageValue(cocoImage(id)),
    question: "Please carefully observe the image and come up with a caption for the image.",
    answer: annotations.filter(({ image_id }) => image_id === id).map(({ caption }) => caption),
    file_name,
  }));
  const columns = {
    question_id: "text",
    image: "image",
    question: "text",
    answer: "texts",
    file_name: "text",
  } as const;
  return writeMirror(folder, { name: "data/val", columns, rows, files: 2, rowGroupSize: 40 });
}

/** As lmms-lab/flickr30k, all under "test"; with `hasSplit` as the mirrors that have Karpathy's splits in a column. */
export function flickr30kMirror(folder: string, { hasSplit }: { readonly hasSplit: boolean }): readonly string[] {
  const { images } = read("dataset_flickr30k.json") as { images: BundledImage[] };
  const rows = images.map(({ filename, split, sentences }, index) => ({
    image: imageValue(join(bundledData, "flickr30k-images", filename)),
    caption: sentences.map(({ raw }) => raw),
    sentids: sentences.map(({ sentid }) => String(sentid)),
    split,
    img_id: String(index),
    filename,
  }));
  const all = { image: "image", caption: "texts", sentids: "texts", img_id: "text", filename: "text" } as const;
  const columns = hasSplit ? ({ ...all, split: "text" } as const) : all;
  return writeMirror(folder, { name: "data/test", columns, rows, files: 2, rowGroupSize: 64 });
}
