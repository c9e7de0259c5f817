/**
 * The part of the page that says where every number comes from: for each run and bench an unfoldable list of its files
 * and their hashes.
 */
import type { FileState, Report, ReportBench, ReportRun } from "../report/report-data.ts";
import { runNames } from "../report/run-names.ts";
import { amount } from "../tables/cells.ts";
import { tableToHtml } from "../tables/html.ts";
import { left, right, tableOf } from "../tables/table.ts";
import type { Cell, ColumnOf } from "../tables/table.ts";
import { markup } from "../markup.ts";
import type { Markup } from "../markup.ts";

export function provenanceSection(report: Report): Markup {
  const names = runNames(report.runs);
  return markup`<section id="provenance">
    <h2>Where the numbers come from</h2>
    ${report.runs.map((run) => runFold(run, names.get(run.id) ?? run.id))} ${report.benches.map(benchFold)}
  </section>`;
}

function runFold(run: ReportRun, name: string): Markup {
  const { id, folder, record, files } = run;
  const { config, data, processor, timings, seeds } = record;
  const { decoding, overrides, ...plain } = config;
  return markup`<details>
    <summary><b>${id}</b> ${name}, ${config.task} ${data.split} <span class="quiet">${folder}</span></summary>
    <dl>
      ${checkpointFact(record)}
      ${fact("config", plainText(plain))} ${fact("decoding", plainText(decoding))}
      ${fact("flags that replace choices of the protocol", Object.keys(overrides).length === 0 ? "none" : plainText(overrides))}
      ${fact("data", `${data.dataset} ${data.split}, ${data.folder ?? "bundled"}, images ${data.images ?? "beside it"}, ${data.samples} samples`)}
      ${codeFact(record)} ${processor === undefined ? null : fact("processor", plainText(processor))}
      ${fact("seeds", Object.keys(seeds).length === 0 ? "none: nothing draws random numbers" : plainText(seeds))}
      ${fact("ran", `${timings.startedAt} to ${timings.finishedAt ?? "?"}`)} ${fact("identity", record.identity)}
    </dl>
    ${dataFiles(data.files)} ${fileStates(files)}
  </details>`;
}

function benchFold({ id, folder, record, files }: ReportBench): Markup {
  const { data, machine, timings } = record;
  return markup`<details>
    <summary><b>${id}</b> ${record.task} ${data.split} <span class="quiet">${folder}</span></summary>
    <dl>
      ${codeFact(record)} ${fact("machine", plainText(machine))}
      ${fact("ran", `${timings.startedAt} to ${timings.finishedAt ?? "?"}`)}
    </dl>
    ${dataFiles(data.files)} ${fileStates(files)}
  </details>`;
}

function fact(name: string, text: string): Markup {
  return markup`<dt>${name}</dt>
    <dd>${text}</dd>`;
}

/** Of an imported run its name and the file it is from: nothing else is known. */
function checkpointFact({ checkpoint, imported }: ReportRun["record"]): Markup {
  const { name, source = "unknown", fingerprint = "unknown" } = checkpoint;
  if (imported === undefined) return fact("checkpoint", `${name}, from ${source}, fingerprint ${fingerprint}`);
  const { file, form, sha256, tool } = imported;
  const by = tool === null ? "" : `, made by ${tool}`;
  return fact("imported", `${name}, from ${file} (${form}${by}), SHA-256 ${sha256}`);
}

function codeFact({ code, packages }: Pick<ReportRun["record"], "code" | "packages">): Markup {
  const commit =
    code.commit === null ? "no commit known" : `commit ${code.commit}${code.dirty === true ? ", changed since" : ""}`;
  return markup`${fact("code", `blip2-bench ${code.version}, ${commit}, fingerprint ${code.fingerprint}`)}
  ${fact("packages", plainText(packages))}`;
}

/** `beams 5, newTokens (min 1, max 10)` */
function plainText(value: object): string {
  return Object.entries(value)
    .map(([name, inner]: [string, unknown]) => {
      if (inner === null) return `${name} none`;
      if (typeof inner !== "object") return `${name} ${typeof inner === "string" ? inner : JSON.stringify(inner)}`;
      return Array.isArray(inner)
        ? `${name} ${inner.length === 0 ? "none" : inner.join("; ")}`
        : `${name} (${plainText(inner)})`;
    })
    .join(", ");
}

type DataFile = ReportRun["record"]["data"]["files"][number];

const dataFileColumns: readonly ColumnOf<DataFile>[] = [
  left("data file", ({ name }) => name),
  left("SHA-256", ({ sha256 }) => codeCell(sha256)),
  right("bytes", ({ sizeBytes }) => amount(sizeBytes, 0)),
];

function dataFiles(files: readonly DataFile[]): Markup {
  return tableToHtml(tableOf(dataFileColumns, files), "Files of the data set");
}

const fileStateColumns: readonly ColumnOf<FileState>[] = [
  left("file of the folder", ({ name }) => name),
  left("SHA-256", ({ sha256 }) => codeCell(sha256)),
  left("is", stateOf),
];

function fileStates(files: readonly FileState[]): Markup {
  return tableToHtml(tableOf(fileStateColumns, files), "Files of the folder");
}

function stateOf({ recorded, sha256 }: FileState): string {
  if (recorded === null) return "no hash was recorded, so it cannot be checked";
  return recorded === sha256 ? "as it was written" : "changed";
}

function codeCell(text: string): Cell {
  return { text, value: text, tone: "code" };
}
