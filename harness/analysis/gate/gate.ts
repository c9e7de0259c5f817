/**
 * The gate: holds candidate runs against a baseline. Every pair is judged, then all primary metrics together. Empty or
 * partial results never pass.
 */
import type { BaselineRun } from "../../../reports/records/findings/baseline.ts";
import type { GateConfig } from "../../../reports/records/findings/gate-config.ts";
import { gateResultFormat } from "../../../reports/records/findings/gate-result.ts";
import type { About, GateResult, Judgement, MetricJudgement } from "../../../reports/records/findings/gate-result.ts";
import { RunFolderError } from "../../../reports/records/run-folder-error.ts";
import { readRunRecord } from "../../../reports/records/run-files.ts";
import type { RunRecord } from "../../../reports/records/run-record.ts";
import { runName } from "../../../reports/records/run-record.ts";
import { readComparable } from "../compare/comparable-runs.ts";
import type { CompareOptions } from "../compare/compare-metric.ts";
import type { PairedRuns } from "../compare/compare-runs.ts";
import { holm } from "../../statistics/multiplicity.ts";
import { unknownName, UsageError } from "../../catalog/usage-error.ts";
import { metricWords } from "./explain.ts";
import { costRuleFor, metricRulesFor } from "./gate-config.ts";
import { judgeMemory, judgeTime } from "./judge-costs.ts";
import { describeUsual, usualConfig, withMargins } from "./margins.ts";
import type { Margin } from "./margins.ts";
import { judgeMetric } from "./judge-metric.ts";
import type { OwnJudgement } from "./judge-metric.ts";
import { pairWithBaseline, partnerOf } from "./pair-runs.ts";
import { sameAnswers } from "./same-answers.ts";
import { partialRuns } from "./partial-runs.ts";
import { recordedPrecision } from "../../../reports/records/recorded-precision.ts";

export interface GateRequest extends CompareOptions {
  /** The config file; null: the default margins apply. */
  readonly config: { readonly rules: GateConfig; readonly file: string } | null;
  /** Margins of --margin, which override the config. */
  readonly margins: readonly Margin[];
  readonly baseline: string;
  readonly entries: readonly BaselineRun[];
  /** The folder that the user gave, and the runs in it. */
  readonly candidate: string;
  readonly folders: readonly string[];
  readonly acceptScorer: boolean;
}

const level = 0.05;

/**
 * Judges the candidates. Throws a RunFolderError where runs are not comparable, a UsageError for a wrong config or
 * margin.
 */
export async function gate(request: GateRequest): Promise<GateResult> {
  const { entries, folders, baseline, candidate } = request;
  const missing = await partialRuns(folders);
  if (missing.length > 0) return { ...start(request), verdict: "partial", notes: missing };
  const records = await Promise.all(folders.map(readRunRecord));
  const partners = records.map((record, place) => {
    const partner = partnerOf(record, { entries, candidates: records });
    if (partner !== null) return partner;
    const there = entries.map((entry) => runName(entry.record)).join(", ");
    throw new RunFolderError(
      `${folders[place] ?? candidate}: ${runName(record)} has no run to be held against in ${baseline}, which holds ${there}. ` +
        "Make the baseline again with that run.",
    );
  });
  const unused = entries.filter((entry) => !partners.includes(entry));
  if (unused.length > 0) {
    const notes = unused.map(({ record }) => `${candidate}: no run of ${runName(record)}, which ${baseline} holds.`);
    return { ...start(request), verdict: "partial", notes };
  }
  refuseUnknownMetrics(request, partners);
  const { config, margins } = request;
  const rules = config?.rules ?? usualConfig(partners);
  const asked = { ...request, rules: withMargins(rules, margins) };
  const found: Finding[] = [];
  const usual = config === null ? describeUsual(rules, margins) : null;
  const notes: string[] = usual === null ? [] : [usual];
  for (const [place, folder] of folders.entries()) {
    const read = await readComparable(folder, false);
    const pair = pairWithBaseline(partners[place]!, read, { file: baseline, acceptScorer: request.acceptScorer });
    notes.push(...pair.notes);
    found.push(...judgePair(pair.runs, asked));
  }
  const judgements = adjusted(found);
  return {
    ...start(request),
    verdict: gateVerdict(judgements),
    judgements: [...judgements],
    notes: [...new Set(notes)],
  };
}

