/** Where every number comes from: a fold for each run and bench, with its files and their hashes. */
import type { FileState, Report, ReportBench, ReportRun } from "../report/report-data.ts";
import { runNames } from "../report/run-names.ts";
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
  const { config, checkpoint, data, processor, timings, seeds } = record;
  const { decoding, overrides, ...plain } = config;
  return markup`<details>
    <summary><b>${id}</b> ${name}, ${config.task} ${data.split} <span class="quiet">${folder}</span></summary>
    <dl>
      ${fact("checkpoint", `${checkpoint.name}, from ${checkpoint.source}, fingerprint ${checkpoint.fingerprint}`)}
      ${fact("config", plainText(plain))} ${fact("decoding", plainText(decoding))}
      ${fact("flags that replace choices of the protocol", Object.keys(overrides).length === 0 ? "none" : plainText(overrides))}
      ${fact("data", `${data.dataset} ${data.split}, ${data.folder ?? "bundled"}, images ${data.images ?? "beside it"}, ${data.samples} samples`)}
      ${codeFact(record)} ${fact("processor", plainText(processor))}
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

function dataFiles(files: ReportRun["record"]["data"]["files"]): Markup {
  return markup`<div class="table" tabindex="0" role="region" aria-label="Files of the data set">
    <table>
      <thead>
        <tr>
          <th scope="col">data file</th>
          <th scope="col">SHA-256</th>
          <th scope="col" class="right">bytes</th>
        </tr>
      </thead>
      <tbody>
        ${files.map(
          ({ name, sha256, sizeBytes }) =>
            markup`<tr>
              <td>${name}</td>
              <td><code>${sha256}</code></td>
              <td class="right">${sizeBytes.toLocaleString("en-US")}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function fileStates(files: readonly FileState[]): Markup {
  const state = ({ recorded, sha256 }: FileState): string =>
    recorded === null
      ? "no hash was recorded, so it cannot be checked"
      : recorded === sha256
        ? "as it was written"
        : "changed";
  return markup`<div class="table" tabindex="0" role="region" aria-label="Files of the folder">
    <table>
      <thead>
        <tr>
          <th scope="col">file of the folder</th>
          <th scope="col">SHA-256</th>
          <th scope="col">is</th>
        </tr>
      </thead>
      <tbody>
        ${files.map(
          (file) =>
            markup`<tr>
              <td>${file.name}</td>
              <td><code>${file.sha256}</code></td>
              <td>${state(file)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}
