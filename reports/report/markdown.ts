/**
 * A report as Markdown, for a pull request: its tables, and where the numbers come from. Cells are escaped, so that
 * none can end its table.
 */
import type { Report } from "./report-data.ts";
import { escapeMarkdown, tableToMarkdown } from "../tables/markdown.ts";
import { withoutEmptyColumns } from "../tables/table.ts";
import type { ReportTable } from "./report-table.ts";
import type { Section } from "./sections.ts";

export function reportToMarkdown(report: Report, sections: readonly Section[]): string {
  const { runs, benches, version, createdAt } = report;
  const points = benches.reduce((sum, bench) => sum + bench.points.length, 0);
  const parts = [
    "# blip2-bench report",
    `${counted(runs.length, "run")}, ${counted(points, "bench point")}, made ${createdAt} by blip2-bench ${version}.`,
    ...sections.flatMap(({ title, tables }) =>
      tables.length === 0 ? [] : [`## ${escapeMarkdown(title)}`, ...tables.map((table) => tableBlock(table, title))],
    ),
    ...reasonsOf(report),
    "## Where the numbers come from",
    provenanceOf(report),
  ];
  return `${parts.join("\n\n")}\n`;
}

function tableBlock({ title, note, ...table }: ReportTable, section: string): string {
  return [
    ...(title === section ? [] : [`### ${escapeMarkdown(title)}`]),
    tableToMarkdown(withoutEmptyColumns(table)),
    ...(note === null ? [] : [escapeMarkdown(note)]),
  ].join("\n\n");
}

function reasonsOf({ runs }: Report): readonly string[] {
  const reasons = new Set(runs.flatMap(({ comparisons }) => comparisons.flatMap((one) => one.reasons)));
  if (reasons.size === 0) return [];
  return ["### Outside: what is known of why", [...reasons].map((reason) => `- ${escapeMarkdown(reason)}`).join("\n")];
}

function provenanceOf({ runs, benches }: Report): string {
  const lines = [
    ...runs.map(({ id, folder, record: { code, identity } }) => ({ id, folder, code, identity })),
    ...benches.map(({ id, folder, record: { code } }) => ({ id, folder, code, identity: null })),
  ].map(({ id, folder, code, identity }) => {
    const commit =
      code.commit === null
        ? `version ${code.version}`
        : `commit ${code.commit.slice(0, 10)}${code.dirty === true ? ", changed" : ""}`;
    const one = identity === null ? "" : `, identity ${identity.slice(0, 10)}`;
    return `- ${id}: ${escapeMarkdown(folder)}, ${commit}, code ${code.fingerprint.slice(0, 10)}${one}`;
  });
  return lines.join("\n");
}

function counted(count: number, what: string): string {
  return `${count} ${count === 1 ? what : `${what}s`}`;
}
