/**
 * Formats what precisions cost: a table of all costs, a table of stages, the token at which answers first differ from
 * fp32, and a CSV.
 */
import { modelMs } from "../records/findings/costs.ts";
import type { CostRow, Costs, RankAgreement } from "../records/findings/costs.ts";
import { tableToCsv } from "../tables/csv.ts";
import { differenceText, pointsRange, pointsText } from "../tables/metric-numbers.ts";
import { megabytesText, percentText } from "../tables/numbers.ts";
import { left, onlyWhere, right, tableOf } from "../tables/table.ts";
import type { ColumnOf } from "../tables/table.ts";
import { tableToText } from "../tables/terminal.ts";

const columns: readonly ColumnOf<CostRow>[] = [
  left("checkpoint", ({ checkpoint }) => checkpoint),
  left("task", ({ task }) => task),
  left("precision", ({ precision }) => precision),
  right("n", ({ samples }) => samples),
  left("metric", ({ score }) => score?.name ?? null),
  right("score", ({ score }) => score && pointsText(score.value, score.unit)),
  right("95 % interval", ({ score }) => score && pointsRange(score.interval, score.unit)),
  right("less fp32", ({ difference, score }) => score && differenceText(difference, score.unit)),
  onlyWhere(
    ({ outputs }) => outputs !== null,
    right("same texts", ({ outputs }) => outputs && percentText(outputs.same / outputs.samples)),
  ),
  onlyWhere(({ firstStep }) => firstStep !== null, right("KL", klOf)),
  onlyWhere(({ ranking }) => ranking !== null, right("same first", firstOf)),
  right("ms a sample", ({ stagesMs }) => milliseconds(modelMs(stagesMs))),
  right("load", ({ loadMs }) => (loadMs === null ? null : `${(loadMs / 1000).toFixed(2)} s`)),
  right("weights", ({ weightsBytes }) => megabytes(weightsBytes)),
  right("peak memory", ({ peakMemoryBytes }) => megabytes(peakMemoryBytes)),
];

/** The costs for the terminal, without a final line end. */
export function formatCosts({ rows, notes }: Costs): string {
  const table = tableOf(columns, rows);
  const parts = [...rows.flatMap(differenceLines), ...rows.flatMap(rankingLines)];
  const left = notes.map(({ run, reason }) => `${run}: ${reason}`);
  const explained = [
    "ms a sample: of the model; its images are read meanwhile. Peak memory: of the whole process, since before the model was loaded.",
    ...(table.columns.some(({ title }) => title === "KL")
      ? ["KL: of the first token's distribution, fp32 || precision, mean over samples, natural logarithm."]
      : []),
  ];
  return [tableToText(table), ...stageTable(rows), ...paragraph([...explained, ...parts]), ...paragraph(left)].join(
    "\n",
  );
}

function stageTable(rows: readonly CostRow[]): readonly string[] {
  const stages = [...new Set(rows.flatMap(({ stagesMs }) => Object.keys(stagesMs)))];
  if (stages.length === 0) return [];
  const stageColumns: readonly ColumnOf<CostRow>[] = [
    left("milliseconds a sample", ({ checkpoint }) => checkpoint),
    left("task", ({ task }) => task),
    left("precision", ({ precision }) => precision),
    ...stages.map((stage) => right<CostRow>(stage, ({ stagesMs }) => milliseconds(stagesMs[stage] ?? null))),
  ];
  return ["", tableToText(tableOf(stageColumns, rows))];
}

const mostPlaces = 4;

function differenceLines({ checkpoint, task, precision, outputs }: CostRow): readonly string[] {
  if (outputs === null || outputs.medianFirstDifference === null) return [];
  const places = Object.entries(outputs.firstDifferences)
    .map(([place, answers]) => ({ place: Number(place), answers }))
    .sort((a, b) => a.place - b.place);
  const share = (answers: number): string => percentText(answers / outputs.samples);
  const first = places.slice(0, mostPlaces).map(({ place, answers }) => `token ${place} ${share(answers)}`);
  const later = places.slice(mostPlaces).reduce((sum, { answers }) => sum + answers, 0);
  const all = [...first, ...(later > 0 ? [`later ${share(later)}`] : [])].join(", ");
  const median = `median token ${outputs.medianFirstDifference}`;
  return [`${checkpoint} ${task} ${precision}: answers part from those of fp32 at ${all} of answers; ${median}.`];
}

function rankingLines({ checkpoint, task, precision, ranking }: CostRow): readonly string[] {
  if (ranking === null) return [];
  const shares = ({ imageToText, textToImage }: RankAgreement): string =>
    `the same first text for ${percentText(imageToText.first)} of images, image for ${percentText(textToImage.first)} of texts; ` +
    `of ten ${percentText(imageToText.ten)} and ${percentText(textToImage.ten)}`;
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

function klOf({ firstStep }: CostRow): string | null {
  return firstStep === null ? null : firstStep.meanKl === 0 ? "0" : firstStep.meanKl.toPrecision(2);
}

function firstOf({ ranking }: CostRow): string | null {
  if (ranking === null) return null;
  const { imageToText, textToImage } = ranking.reranked;
  return `${percentText(imageToText.first)}, ${percentText(textToImage.first)}`;
}

function milliseconds(value: number | null): string | null {
  return value === null ? null : value.toFixed(value < 10 ? 2 : 1);
}

function megabytes(bytes: number | null): string | null {
  return bytes === null ? null : `${megabytesText(bytes)} MB`;
}

/** The columns of costs.csv, unrounded. */
const spreadsheetColumns: readonly ColumnOf<CostRow>[] = [
  left("checkpoint", (row) => row.checkpoint),
  left("precision", (row) => row.precision),
  left("task", (row) => row.task),
  left("split", (row) => row.split),
  left("protocol", (row) => row.protocol),
  right("samples", (row) => row.samples),
  left("metric", (row) => row.score?.name ?? null),
  right("value", (row) => row.score?.value ?? null),
  right("low", (row) => row.score?.interval?.low ?? null),
  right("high", (row) => row.score?.interval?.high ?? null),
  right("difference", (row) => row.difference),
  right("same_outputs", ({ outputs }) => outputs && outputs.same / outputs.samples),
  right("median_first_difference", ({ outputs }) => outputs?.medianFirstDifference ?? null),
  right("mean_kl", ({ firstStep }) => firstStep?.meanKl ?? null),
  right("kl_samples", ({ firstStep }) => firstStep?.samples ?? null),
  right("same_first_text", ({ ranking }) => ranking?.reranked.imageToText.first ?? null),
  right("same_first_image", ({ ranking }) => ranking?.reranked.textToImage.first ?? null),
  right("mean_similarity_difference", ({ ranking }) => ranking?.meanSimilarityDifference ?? null),
  right("ms_a_sample", ({ stagesMs }) => modelMs(stagesMs)),
  right("load_ms", (row) => row.loadMs),
  right("weights_bytes", (row) => row.weightsBytes),
  right("memory_before_bytes", (row) => row.memoryBeforeBytes),
  right("loaded_memory_bytes", (row) => row.loadedMemoryBytes),
  right("peak_memory_bytes", (row) => row.peakMemoryBytes),
];

export function costsToCsv({ rows }: Costs): string {
  return tableToCsv(tableOf(spreadsheetColumns, rows));
}
