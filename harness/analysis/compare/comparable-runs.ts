/**
 * Reads runs for a comparison and refuses those that cannot be compared: different data, task, protocol or scorer,
 * unfinished runs, samples that only one of the runs has.
 */
import { RunFolderError } from "../../../reports/records/run-folder-error.ts";
import { readRun, readRunRecord } from "../../../reports/records/run-files.ts";
import { readScores } from "../../../reports/records/read-scores.ts";
import { protocolName } from "../../../reports/records/run-record.ts";
import type { RunRecord } from "../../../reports/records/run-record.ts";
import type { ComparableRun, PairedRuns, RunPair } from "./compare-runs.ts";

/** Throws a RunFolderError where the run is not scored, or not finished and `allowPartial` is false. */
export async function readComparable(folder: string, allowPartial: boolean): Promise<ComparableRun> {
  const record = await readRunRecord(folder);
  const isFinished = record.status === "complete" || record.status === "partial";
  if (!isFinished && !allowPartial) {
    const { samples, predicted } = record.counts;
    throw new RunFolderError(
      `${folder}: found a run that is ${record.status}, ${predicted} of ${samples} samples done, expected a finished one. ` +
        "Go on with the run, or score what there is with `score` and compare it with --allow-partial.",
    );
  }
  const scores = await readScores(folder);
  const { samples } = scores;
  const missing = ["id", "image"].filter((column) => samples[column] === undefined);
  if (scores.scorer === undefined || missing.length > 0) {
    throw new RunFolderError(
      `${folder}: its scores do not say of which images they are, or by which scorer. Make them again with \`score\`.`,
    );
  }
  const lengths = new Set([...Object.values(samples)].map((column) => column.length));
  if (lengths.size > 1) {
    throw new RunFolderError(
      `${folder}: columns of its scores have ${[...lengths].join(" and ")} values, expected as many each. ` +
        "Make them again with `score`.",
    );
  }
  return { folder, record, scores, failed: await failedIn(folder, record) };
}

/** Ids of the samples that failed. The journal is read only if run.json counts failures. */
async function failedIn(folder: string, record: RunRecord): Promise<ReadonlySet<string>> {
  if (record.counts.failed === 0) return new Set();
  const { outcomes } = await readRun(folder);
  return new Set([...outcomes].flatMap(([id, { status }]) => (status === "failed" ? [id] : [])));
}

/**
 * Refuses a pair of runs whose numbers measure different things; no flag overrides this. Throws a RunFolderError.
 *
 * @param advice what the message advises to do; unset: advice for two run folders.
 */
export function refuseOtherMeasure({ base, candidate }: RunPair, advice?: string): void {
  const isOneFamily = base.record.checkpoint.family === candidate.record.checkpoint.family;
  const [found, expected] = [measureOf(candidate, { isOneFamily }), measureOf(base, { isOneFamily })];
  const names = [...new Set([...expected.keys(), ...found.keys()])];
  const lines = names
    .filter((name) => found.get(name) !== expected.get(name))
    .map((name) => `  ${name}: found ${found.get(name) ?? "none"}, expected ${expected.get(name) ?? "none"}`);
  if (lines.length === 0) return;
  const isScorerAlone = lines.length === 1 && found.get("scorer") !== expected.get("scorer");
  throw new RunFolderError(
    [
      `${candidate.folder}: cannot be compared with ${base.folder}:`,
      ...lines,
      advice ??
        (isScorerAlone
          ? "Score both again with `score`, by the same version."
          : "Compare runs of the same task, protocol and data."),
    ].join("\n"),
  );
}

/**
 * Everything that a score depends on besides the model and the code that ran it. A protocol may use different prompts
 * for OPT and T5, which is comparable. But where two runs of one family used different prompts, the protocol has
 * changed between the versions of this program that made them.
 */