type Finding = OwnJudgement | Exclude<Judgement, MetricJudgement>;

function start({ baseline, candidate }: GateRequest): Omit<GateResult, "verdict"> {
  return { format: gateResultFormat, baseline, candidate, judgements: [], notes: [] };
}

function judgePair(
  runs: PairedRuns,
  { rules: all, config, ...options }: GateRequest & { readonly rules: GateConfig },
): readonly Finding[] {
  const sides = { base: runs.base.record, candidate: runs.candidate.record };
  const about = aboutOf(sides);
  const rules = metricRulesFor(all, sides.candidate);
  const metrics = rules.flatMap((rule) => judgeMetric(runs, rule, { about, options }) ?? []);
  if (!metrics.some(({ isPrimary }) => isPrimary)) {
    const names = runs.base.scores.metrics.map(({ name }) => name).join(", ");
    throw new UsageError(
      `${sourceOf(config)}: no primary metric for ${runName(sides.candidate)}, so nothing would judge it. Its metrics: ${names}.`,
    );
  }
  const [time, memory] = [costRuleFor(all.time, sides.candidate), costRuleFor(all.memory, sides.candidate)];
  return [
    ...metrics,
    ...(time === null ? [] : [judgeTime(sides, time, about)]),
    ...(memory === null ? [] : [judgeMemory(sides, memory, about)]),
  ];
}

function aboutOf({ base, candidate }: { readonly base: RunRecord; readonly candidate: RunRecord }): About {
  return {
    checkpoint: candidate.checkpoint.name,
    task: candidate.config.task,
    split: candidate.data.split,
    precision: recordedPrecision(candidate.config),
    basePrecision: recordedPrecision(base.config),
    baseCheckpoint: base.checkpoint.name,
  };
}

/** Throws a UsageError for a rule about a metric that no run has: it would otherwise pass unnoticed. */
function refuseUnknownMetrics({ config, margins }: GateRequest, runs: readonly BaselineRun[]): void {
  const known = new Set(runs.flatMap(({ scores }) => scores.metrics.map(({ name }) => name)));
  if (runs.some(({ scores }) => scores.samples["answer"] !== undefined)) known.add(sameAnswers);
  const refuse = (metrics: readonly Margin[], source: string): void => {
    const wrong = metrics.find(({ metric }) => !known.has(metric));
    if (wrong === undefined) return;
    throw unknownName(`${source}: "${wrong.metric}"`, "metric", { name: wrong.metric, names: [...known] });
  };
  refuse(config?.rules.metrics ?? [], sourceOf(config));
  refuse(margins, "--margin");
}

/** Names the config in messages. */
function sourceOf(config: GateRequest["config"]): string {
  return config === null ? "--margin" : `--config ${config.file}`;
}

/**
 * Judges all primary metrics together. To pass, every one must exclude its margin; such an intersection of tests needs
 * no correction. One failure is enough to fail, and with more metrics a failure by chance becomes likelier; so a
 * failure counts only if it persists after Holm's correction.
 */
function adjusted(found: readonly Finding[]): readonly Judgement[] {
  const primary = found.flatMap((one) => (one.kind === "metric" && one.isPrimary ? [one] : []));
  const pValues = new Map(
    holm(primary.map(({ pValue }) => pValue ?? 1)).map((value, place) => [primary[place], value]),
  );
  return found.map((one) => {
    if (one.kind !== "metric") return one;
    const adjustedP = one.pValue === null ? null : (pValues.get(one) ?? null);
    const isChance = one.verdict === "fail" && one.isPrimary && (adjustedP ?? 1) > level;
    const judged = { ...one, adjustedP, ...(isChance && { verdict: "inconclusive" as const }) };
    return { ...judged, words: metricWords(judged, isChance) };
  });
}

function gateVerdict(judgements: readonly Judgement[]): GateResult["verdict"] {
  const verdicts = judgements.flatMap((one) => (one.kind !== "metric" || one.isPrimary ? [one.verdict] : []));
  if (verdicts.includes("fail")) return "fail";
  return verdicts.includes("inconclusive") || verdicts.length === 0 ? "inconclusive" : "pass";
}
