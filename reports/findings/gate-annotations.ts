/**
 * Shows a gate's result where a change is reviewed.
 *
 *   GitHub   workflow commands on the job's output: `::error title=…::…`, a notice where it passed
 *   GitLab   a code quality report: a JSON list with an entry for each judgement that does not pass
 */
import { createHash } from "node:crypto";
import { conclusionOf, judgementName } from "./gate-table.ts";
import type { GateResult, Judgement } from "../records/findings/gate-result.ts";

/** `file`: the file of margins or the baseline, to which the annotations are attached. */
export function githubAnnotations(result: GateResult, file: string): string {
  const line = (level: "error" | "warning" | "notice", title: string, message: string): string =>
    `::${level} file=${property(file)},title=${property(title)}::${content(message)}`;
  const lines = concerns(result).map(({ name, words, isFail }) => line(isFail ? "error" : "warning", name, words));
  const level = result.verdict === "pass" ? "notice" : result.verdict === "inconclusive" ? "warning" : "error";
  return [...lines, line(level, `Gate: ${result.verdict}`, conclusionOf(result))].join("\n");
}

export function gitlabCodeQuality(result: GateResult, file: string): string {
  const entries = concerns(result).map(({ name, words, isFail }) => ({
    description: `${name}: ${words}`,
    check_name: "blip2-bench gate",
    // The fingerprint depends on the name only, so that GitLab recognises a finding of an earlier job even if its
    // numbers changed.
    fingerprint: createHash("sha256").update(name).digest("hex"),
    severity: isFail ? "major" : "minor",
    location: { path: file, lines: { begin: 1 } },
  }));
  return `${JSON.stringify(entries, null, 2)}\n`;
}

interface Concern {
  readonly name: string;
  readonly words: string;
  readonly isFail: boolean;
}

function concerns({ verdict, judgements, notes }: GateResult): readonly Concern[] {
  if (verdict === "partial") return notes.map((words) => ({ name: "partial", words, isFail: true }));
  const isConcern = (one: Judgement): boolean =>
    (one.verdict === "fail" || one.verdict === "inconclusive") && (one.kind !== "metric" || one.isPrimary);
  return judgements
    .filter(isConcern)
    .map((one) => ({ name: judgementName(one), words: one.words, isFail: one.verdict === "fail" }));
}

function content(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return content(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
