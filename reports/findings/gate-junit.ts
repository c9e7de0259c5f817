/**
 * A gate's result as JUnit XML, which CI systems show as tests: one test for each judgement, or one for a partial
 * result.
 */
import { conclusionOf, judgementName } from "./gate-table.ts";
import type { GateResult, Judgement } from "../records/findings/gate-result.ts";

export function gateToJunit(result: GateResult): string {
  const cases = result.judgements.length === 0 ? [wholeCase(result)] : result.judgements.map(caseOf);
  const count = (tag: string): number => cases.filter((text) => text.includes(`<${tag}`)).length;
  const counts = `tests="${cases.length}" failures="${count("failure")}" errors="${count("error")}" skipped="${count("skipped")}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="blip2-bench gate" ${counts}>`,
    `  <testsuite name="gate" ${counts}>`,
    ...cases,
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function caseOf(one: Judgement): string {
  const name = `    <testcase classname="${attribute(`${one.task}.${one.checkpoint}`)}" name="${attribute(judgementName(one))}"`;
  const inner = innerOf(one);
  return `${name}>${inner}</testcase>`;
}

/** The content of a test. An inconclusive judgement is a failure, too; a metric that is not primary is skipped. */
function innerOf(one: Judgement): string {
  const said = attribute(one.words);
  if (one.kind === "metric" && !one.isPrimary) return `<skipped message="secondary: ${one.verdict}. ${said}"/>`;
  if (one.verdict === "not judged") return `<skipped message="${said}"/>`;
  if (one.verdict === "pass") return `<system-out>${attribute(one.words)}</system-out>`;
  return `<failure type="${one.verdict}" message="${said}"/>`;
}

function wholeCase(result: GateResult): string {
  const message = attribute([conclusionOf(result), ...result.notes].join(" "));
  return `    <testcase classname="gate" name="gate"><error type="${result.verdict}" message="${message}"/></testcase>`;
}

const names: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Escapes a text for an attribute; characters that XML 1.0 forbids are removed. */
function attribute(text: string): string {
  const allowed = text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "");
  return allowed.replace(/[&<>"]/g, (sign) => names[sign] ?? sign).replace(/\s+/g, " ");
}
