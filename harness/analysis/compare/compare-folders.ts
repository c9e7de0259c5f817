/**
 * Compares folders of runs with the first of them: pairs their runs, compares each pair, then adjusts all p-values
 * together.
 */
import { comparisonFormat } from "../../../reports/records/findings/comparison.ts";
import type { Comparison } from "../../../reports/records/findings/comparison.ts";
import { RunFolderError } from "../../../reports/records/run-folder-error.ts";
import { readRunRecord } from "../../../reports/records/run-files.ts";
import type { RunRecord } from "../../../reports/records/run-record.ts";
import { benjaminiHochberg } from "../../statistics/multiplicity.ts";
import { checkSamples, importedNotes, readComparable, refuseOtherMeasure } from "./comparable-runs.ts";
import type { CompareOptions } from "./compare-metric.ts";
import { compareRuns, pairRuns } from "./compare-runs.ts";
import type { ComparableRun, PairFindings, RunPair } from "./compare-runs.ts";

/** A folder given by the user, and the runs found in it. */
export interface RunSet {
  readonly folder: string;
  readonly runs: readonly string[];
}

export interface FolderOptions extends CompareOptions {
  /** Whether to compare only the samples and runs that both folders have, where one lacks some of the other's. */
  readonly allowPartial: boolean;
}

interface FoundRun {
  readonly folder: string;
  readonly record: RunRecord;
}

/** Compares the folders. Throws a RunFolderError that says what differs, where runs cannot be compared. */
export async function compareFolders(
  base: RunSet,
  candidates: readonly RunSet[],
  options: FolderOptions,
): Promise<Comparison> {
  const { allowPartial } = options;
  const bases = await readRecords(base);
  const notes: string[] = [];
  const partners = new Map<FoundRun, FoundRun[]>(bases.map((run) => [run, []]));
  for (const candidate of candidates) {
    const runs = await readRecords(candidate);
    const { pairs, alone } = pairUp({ folder: base.folder, runs: bases }, { folder: candidate.folder, runs });
    if (alone.length > 0 && (!allowPartial || pairs.length === 0)) {
      const advice = pairs.length === 0 ? "" : " Leave it out with --allow-partial.";
      throw new RunFolderError(`${alone.join("\n")}${advice}`);
    }
    notes.push(...alone);
    for (const pair of pairs) partners.get(pair.base)?.push(pair.candidate);
  }
  const folders = [...partners].map(([run, others]) => ({
    base: run.folder,
    candidates: others.map(({ folder }) => folder),
  }));
  const compared = await compareTo(folders, options);
  const isWhole = notes.length === 0 && compared.status === "complete";
  return { ...compared, status: isWhole ? "complete" : "partial", notes: [...notes, ...compared.notes] };
}

/** A run, and the runs that are compared with it. */
export interface RunsToCompare {
  readonly base: string;
  readonly candidates: readonly string[];
}

export interface ComparedOptions extends FolderOptions {
  /** Whether runs of other prompts are compared, which otherwise measure something else. Unset: no. */
  readonly isAcrossPrompts?: boolean;
}

/** Compares run folders; all p-values are adjusted together. Throws a RunFolderError where runs cannot be compared. */
export async function compareTo(
  folders: readonly RunsToCompare[],
  { allowPartial, isAcrossPrompts = false, ...statistics }: ComparedOptions,
): Promise<Comparison> {
  let isWhole = true;
  const notes: string[] = [];
  const findings: PairFindings[] = [];
  for (const { base, candidates } of folders) {
    if (candidates.length === 0) continue;
    const first = await readComparable(base, allowPartial);
    for (const folder of candidates) {
      const pair = pairRuns({ base: first, candidate: await readComparable(folder, allowPartial) });
      refuseOtherMeasure(isAcrossPrompts ? asWithOnePrompt(pair) : pair);
      const lacking = checkSamples(pair, allowPartial);
      notes.push(...lacking, ...remarks(pair.base, pair.candidate));
      isWhole &&= lacking.length === 0 && isScoredWhole(pair.base) && isScoredWhole(pair.candidate);
      findings.push(compareRuns(pair, statistics));
    }
  }
  return {
    format: comparisonFormat,
    status: isWhole ? "complete" : "partial",
    options: { ...statistics, confidence: 0.95 },
    comparisons: adjusted(findings),
    notes,
  };
}

