/** Finds the run of a baseline that a candidate is held against, and refuses pairs that cannot be compared. */
import { RunFolderError } from "../../../reports/records/run-folder-error.ts";
import type { BaselineRun } from "../../../reports/records/findings/baseline.ts";
import type { RunRecord } from "../../../reports/records/run-record.ts";
import { runName } from "../../../reports/records/run-record.ts";
import { importedNotes, refuseOtherMeasure } from "../compare/comparable-runs.ts";
import { pairRuns } from "../compare/compare-runs.ts";
import type { ComparableRun, PairedRuns } from "../compare/compare-runs.ts";
import { pairedNumbers } from "../compare/paired-samples.ts";
import type { Columns, PairedTable } from "../compare/paired-samples.ts";
import { recordedPrecision } from "../../../reports/records/recorded-precision.ts";

export interface GateOptions {
  /** Path of the baseline's file, for messages. */
  readonly file: string;
  /**
   * Accept scores made by another version of the scorer, provided that equal answers have equal scores in both runs.
   */
  readonly acceptScorer: boolean;
}

/**
 * Chooses the baseline's run for a candidate. In this order: its run with equal task, checkpoint and precision
 * (preferring one on an equal device); its only run, or its fp32 run, with equal task and checkpoint; its only run of
 * the task, if the candidate folder also has a single run of it.
 */
export function partnerOf(
  candidate: RunRecord,
  { entries, candidates }: { readonly entries: readonly BaselineRun[]; readonly candidates: readonly RunRecord[] },
): BaselineRun | null {
  const precisionOf = ({ config }: RunRecord): string => recordedPrecision(config);
  const ofTask = entries.filter(({ record }) => record.config.task === candidate.config.task);
  const ofCheckpoint = ofTask.filter(({ record }) => record.checkpoint.name === candidate.checkpoint.name);
  const exact = ofCheckpoint.filter(({ record }) => precisionOf(record) === precisionOf(candidate));
  const onSame = exact.find(({ record }) => record.config.device === candidate.config.device);
  if (exact.length > 0) return onSame ?? exact[0]!;
  if (ofCheckpoint.length > 0) {
    const [only, ...more] = ofCheckpoint;
    return more.length === 0 ? only! : (ofCheckpoint.find(({ record }) => precisionOf(record) === "fp32") ?? null);
  }
  const isAlone = candidates.filter(({ config }) => config.task === candidate.config.task).length === 1;
  return isAlone && ofTask.length === 1 ? ofTask[0]! : null;
}

/**
 * Pairs the two runs by sample.
 *
 * @throws RunFolderError that says what differs, where the runs measure different things or different samples.
 */
export function pairWithBaseline(
  base: BaselineRun,
  candidate: ComparableRun,
  { file, acceptScorer }: GateOptions,
): { readonly runs: PairedRuns; readonly notes: readonly string[] } {
  const folder = `${file} (${runName(base.record)})`;
  const isOtherScorer = base.scores.scorer !== candidate.scores.scorer;
  const asOne =
    acceptScorer && base.scores.scorer !== undefined
      ? { ...candidate.scores, scorer: base.scores.scorer }
      : candidate.scores;
  const first: ComparableRun = { folder, ...base, failed: new Set() };
  const second: ComparableRun = { ...candidate, scores: asOne };
  refuseOtherMeasure(
    { base: first, candidate: second },
    "Run the candidate on what the baseline was run on, or make the baseline again with `baseline`" +
      (isOtherScorer && !acceptScorer
        ? "; where only the scorer differs, --accept-scorer checks that it scores the same answers the same."
        : "."),
  );
  const runs = pairRuns({ base: first, candidate: second });
  refuseOtherSamples(runs);
  const notes = [...(isOtherScorer ? [sameScores(runs)] : []), ...importedNotes([first, second])];
  const { code } = base.record;
  const isOtherCode = code.fingerprint !== candidate.record.code.fingerprint;
  const by = code.commit === null ? `version ${code.version}` : `commit ${code.commit.slice(0, 12)}`;
  if (isOtherCode) notes.push(`Run by other code than the baseline (${by}): a difference may be the code's.`);
  return { runs, notes };
}

function refuseOtherSamples({ base, candidate, samples, texts }: PairedRuns): void {
  for (const table of [samples, ...(texts === null ? [] : [texts])]) {
    const { onlyBase, onlyCandidate, ids } = table;
    if (onlyBase.length + onlyCandidate.length === 0) continue;
    const first = onlyBase[0] ?? onlyCandidate[0] ?? "";
    throw new RunFolderError(
      `${candidate.folder}: other samples than ${base.folder}: lacks ${onlyBase.length}, has ${onlyCandidate.length} that the ` +
        `baseline lacks (the first is ${first}), shares ${ids.length}. Run it with the same --split and --limit.`,
    );
  }
}

/** Throws a RunFolderError where an answer that both runs gave is scored differently by the two scorers. */
function sameScores({ base, candidate, samples }: PairedRuns): string {
  const where = `${candidate.folder}: scored by other code than ${base.folder}`;
  const again = "Make the baseline again with `baseline`.";
  const [first, second] = [samples.base["answer"], samples.candidate["answer"]];
  if (first === undefined || second === undefined) {
    throw new RunFolderError(`${where}, and it has no answers to check that they score the same. ${again}`);
  }
  const same = samples.ids.flatMap((_, pair) =>
    first[samples.basePlaces[pair]!] === second[samples.candidatePlaces[pair]!] ? [pair] : [],
  );
  if (same.length === 0)
    throw new RunFolderError(`${where}, and no answer is the same, so nothing can be checked. ${again}`);
  for (const column of numberColumns(samples.base)) {
    const wrong = firstDifference(column, samples, same);
    if (wrong === null) continue;
    throw new RunFolderError(`${where}: sample ${wrong} has the same answer and another ${column}. ${again}`);
  }
  return `${where}: ${same.length} samples have the same answer in both, and the same scores.`;
}

function numberColumns(columns: Columns): readonly string[] {
  return Object.entries(columns).flatMap(([name, column]) =>
    name !== "id" && name !== "image" && typeof column[0] === "number" ? [name] : [],
  );
}

/**
 * Id of the first sample whose values in this column differ; null: none. A column that one run lacks differs
 * everywhere.
 */
function firstDifference(column: string, table: PairedTable, places: readonly number[]): string | null {
  const numbers = pairedNumbers(column, table);
  const place = places.find((pair) => numbers === null || numbers.base[pair] !== numbers.candidate[pair]);
  return place === undefined ? null : (table.ids[place] ?? "");
}
