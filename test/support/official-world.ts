/** The bundled world as official archives on a stand-in server, and the table that says where they are. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { OfficialArchive, OfficialDataset } from "../../harness/catalog/official-data.ts";
import { bundledData } from "./fakes.ts";
import { zipBytes } from "./zip-archive.ts";

const questions = "v2_OpenEnded_mscoco_val2014_questions.json";
const annotations = "v2_mscoco_val2014_annotations.json";

function packed(files: readonly string[], isDeflated: boolean): Buffer {
  return zipBytes(files.map((name) => ({ name, bytes: readFileSync(join(bundledData, name)), isDeflated })));
}

/** By their paths on the server. Images are stored, as in COCO's archives. */
export function officialArchives(): Readonly<Record<string, Buffer>> {
  const images = readdirSync(join(bundledData, "val2014")).map((name) => `val2014/${name}`);
  return {
    "questions.zip": packed([questions], true),
    "annotations.zip": packed([annotations], true),
    "karpathy.zip": packed(["dataset_coco.json", "dataset_flickr30k.json"], true),
    "val2014.zip": packed(images, false),
  };
}

export function officialTable(origin: string, archives: Readonly<Record<string, Buffer>>): readonly OfficialDataset[] {
  const at = (name: string): OfficialArchive => {
    const bytes = archives[name]!;
    return {
      url: `${origin}/${name}`,
      sizeBytes: bytes.length,
      sha256: [createHash("sha256").update(bytes).digest("hex")],
    };
  };
  const images = [{ folder: "val2014", archive: at("val2014.zip"), address: null }];
  const about = { licence: "none", terms: "These are terms.", isAcceptanceAsked: false };
  return [
    {
      ...about,
      name: "vqav2",
      isAcceptanceAsked: true,
      splits: [
        {
          split: "val",
          samples: 991,
          annotations: [
            { fileName: questions, from: at("questions.zip") },
            { fileName: annotations, from: at("annotations.zip") },
          ],
          images,
        },
      ],
    },
    {
      ...about,
      name: "coco-captions",
      splits: [
        {
          split: "test",
          samples: 200,
          annotations: [{ fileName: "dataset_coco.json", from: at("karpathy.zip") }],
          images,
        },
      ],
    },
    {
      ...about,
      name: "flickr30k",
      splits: [
        {
          split: "test",
          samples: 200,
          annotations: [{ fileName: "dataset_flickr30k.json", from: at("karpathy.zip") }],
          images: { why: "The images are behind a form." },
        },
      ],
    },
  ];
}
