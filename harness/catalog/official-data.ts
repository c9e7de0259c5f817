/**
 * Where the official files of the data sets are, what they are known to be, and on what terms. Checksums are those that others
 * publish: TensorFlow Datasets' url_checksums (COCO, Karpathy), ParlAI's build.py (VQAv2, and COCO's other packing). Where none is
 * published, the CRC-32 of each member of an archive is all there is. COCO's server speaks http alone.
 */
import { shellWord } from "./shell-word.ts";

export interface OfficialArchive {
  readonly url: string;
  /** null: not published. */
  readonly sizeBytes: number | null;
  /** Of each packing that is known; empty: none is published. */
  readonly sha256: readonly string[];
}

export interface OfficialAnnotations {
  /** As the data set's reader names it. */
  readonly fileName: string;
  readonly from: OfficialArchive;
  /** Whether the address has the file itself, not an archive that it is in. */
  readonly isPlain?: boolean;
}

export interface OfficialImages {
  /** Where they are put, in the data folder. */
  readonly folder: string;
  /** null: there is none, each image has an address of its own. */
  readonly archive: OfficialArchive | null;
  /** Of single images: this and the file's name; null: they have none. */
  readonly address: string | null;
}

export interface OfficialSplit {
  readonly split: string;
  /** What the official split holds. */
  readonly samples: number;
  readonly annotations: readonly OfficialAnnotations[];
  /** In folders whose names stand in the images' own where there are several: COCO_val2014_000000000042.jpg. */
  readonly images: readonly OfficialImages[] | { readonly why: string };
}

export interface OfficialDataset {
  /** As the data set's reader is called. */
  readonly name: string;
  readonly licence: string;
  readonly terms: string;
  /** Whether downloading is an agreement to the terms, so that they must be accepted first. */
  readonly isAcceptanceAsked: boolean;
  readonly splits: readonly OfficialSplit[];
}

/** The command that fetches a split into a folder; null: its files are not known here. */
export function pullCommand(
  official: readonly OfficialDataset[],
  dataset: string,
  { split, folder }: { readonly split: string; readonly folder: string },
): string | null {
  const known = official.find(({ name }) => name === dataset)?.splits.some((each) => each.split === split);
  return known === true ? `npx blip2-bench pull ${dataset} --split ${split} --output ${shellWord(folder)}` : null;
}

function archive(url: string, sizeBytes: number | null = null, ...sha256: readonly string[]): OfficialArchive {
  return { url, sizeBytes, sha256 };
}

const coco = "http://images.cocodataset.org";
const val2014: OfficialImages = {
  folder: "val2014",
  archive: archive(
    `${coco}/zips/val2014.zip`,
    6_645_013_297,
    "fe9be816052049c34717e077d9e34aa60814a55679f804cd043e3cbee3b9fde0",
    "e3cb2caf99e37157c48a99883cc8c57eed8ea3942a501c1abf6f7d9c040ddea8",
  ),
  address: `${coco}/val2014/`,
};
const train2014: OfficialImages = {
  folder: "train2014",
  archive: archive(
    `${coco}/zips/train2014.zip`,
    13_510_573_713,
    "ede4087e640bddba550e090eae701092534b554b42b05ac33f0300b984b31775",
  ),
  address: `${coco}/train2014/`,
};
const test2015: OfficialImages = {
  folder: "test2015",
  archive: archive(
    `${coco}/zips/test2015.zip`,
    13_270_587_935,
    "1a2aa896b81140a850a78fa8bff07d455698d2abf364ff05721763458a8101ca",
  ),
  address: `${coco}/test2015/`,
};

const vqa = "https://s3.amazonaws.com/cvmlp/vqa/mscoco/vqa";
const vqaQuestionsTest = archive(
  `${vqa}/v2_Questions_Test_mscoco.zip`,
  null,
  "982e2e687a86514b78ea83af356d151976c5e3fb4168a29ca543610574082ad7",
);
const okVqa = "https://okvqa.allenai.org/static/data";
const gqa = "https://downloads.cs.stanford.edu/nlp/data/gqa";
const karpathy = archive(
  "https://cs.stanford.edu/people/karpathy/deepimagesent/caption_datasets.zip",
  36_745_453,
  "4cfd70132527b80933105e5829dc9034eaab9573482e2e680abbab6130244817",
);
const cocoCaptions = archive(
  `${coco}/annotations/annotations_trainval2014.zip`,
  252_872_794,
  "031296bbc80c45a1d1f76bf9a90ead27e94e99ec629208449507a4917a3bf009",
);
const cocoTerms = "Images are on Flickr's terms of use, annotations CC BY 4.0: https://cocodataset.org/#termsofuse";

