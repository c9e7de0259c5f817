/**
 * Captions in COCO's form, `[{"image_id": 1, "caption": "a dog"}]`, for pycocoevalcap and for the NoCaps server on EvalAI.
 * pycocoevalcap scores the images of the results only, so a part of a split needs no other file; but splits that are no
 * official COCO file, such as Karpathy's, come with their captions in COCO's form.
 */
import type { CaptionSample } from "../../../datasets/dataset.ts";
import type { AnsweredRun, AskedSample } from "../answered-run.ts";
import { isCaptioned } from "../sample-kinds.ts";
import { fileNamePart, isOfficialNumber, jsonList, officialId, unlessCaptions } from "./export-format.ts";
import type { ExportedFile, ExportFormat } from "./export-format.ts";

export const cocoResults: ExportFormat = {
  name: "coco-results",
  about: "captions for pycocoevalcap, with the references in COCO's form",
  needs: "answers",
  unfit: (run) => unlessCaptions(run) ?? unlessOneEach(run),
  files: (run, answered) => [
    {
      name: `captions_${fileNamePart(run.record.data.split)}_${fileNamePart(run.record.checkpoint.name)}_results.json`,
      content: jsonList(captionsOf(answered)),
      about: `${answered.length} captions`,
    },
    ...referenceFile(run, answered),
  ],
};

export const nocapsResults: ExportFormat = {
  name: "nocaps",
  about: "captions of all images of NoCaps val, for EvalAI",
  needs: "split",
  unfit: (run) => {
    const { dataset } = run.record.data;
    if (dataset !== "nocaps") return `its server scores captions of NoCaps, and this run is of ${dataset}`;
    const other = run.asked.find(({ sample }) => !isOfficialNumber(sample.image.id));
    if (other !== undefined) return `its image ids are numbers, and one of this run's is ${other.sample.image.id}`;
    return unlessOneEach(run);
  },
  files: (run, answered) => [
    {
      name: `nocaps_${fileNamePart(run.record.data.split)}_${fileNamePart(run.record.checkpoint.name)}_results.json`,
      content: jsonList(captionsOf(answered)),
      about: `${answered.length} captions`,
    },
  ],
};

/** One caption an image: pycocoevalcap stops at two (its assertion `len(hypo) == 1`). */
function unlessOneEach({ asked }: AnsweredRun): string | null {
  const known = new Set<string>();
  for (const { sample } of asked) {
    if (known.has(sample.image.id)) return `it has one caption an image, and image ${sample.image.id} has several`;
    known.add(sample.image.id);
  }
  return null;
}

function captionsOf(answered: readonly AskedSample[]): readonly object[] {
  return answered.map(({ sample, answer }) => ({ image_id: officialId(sample.image.id), caption: answer }));
}

/** Empty where no image has references. The keys are those that old versions of coco-caption read, too. */
function referenceFile({ record: { data } }: AnsweredRun, answered: readonly AskedSample[]): readonly ExportedFile[] {
  const samples: readonly CaptionSample[] = answered.flatMap(({ sample }) =>
    isCaptioned(sample) && sample.references.length > 0 ? [sample] : [],
  );
  if (samples.length === 0) return [];
  let id = 0;
  const references = {
    info: { description: `References of ${samples.length} images of ${data.dataset} ${data.split}` },
    licenses: [],
    type: "captions",
    images: samples.map(({ image }) => ({ id: officialId(image.id) })),
    annotations: samples.flatMap(({ image, references: captions }) =>
      captions.map((caption) => ({ id: (id += 1), image_id: officialId(image.id), caption })),
    ),
  };
  return [
    {
      name: `captions_${fileNamePart(data.split)}_references.json`,
      content: `${JSON.stringify(references)}\n`,
      about: `${id} references of ${samples.length} images, the annotation file for pycocoevalcap`,
    },
  ];
}
