/** `blip2-bench show`: one sample of a run whole, or a list of samples. No model is loaded. */
import { stat } from "node:fs/promises";
import { smallImage } from "../../../reports/html/thumbnail.ts";
import { runName } from "../../../reports/records/run-record.ts";
import { left, right, tableOf } from "../../../reports/tables/table.ts";
import type { ColumnOf } from "../../../reports/tables/table.ts";
import { tableToText } from "../../../reports/tables/terminal.ts";
import { onOneLine } from "../../../reports/tables/visible-controls.ts";
import { dataFolder } from "../../catalog/data-folder.ts";
import { readableBytes } from "../../catalog/readable-bytes.ts";
import { nearestName, UsageError } from "../../catalog/usage-error.ts";
import { samplesWhere, worstOf } from "../../samples/show/find-samples.ts";
import { readShownRun } from "../../samples/show/held-samples.ts";
import type { HeldSample, ShownRun } from "../../samples/show/held-samples.ts";
import { sampleDetailsOf } from "../../samples/show/sample-details.ts";
import { sampleTokensOf } from "../../samples/show/sample-tokens.ts";
import { workingsOf } from "../../samples/show/work-out.ts";
import type { Surroundings } from "../declared-command.ts";
import { completeCode } from "../exit-code.ts";
import { sampleText } from "../show/sample-text.ts";
import { imageEscapes } from "../show/terminal-image.ts";
import type { ShowValues } from "./declared/samples.ts";
import { oneRunIn } from "./score.ts";

const usualWorst = 20;

/** Gives the exit code. */
export async function show(
  values: ShowValues,
  [folder, id]: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { catalog, terminal, hubCache, cacheFolder } = surroundings;
  if (folder === undefined) throw new UsageError("show: found no folder, expected a run folder.");
  const { worst, where } = values;
  if (id !== undefined && (worst !== undefined || where.length > 0)) {
    throw new UsageError("show: a sample and --worst or --where: give one or the other.");
  }
  const path = await oneRunIn(folder, "show");
  const shown = await readShownRun(path, { catalog, cacheFolder, data: await dataFolder(values.data, hubCache) });
  if (shown.problem !== null) {
    terminal.message(`Without questions, references and images: ${onOneLine(shown.problem)}`);
  }
  const otherTask = shown.answered?.otherTask ?? null;
  if (otherTask !== null) terminal.message(onOneLine(otherTask));
  if (id === undefined) listSamples(shown, { worst, where }, surroundings);
  else await showSample(shown, id, { ...surroundings, hasImage: values.image });
  return completeCode;
}

async function showSample(
  shown: ShownRun,
  id: string,
  { terminal, isJson, hasImage, ...places }: Surroundings & { readonly hasImage: boolean },
): Promise<void> {
  const sample = shown.samples.find((each) => each.id === id);
  if (sample === undefined) {
    const nearest = nearestName(
      id,
      shown.samples.map((each) => each.id),
    );
    const suggestion = nearest === null ? "" : ` Did you mean ${nearest}?`;
    throw new UsageError(
      `show: ${shown.run.path} has no sample ${JSON.stringify(id)} among its ${shown.samples.length}.${suggestion} \`show ${shown.run.path}\` lists some.`,
    );
  }
  const workings = shown.answered === null ? [] : (await workingsOf(shown.answered))(id);
  const { of: tokensOf, problem: tokensProblem } = await sampleTokensOf(shown, places);
  const tokens = tokensOf(id);
  const { imageFile, ...rest } = sample;
  const sizeBytes = imageFile === null || imageFile.read !== undefined ? null : await sizeOf(imageFile.path);
  if (isJson) {
    const image = { id: sample.image, path: imageFile?.path ?? null, sizeBytes };
    const { path, record } = shown.run;
    const about = { format: "blip2-bench-sample/1", run: path, task: record.config.task, split: record.data.split };
    const ofTokens = tokens === null ? null : { ...tokens, problem: tokensProblem };
    const all = { ...about, ...rest, image, tokens: ofTokens, workings, problem: shown.problem };
    terminal.result(JSON.stringify(all, null, 2));
    return;
  }
  if (hasImage && imageFile !== null && terminal.images !== null) {
    const png = await smallImage(imageFile, "png");
    if (png !== null) terminal.exactly(`${imageEscapes(png, terminal.images)}\n`);
  }
  const { record, path } = shown.run;
  const imported = record.imported === undefined ? "" : " (imported)";
  const title = `${runName(record)}${imported} ${record.data.split} in ${path}`;
  const details = sampleDetailsOf(sample, shown.run, { tokens, workings });
  terminal.result(sampleText({ title, sample, details, image: imageLine(sample, sizeBytes), tokensProblem }));
}

function imageLine({ image, imageFile }: HeldSample, sizeBytes: number | null): string {
  if (imageFile === null) return onOneLine(image);
  const size =
    sizeBytes === null ? (imageFile.read === undefined ? "missing" : "in a parquet file") : readableBytes(sizeBytes);
  return onOneLine(`${image}: ${imageFile.path} (${size})`);
}

/** null: there is no such file. */
function sizeOf(path: string): Promise<number | null> {
  return stat(path).then(
    ({ size }) => size,
    () => null,
  );
}

function listSamples(
  shown: ShownRun,
  { worst, where }: Pick<ShowValues, "worst" | "where">,
  { terminal, isJson }: Surroundings,
): void {
  const found = samplesWhere(shown.samples, where);
  const listed = worst === undefined && where.length > 0 ? found : worstOf(found, shown, worst ?? usualWorst);
  if (isJson) {
    const samples = listed.map(({ imageFile, ...sample }) => ({ ...sample, path: imageFile?.path ?? null }));
    const { path } = shown.run;
    const counts = { found: found.length, of: shown.samples.length };
    terminal.result(JSON.stringify({ format: "blip2-bench-samples/1", run: path, ...counts, samples }, null, 2));
    return;
  }
  const [metric] = shown.run.scores?.metrics ?? [];
  const columns: readonly ColumnOf<HeldSample>[] = [
    left("sample", ({ id }) => onOneLine(id)),
    left("image", ({ image }) => onOneLine(image)),
    left("question", ({ question }) => (question === null ? null : cut(question))),
    left("answer", saidText),
    left("references", ({ references }) => cut([...new Set(references)].join(", "))),
    right(metric?.name ?? "score", ({ scores }) => {
      const score = metric === undefined ? undefined : scores[metric.name];
      return score === undefined ? null : String(Number(score.toPrecision(4)));
    }),
  ];
  terminal.result(tableToText(tableOf(columns, listed)));
  terminal.note(
    `${listed.length} of ${found.length} samples${where.length > 0 ? ` that are so, of ${shown.samples.length}` : ""}.`,
  );
}

function saidText({ prediction, answer }: HeldSample): string | null {
  if (prediction?.status === "failed") return `failed: ${cut(prediction.error)}`;
  return answer === null ? null : cut(answer);
}

const mostLetters = 48; // so that a line fits a wide terminal

function cut(text: string): string {
  const letters = Array.from(onOneLine(text));
  return letters.length <= mostLetters ? letters.join("") : `${letters.slice(0, mostLetters - 1).join("")}…`;
}