export const officialData: readonly OfficialDataset[] = [
  {
    name: "vqav2",
    licence: "CC BY 4.0",
    terms: `By downloading VQA you agree to its Terms of Use: https://visualqa.org/terms.html. ${cocoTerms}`,
    isAcceptanceAsked: true,
    splits: [
      {
        split: "val",
        samples: 214_354,
        annotations: [
          {
            fileName: "v2_OpenEnded_mscoco_val2014_questions.json",
            from: archive(
              `${vqa}/v2_Questions_Val_mscoco.zip`,
              null,
              "e71f6c5c3e97a51d050f28243e262b28cd0c48d11a6b4632d769d30d3f93222a",
            ),
          },
          {
            fileName: "v2_mscoco_val2014_annotations.json",
            from: archive(
              `${vqa}/v2_Annotations_Val_mscoco.zip`,
              null,
              "0caae7c8d1dafd852727f5ac046bc1efca9b72026bd6ffa34fc489f3a7b3291e",
            ),
          },
        ],
        images: [val2014],
      },
      {
        split: "train",
        samples: 443_757,
        annotations: [
          {
            fileName: "v2_OpenEnded_mscoco_train2014_questions.json",
            from: archive(
              `${vqa}/v2_Questions_Train_mscoco.zip`,
              null,
              "05a64b6e2582d06d7585f5429674a9a33851878be1bff9f8668cdcf792df611e",
            ),
          },
          {
            fileName: "v2_mscoco_train2014_annotations.json",
            from: archive(
              `${vqa}/v2_Annotations_Train_mscoco.zip`,
              null,
              "fb101bcefe91422c543c2bb6d70af11eb3119d0ff745ae283d09acdf66250853",
            ),
          },
        ],
        images: [train2014],
      },
      {
        split: "test-dev",
        samples: 107_394,
        annotations: [{ fileName: "v2_OpenEnded_mscoco_test-dev2015_questions.json", from: vqaQuestionsTest }],
        images: [test2015],
      },
      {
        split: "test",
        samples: 447_793,
        annotations: [{ fileName: "v2_OpenEnded_mscoco_test2015_questions.json", from: vqaQuestionsTest }],
        images: [test2015],
      },
    ],
  },
  {
    name: "ok-vqa",
    licence: "CC BY 4.0",
    terms: cocoTerms,
    isAcceptanceAsked: false,
    splits: (["val", "train"] as const).map((split) => ({
      split,
      samples: split === "val" ? 5046 : 9009,
      annotations: [`OpenEnded_mscoco_${split}2014_questions.json`, `mscoco_${split}2014_annotations.json`].map(
        (fileName) => ({ fileName, from: archive(`${okVqa}/${fileName}.zip`) }),
      ),
      images: [split === "val" ? val2014 : train2014],
    })),
  },
  {
    name: "gqa",
    licence: "CC BY 4.0",
    terms: "GQA's images are Visual Genome's and Flickr's: https://cs.stanford.edu/people/dorarad/gqa/",
    isAcceptanceAsked: false,
    splits: Object.entries({ testdev: 12_578, val: 132_062, train: 943_000, test: 95_336 }).map(([split, samples]) => ({
      split,
      samples,
      annotations: [{ fileName: `${split}_balanced_questions.json`, from: archive(`${gqa}/questions1.2.zip`) }],
      images: [{ folder: "images", archive: archive(`${gqa}/images.zip`), address: null }],
    })),
  },
  ...["coco-captions", "coco"].map((name): OfficialDataset => ({
    name,
    licence: "CC BY 4.0",
    terms: cocoTerms,
    isAcceptanceAsked: false,
    splits: [
      ...Object.entries({ test: 5000, val: 5000, train: 113_287 }).map(([split, samples]) => ({
        split,
        samples,
        annotations: [{ fileName: "dataset_coco.json", from: karpathy }],
        images: split === "train" ? [train2014, val2014] : [val2014],
      })),
      ...(name === "coco"
        ? []
        : [
            {
              split: "val2014",
              samples: 40_504,
              annotations: [{ fileName: "captions_val2014.json", from: cocoCaptions }],
              images: [val2014],
            },
          ]),
    ],
  })),
  {
    name: "nocaps",
    licence: "CC BY 2.0",
    terms: "NoCaps' images are Open Images', listed as CC BY 2.0: https://nocaps.org",
    isAcceptanceAsked: false,
    splits: [
      {
        split: "val",
        samples: 4500,
        annotations: [
          {
            fileName: "nocaps_val_4500_captions.json",
            from: archive("https://nocaps.s3.amazonaws.com/nocaps_val_4500_captions.json"),
            isPlain: true,
          },
        ],
        images: [{ folder: "val", archive: null, address: "https://s3.amazonaws.com/nocaps/val/" }],
      },
    ],
  },
  {
    name: "flickr30k",
    licence: "for non-commercial research and education",
    terms: "Flickr30k's images are given out by the University of Illinois, on request.",
    isAcceptanceAsked: false,
    splits: Object.entries({ test: 1000, val: 1014, train: 29_000 }).map(([split, samples]) => ({
      split,
      samples,
      annotations: [{ fileName: "dataset_flickr30k.json", from: karpathy }],
      images: {
        why:
          "Flickr30k's images are behind a form and are never fetched: fill it out at " +
          "https://shannon.cs.illinois.edu/DenotationGraph/, unpack flickr30k-images.tar.gz into this folder, and see " +
          "whether all is there with blip2-bench data check",
      },
    })),
  },
];
