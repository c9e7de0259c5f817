/** The data from which the page's script makes cards, the table of samples, and one sample whole. */
import { metricUnits } from "../records/metric-unit.ts";
import { stagesInTotal } from "../records/run-record.ts";
import type { GallerySample, Report } from "../report/report-data.ts";
import { runNames } from "../report/run-names.ts";
import type { SampleDetails } from "../report/sample-details.ts";
import { predictionLines, scoreLines, tokenLines } from "../report/sample-lines.ts";
import type { PageAnswer, PageData, PagePart } from "./page-data.ts";

/** data: URLs of thumbnails, by "group image name". */
export type Thumbnails = ReadonlyMap<string, string>;

/** How runs came to their answers, by `answerKey`. */
export type Details = ReadonlyMap<string, SampleDetails>;

/** What the page has beside the report: report.json would grow several times by it. */
export interface BesideReport {
  readonly thumbnails: Thumbnails;
  readonly details: Details;
}

export function thumbnailKey(group: string, image: string): string {
  return `${group} ${image}`;
}

export function answerKey(run: string, sample: string): string {
  return `${run} ${sample}`;
}

export function pageDataOf({ runs, gallery }: Report, { thumbnails, details }: BesideReport): PageData {
  const names = runNames(runs);
  const placeOfRun = new Map(runs.map(({ id }, index) => [id, index]));
  const placeOfGroup = new Map(gallery.groups.map(({ id }, index) => [id, index]));
  const images = new Distinct<PageData["images"][number]>();
  const parts = new Distinct<PagePart>();
  const samples = gallery.samples.map(({ id, group, image, question, references, columns = {}, answers }) => ({
    id,
    group: placeOfGroup.get(group) ?? 0,
    image: images.placeOf({ name: image, thumbnail: thumbnails.get(thumbnailKey(group, image)) ?? null }),
    question,
    references,
    columns,
    answers: answers.map((answer): PageAnswer => {
      const known = details.get(answerKey(answer.run, id));
      const ownParts = known === undefined ? [] : partsOf(known).map((part) => parts.placeOf(part));
      return { ...pageAnswerOf(answer, known), run: placeOfRun.get(answer.run) ?? 0, parts: ownParts };
    }),
  }));
  return {
    runs: runs.map(({ id, folder, record: { checkpoint, identity } }) => {
      return { id, name: names.get(id) ?? id, checkpoint: checkpoint.name, identity, folder };
    }),
    groups: gallery.groups.map(({ id, task, split, metric }) => ({
      id,
      title: `${task} ${split}`,
      isFraction: metric !== null && metricUnits[metric.unit].highest === 1,
      pointsPerUnit: metric === null ? 1 : metricUnits[metric.unit].pointsPerUnit,
      digits: metric === null ? 0 : metricUnits[metric.unit].sampleDigits,
      metric: metric?.name ?? "",
    })),
    images: images.all,
    parts: parts.all,
    samples,
  };
}

type GalleryAnswer = GallerySample["answers"][number];

function pageAnswerOf(
  { prompt, text, score }: GalleryAnswer,
  known: SampleDetails | undefined,
): Omit<PageAnswer, "run" | "parts"> {
  const times = stagesInTotal(known?.latencyMs ?? {});
  return {
    prompt,
    text,
    score,
    isFailed: known?.status === "failed",
    latencyMs: times.length === 0 ? null : times.reduce((sum, [, ms]) => sum + ms, 0),
    modelScore: known?.modelScore ?? null,
  };
}

function partsOf(details: SampleDetails): readonly PagePart[] {
  const times = Object.entries(details.latencyMs).map(([stage, ms]) => [stage, `${ms.toFixed(1)} ms`] as const);
  return [
    { title: "prediction", lines: predictionLines(details) },
    ...tokenLines(details),
    ...scoreLines(details),
    ...(times.length === 0 ? [] : [{ title: "times", lines: times }]),
  ];
}

/** Equal values once, in the order in which they first came. */
class Distinct<Value> {
  readonly all: Value[] = [];
  readonly #places = new Map<string, number>();

  placeOf(value: Value): number {
    const key = JSON.stringify(value);
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    this.#places.set(key, this.all.length);
    return this.all.push(value) - 1;
  }
}