function measureOf(
  { record, scores }: ComparableRun,
  { isOneFamily }: { readonly isOneFamily: boolean },
): ReadonlyMap<string, string> {
  const { config, data } = record;
  const isAsNamed = isOneFamily && Object.keys(config.overrides).length === 0;
  const decoding = isAsNamed ? Object.entries(config.decoding) : [];
  return new Map([
    ["task", config.task],
    ["task file", scores.taskFile ?? record.taskFile?.sha256 ?? "none"],
    ["cluster", config.cluster ?? "image"],
    ["protocol", protocolName(config)],
    ...Object.entries(config.overrides).map(([name, value]) => [`protocol's ${name}`, JSON.stringify(value)] as const),
    ...decoding.map(([name, value]) => [`decoding's ${name}`, JSON.stringify(value)] as const),
    ...(config.candidates === undefined ? [] : [["candidates", config.candidates.sha256] as const]),
    ...(config.shots === undefined ? [] : [["shots from", JSON.stringify(config.shots)] as const]),
    ...(config.retrieval === undefined ? [] : [["retrieval", JSON.stringify(config.retrieval)] as const]),
    ["data set", data.dataset],
    ["split", data.split],
    ...data.files.map(({ name, sha256 }) => [name, sha256] as const),
    ["scorer", scores.scorer ?? "unknown"],
  ]);
}

/**
 * Refuses samples that only one of the runs has, unless a part may be compared.
 *
 * @returns a sentence for each kind of sample that is left out.
 * @throws RunFolderError where `allowPartial` is false, where no sample is in both runs, or where galleries of
 * retrieval differ.
 */
export function checkSamples(runs: PairedRuns, allowPartial: boolean): readonly string[] {
  const { base, candidate, samples, texts } = runs;
  const { onlyBase, onlyCandidate } = samples;
  const isSame = onlyBase.length + onlyCandidate.length === 0;
  if (isSame && samples.ids.length > 0) return [];
  const where = `${candidate.folder} and ${base.folder}`;
  const parts = [...missingIn(candidate, onlyBase), ...missingIn(base, onlyCandidate)];
  if (samples.ids.length === 0) throw new RunFolderError(`${where}: no scored sample is in both. ${sayAsked(runs)}`);
  if (texts !== null) {
    throw new RunFolderError(
      `${where}: ranked other galleries: ${parts.join("; ")}. A rank among other candidates is another number; ` +
        "run both on the same samples.",
    );
  }
  if (allowPartial)
    return [`${where}: ${parts.join("; ")}; compared on the ${samples.ids.length} samples that are in both.`];
  throw new RunFolderError(
    `${where}: have different samples: ${parts.join("; ")}; ${samples.ids.length} samples are in both. ` +
      "Run both on the same samples, or compare what is in both with --allow-partial.",
  );
}

/** A phrase that counts the missing samples, says how many of them failed, and names the first. */
function missingIn({ folder, failed }: ComparableRun, ids: readonly string[]): readonly string[] {
  if (ids.length === 0) return [];
  const failures = ids.filter((id) => failed.has(id));
  const why = failures.length === 0 ? "" : `, ${failures.length} of which failed there`;
  return [`${folder} lacks ${ids.length}${why} (the first is ${failures[0] ?? ids[0] ?? ""})`];
}

function sayAsked({ base, candidate }: RunPair): string {
  const counts = [base, candidate].map(({ folder, scores }) => `${folder} has ${scores.counts.scored} scored`);
  return `${counts.join(", ")}.`;
}

/** What could not be checked of runs whose answers another program made, a sentence each. */
export function importedNotes(runs: readonly Pick<ComparableRun, "folder" | "record">[]): readonly string[] {
  return runs.flatMap(({ folder, record: { imported } }) => {
    if (imported === undefined) return [];
    return [
      `${folder}: is imported from ${imported.file}, which does not tell checkpoint, prompt, decoding, precision or machine: ` +
        "whether they are those of the other run was not checked.",
    ];
  });
}