/** The candidate with the prompt of the base in its record, so that they may differ in it. */
function asWithOnePrompt({ base, candidate }: RunPair): RunPair {
  const { record } = candidate;
  const { prompt } = base.record.config.overrides;
  const others = Object.entries(record.config.overrides).filter(([name]) => name !== "prompt");
  const overrides = { ...Object.fromEntries(others), ...(prompt !== undefined && { prompt }) };
  return { base, candidate: { ...candidate, record: { ...record, config: { ...record.config, overrides } } } };
}

async function readRecords({ runs }: RunSet): Promise<readonly FoundRun[]> {
  return Promise.all(runs.map(async (folder) => ({ folder, record: await readRunRecord(folder) })));
}

interface FolderRuns {
  readonly folder: string;
  readonly runs: readonly FoundRun[];
}

/**
 * Pairs runs by task and checkpoint. Where each folder has a single run of a task, its runs are paired by task alone,
 * so that two checkpoints can be compared. `alone`: a sentence for each run without a partner.
 */
function pairUp(
  base: FolderRuns,
  candidate: FolderRuns,
): { readonly pairs: readonly { base: FoundRun; candidate: FoundRun }[]; readonly alone: readonly string[] } {
  const pairs: { base: FoundRun; candidate: FoundRun }[] = [];
  const alone: string[] = [];
  for (const run of candidate.runs) {
    const partner = partnerOf(run, { own: candidate.runs, others: base.runs });
    if (partner !== null) pairs.push({ base: partner, candidate: run });
    else alone.push(aloneText(run, base));
  }
  const paired = new Set(pairs.map((pair) => pair.base));
  for (const run of base.runs) if (!paired.has(run)) alone.push(aloneText(run, candidate));
  return { pairs, alone };
}

function partnerOf(
  run: FoundRun,
  { own, others }: { own: readonly FoundRun[]; others: readonly FoundRun[] },
): FoundRun | null {
  const ofTask = (runs: readonly FoundRun[]): readonly FoundRun[] =>
    runs.filter(({ record }) => record.config.task === run.record.config.task);
  const isOfCheckpoint = ({ record }: FoundRun): boolean => record.checkpoint.name === run.record.checkpoint.name;
  const [same, ...more] = ofTask(others).filter(isOfCheckpoint);
  if (same !== undefined && more.length === 0 && ofTask(own).filter(isOfCheckpoint).length === 1) return same;
  const [only, ...rest] = ofTask(others);
  return only !== undefined && rest.length === 0 && ofTask(own).length === 1 ? only : null;
}

function aloneText({ folder, record }: FoundRun, others: FolderRuns): string {
  const there = others.runs.map((run) => `${run.record.checkpoint.name} ${run.record.config.task}`);
  return (
    `${folder}: ${record.checkpoint.name} ${record.config.task} has no run to be compared with in ${others.folder}, ` +
    `which holds ${there.join(", ")}.`
  );
}

function isScoredWhole({ scores: { counts } }: ComparableRun): boolean {
  return counts.scored === counts.samples;
}

/** Remarks on differences between two runs that do not forbid a comparison. */
function remarks(base: ComparableRun, candidate: ComparableRun): readonly string[] {
  const both = [...base.failed].filter((id) => candidate.failed.has(id)).length;
  const where = `${candidate.folder} and ${base.folder}`;
  return [
    ...(both > 0 ? [`${where}: ${both} samples failed in both and are not compared.`] : []),
    ...importedNotes([base, candidate]),
    ...(base.record.code.fingerprint === candidate.record.code.fingerprint
      ? []
      : [`${where}: were run by different code: a difference may be the code's.`]),
  ];
}

/** Adjusts the p-values of all metrics, groups and pairs as one family of hypotheses. */
function adjusted(findings: readonly PairFindings[]): Comparison["comparisons"] {
  const pValues = benjaminiHochberg(findings.flatMap(({ metrics }) => metrics.map(({ pValue }) => pValue)));
  let next = 0;
  return findings.map((pair) => ({
    ...pair,
    metrics: pair.metrics.map((metric) => ({ ...metric, adjustedP: pValues[next++] ?? 1 })),
  }));
}
