/** The samples that a report shows: each run's answer, with the question and references from the data set. */
import type { ImageFile } from "../../../datasets/dataset.ts";
import { readSimilarityRow } from "../../../reports/report/read-run.ts";
import { answerKey } from "../../../reports/html/embedded-data.ts";
import type { Details } from "../../../reports/html/embedded-data.ts";
import type { SampleDetails } from "../../../reports/report/sample-details.ts";
import type { GalleryGroup, GallerySample } from "../../../reports/report/report-data.ts";
import { differing } from "./answer-groups.ts";
import type { AnswerGroup } from "./answer-groups.ts";
import type { FullRun, ReportOptions } from "./make-report.ts";
import { columnsOf } from "../../samples/show/held-samples.ts";
import { runDetailsOf } from "./run-details.ts";
import { logitOf, rankedRow, rowCandidates } from "../../../tasks/metrics/retrieval-ranking.ts";
import { readShownSamples } from "../../catalog/shown-samples.ts";
import type { ShownSamples } from "../../catalog/shown-samples.ts";

export interface Gallery {
  readonly groups: readonly GalleryGroup[];
  readonly samples: readonly GallerySample[];
  /** Each image once, by its key. */
  readonly images: ReadonlyMap<string, GalleryImage>;
  readonly details: Details;
}

export interface GalleryImage {
  readonly group: string;
  readonly image: string;
  readonly file: ImageFile;
}

/** `chosen`: the ids of each group's samples. Groups without a run that can be compared are left out. */
export async function galleryOf(
  runs: readonly FullRun[],
  chosen: ReadonlyMap<AnswerGroup, ReadonlySet<string>>,
  options: ReportOptions,
): Promise<Gallery> {
  const groups: GalleryGroup[] = [];
  const samples: GallerySample[] = [];
  const images = new Map<string, GalleryImage>();
  const details = new Map<string, SampleDetails>();
  const known = new Map<string, ShownSamples>(); // by data key: a split is read once for all its groups
  for (const [group, ids] of chosen) {
    const members = runs.filter((one) => one.group === group);
    const [first] = members;
    if (first === undefined || ids.size === 0) continue;
    let questions = known.get(group.dataKey);
    if (questions === undefined) {
      const wanted = [...chosen].filter(([other]) => other.dataKey === group.dataKey).flatMap(([, all]) => [...all]);
      questions = await readShownSamples(first.run, new Set(wanted), options);
      known.set(group.dataKey, questions);
    }
    const problems = questions.problem === null ? [] : [questions.problem];
    const columns = new Map(
      (questions.recorded?.split.samples ?? []).flatMap((sample) =>
        ids.has(sample.id) ? [[sample.id, columnsOf(sample)] as const] : [],
      ),
    );
    const answers = new Map<string, GallerySample["answers"][number][]>([...ids].map((id) => [id, []]));
    for (const member of members) {
      const { byId: detailsOf, problem } = await runDetailsOf(member.run, ids, { ...options, ...questions });
      if (problem !== null) problems.push(`${member.id}: ${problem}`);
      for (const id of ids) {
        const answer = await answerOf(id, { group, member, questions });
        if (answer !== null) answers.get(id)!.push(answer);
        const known = detailsOf.get(id);
        if (known !== undefined) details.set(answerKey(member.id, id), known);
      }
    }
    groups.push(galleryGroupOf(group, members, { shown: ids.size, problems }));
    for (const id of ids) {
      const image =
        members.map(({ read }) => read.chosen.get(id)?.image).findLast((found) => found !== undefined) ?? "";
      const question = questions.byId.get(id);
      samples.push({
        id,
        group: group.id,
        image,
        question: question?.text ?? null,
        references: question?.references ?? [],
        columns: columns.get(id) ?? {},
        answers: answers.get(id) ?? [],
      });
      if (question !== undefined) images.set(`${group.id} ${image}`, { group: group.id, image, file: question.image });
    }
  }
  return { groups, samples, images, details };
}

function galleryGroupOf(
  group: AnswerGroup,
  members: readonly FullRun[],
  { shown, problems }: { readonly shown: number; readonly problems: readonly string[] },
): GalleryGroup {
  const { record, scores } = members[0]!.run; // groups are never empty here
  const differs = differing(
    group,
    members.map(({ run }) => run),
  );
  const [metric] = scores.metrics;
  return {
    id: group.id,
    task: record.config.task,
    split: record.data.split,
    metric: metric === undefined ? null : { name: metric.name, unit: metric.unit },
    shown,
    of: group.places.size,
    differing: differs === null ? null : differs.reduce((sum, one) => sum + one, 0),
    notes: problems,
  };
}

interface Surroundings {
  readonly group: AnswerGroup;
  readonly member: FullRun;
  readonly questions: ShownSamples;
}

/** null: the run has none to the sample. */
async function answerOf(
  id: string,
  { group, member: { id: runId, run, read }, questions }: Surroundings,
): Promise<GallerySample["answers"][number] | null> {
  const prediction = read.chosen.get(id);
  if (prediction === undefined) return null;
  const place = group.places.get(id)!;
  const score = run.answers.scores[place] ?? Number.NaN;
  return {
    run: runId,
    prompt: "prompt" in prediction ? prediction.prompt : null,
    text: await textOf(prediction, run, { place, images: group.places.size, texts: questions.texts }),
    score: Number.isNaN(score) ? null : Number(score.toPrecision(6)), // float32 has no more digits
  };
}

interface RankedGallery {
  /** Position of the image in the split. */
  readonly place: number;
  readonly images: number;
  readonly texts: ShownSamples["texts"];
}

async function textOf(
  prediction: NonNullable<ReturnType<FullRun["read"]["chosen"]["get"]>>,
  { path, record }: FullRun["run"],
  { place, images, texts }: RankedGallery,
): Promise<string> {
  if (prediction.status === "failed") return prediction.error;
  if (prediction.status === "predicted" || prediction.status === "imported") return prediction.text.trim();
  const similar = await readSimilarityRow(path, { row: place, images });
  if (similar === null) return "(its similarities are not there)";
  const first = firstTexts(similar, prediction, record.config.retrieval?.rerank ?? 0);
  // Among texts with equal scores a wrong one comes first, as in TR@1.
  const best = first.find((text) => texts[text]?.image !== prediction.image) ?? first[0]!;
  return texts[best]?.text ?? `text ${best + 1} of ${similar.length}`;
}

interface MatchedImage {
  readonly image: string;
  readonly texts: readonly number[];
  readonly logits: readonly number[];
}

/**
 * The texts with the highest score in an image's row; several where they tie. With `rerank` 0 only similarity counts.
 */
function firstTexts(similar: Float32Array, matched: MatchedImage, rerank: number): readonly number[] {
  const candidates = rowCandidates(similar, rerank === 0 ? similar.length : rerank);
  const logitOfText = (text: number): number => logitOf(matched, text, matched.image);
  return rankedRow(similar, candidates, rerank === 0 ? null : logitOfText)[0]!;
}
