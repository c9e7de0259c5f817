/** What precisions cost, for the eye: a table of all of it, one of the stages, and where answers part from those of fp32. */
import { modelMs } from "../records/findings/costs.ts";
import type { CostRow, Costs, RankAgreement } from "../records/findings/costs.ts";
import { formatColumns } from "./table.ts";

interface Column {
  readonly title: string;
  readonly align: "left" | "right";
  readonly cell: (row: CostRow) => string;
  /** Shown only where a row has it. */
  readonly isThere?: (row: CostRow) => boolean;
}

const none = "-";

const columns: readonly Column[] = [
  { title: "checkpoint", align: "left", cell: ({ checkpoint }) => checkpoint },
  { title: "task", align: "left", cell: ({ task }) => task },
  { title: "precision", align: "left", cell: ({ precision }) => precision },
  { title: "n", align: "right", cell: ({ samples }) => String(samples) },
  { title: "metric", align: "left", cell: ({ score }) => score?.name ?? none },
  { title: "score", align: "right", cell: ({ score }) => hundredfold(score?.value) },
  { title: "95 % interval", align: "right", cell: intervalCell },
  { title: "less fp32", align: "right", cell: ({ difference }) => signed(difference) },
  { title: "same texts", align: "right", cell: sameCell, isThere: ({ outputs }) => outputs !== null },
  { title: "KL", align: "right", cell: klCell, isThere: ({ firstStep }) => firstStep !== null },
  { title: "same first", align: "right", cell: firstCell, isThere: ({ ranking }) => ranking !== null },
  { title: "ms a sample", align: "right", cell: ({ stagesMs }) => milliseconds(modelMs(stagesMs)) },
  { title: "load", align: "right", cell: ({ loadMs }) => (loadMs === null ? none : `${(loadMs / 1000).toFixed(2)} s`) },
  { title: "weights", align: "right", cell: ({ weightsBytes }) => megabytes(weightsBytes) },
  { title: "peak memory", align: "right", cell: ({ peakMemoryBytes }) => megabytes(peakMemoryBytes) },
];

/** No line end at the end. */
export function formatCosts({ rows, notes }: Costs): string {
  const shown = columns.filter(({ isThere }) => isThere === undefined || rows.some(isThere));
  const table = formatColumns(
    shown.map(({ title }) => title),
    rows.map((row) => shown.map(({ cell }) => cell(row))),
    shown.map(({ align }) => align),
  );
  const parts = [...rows.flatMap(differenceLines), ...rows.flatMap(rankingLines)];
  const left = notes.map(({ run, reason }) => `${run}: ${reason}`);
  const explained = [
    "ms a sample: of the model; its images are read meanwhile. Peak memory: of the whole process, since before the model was loaded.",
    ...(shown.some(({ title }) => title === "KL")
      ? ["KL: of the first token's distribution, fp32 || precision, mean over samples, natural logarithm."]
      : []),
  ];
  return [table, ...stageTable(rows), ...paragraph([...explained, ...parts]), ...paragraph(left)].join("\n");
}

function stageTable(rows: readonly CostRow[]): readonly string[] {
  const stages = [...new Set(rows.flatMap(({ stagesMs }) => Object.keys(stagesMs)))];
  if (stages.length === 0) return [];
  const titles = ["milliseconds a sample", "task", "precision", ...stages];
  const cells = rows.map((row) => [
    row.checkpoint,
    row.task,
    row.precision,
    ...stages.map((stage) => milliseconds(row.stagesMs[stage] ?? null)),
  ]);
  return ["", formatColumns(titles, cells, ["left", "left", "left", ...stages.map((): "right" => "right")])];
}

const mostPlaces = 4;

function differenceLines({ checkpoint, task, precision, outputs }: CostRow): readonly string[] {
  if (outputs === null || outputs.medianFirstDifference === null) return [];
  const places = Object.entries(outputs.firstDifferences)
    .map(([place, answers]) => ({ place: Number(place), answers }))
    .sort((a, b) => a.place - b.place);
  const share = (answers: number): string => percent(answers / outputs.samples);
  const first = places.slice(0, mostPlaces).map(({ place, answers }) => `token ${place} ${share(answers)}`);
  const later = places.slice(mostPlaces).reduce((sum, { answers }) => sum + answers, 0);
  const all = [...first, ...(later > 0 ? [`later ${share(later)}`] : [])].join(", ");
  const median = `median token ${outputs.medianFirstDifference}`;
  return [`${checkpoint} ${task} ${precision}: answers part from those of fp32 at ${all} of answers; ${median}.`];
}

function rankingLines({ checkpoint, task, precision, ranking }: CostRow): readonly string[] {
  if (ranking === null) return [];
  const shares = ({ imageToText, textToImage }: RankAgreement): string =>
    `the same first text for ${percent(imageToText.first)} of images, image for ${percent(textToImage.first)} of texts; ` +
    `of ten ${percent(imageToText.ten)} and ${percent(textToImage.ten)}`;
  const { meanSimilarityDifference: mean, maxSimilarityDifference: most } = ranking;
  return [
    `${checkpoint} ${task} ${precision}: similarities differ by ${mean.toPrecision(2)}, at most ${most.toPrecision(2)}.`,
    `  re-ranked: ${shares(ranking.reranked)}`,
    `  by similarity: ${shares(ranking.similarity)}`,
  ];
}

function paragraph(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ["", ...lines];
}

function intervalCell({ score }: CostRow): string {
  const interval = score?.interval ?? null;
  return interval === null ? none : `${hundredfold(interval.low)} to ${hundredfold(interval.high)}`;
}

function sameCell({ outputs }: CostRow): string {
  return outputs === null ? none : percent(outputs.same / outputs.samples);
}

function klCell({ firstStep }: CostRow): string {
  return firstStep === null ? none : firstStep.meanKl === 0 ? "0" : firstStep.meanKl.toPrecision(2);
}

function firstCell({ ranking }: CostRow): string {
  if (ranking === null) return none;
  const { imageToText, textToImage } = ranking.reranked;
  return `${percent(imageToText.first)}, ${percent(textToImage.first)}`;
}

/** Both units of scores are printed so, as in table.ts. */
function hundredfold(value: number | null | undefined): string {
  return value === null || value === undefined ? none : (value * 100).toFixed(2);
}

function signed(difference: number | null): string {
  if (difference === null) return none;
  return `${difference > 0 ? "+" : ""}${hundredfold(difference)}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

function milliseconds(value: number | null): string {
  return value === null ? none : value.toFixed(value < 10 ? 2 : 1);
}

function megabytes(bytes: number | null): string {
  return bytes === null ? none : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
