/** Runs of a task that exists nowhere in the project: by its file, in each form, and what is done with them afterwards. */
import assert from "node:assert/strict";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runDetailsOf } from "../../../harness/analysis/report/run-details.ts";
import type { RunDetails } from "../../../harness/analysis/report/run-details.ts";
import { catalog } from "../../../harness/catalog/catalog.ts";
import { readShownSamples } from "../../../harness/catalog/shown-samples.ts";
import { parseRunRecord } from "../../../reports/records/run-record.ts";
import type { RunRecord } from "../../../reports/records/run-record.ts";
import { blip2, inProcess } from "../../support/command-process.ts";
import { shapesYaml, taskFolder } from "../../support/own-task.ts";
import { bytesOf } from "../../support/run-bytes.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const model = ["--model", "shapes-opt-small", "--no-report"];
const stripsTypes = "typescript" in process.features && Boolean(process.features.typescript);

interface Sheet {
  readonly counts: Readonly<Record<string, number>>;
  readonly metrics: readonly { readonly name: string }[];
  readonly samples: Readonly<Record<string, readonly unknown[]>>;
  readonly unscored?: readonly unknown[];
}

function sheetOf(run: string): Sheet {
  return JSON.parse(readFileSync(join(run, "scores.json"), "utf8")) as Sheet;
}

function predictionsOf(run: string): string {
  return readFileSync(join(run, "predictions.jsonl"), "utf8").replaceAll(/"latencyMs":\{[^}]*\}/g, "");
}

describe("blip2-bench run --tasks <file>", () => {
  let folder = "";
  const runIn = (at: string, run: string): { readonly record: RunRecord; readonly path: string } => {
    const path = join(at, run);
    return { path, record: parseRunRecord(readFileSync(join(path, "run.json"), "utf8"), path) };
  };
  before(async function () {
    folder = taskFolder();
    for (const form of ["yaml", "json", "mjs"]) {
      const { code, err } = await inProcess(folder, "run", ...model, "--tasks", `./shapes.${form}`, "-o", form);
      assert.equal(code, 0, err);
    }
  });

  it("gives the same predictions and scores in YAML, JSON and code; identity differs by the file's bytes alone", () => {
    const [yaml = "", json = ""] = ["yaml", "json"].map((form) => {
      const bytes = bytesOf(join(folder, form)).replace(/"identity":"\w+",/, "");
      return bytes.replace(/"taskFile":\{[^}]*\},/, "");
    });
    assert.equal(json, yaml);
    assert.equal(predictionsOf(join(folder, "mjs")), predictionsOf(join(folder, "yaml")));
    const [code, document] = [sheetOf(join(folder, "mjs")), sheetOf(join(folder, "yaml"))];
    const { sharedWords, ...others } = code.samples;
    assert.deepEqual(others, document.samples);
    assert.equal(sharedWords?.length, 8);
    assert.deepEqual(code.metrics.slice(0, -1), document.metrics);
    const identities = ["yaml", "json", "mjs"].map(
      (form) => (JSON.parse(readFileSync(join(folder, form, "run.json"), "utf8")) as { identity: string }).identity,
    );
    assert.equal(new Set(identities).size, 3);
  });

  it("gives the same predictions in two workers", async () => {
    const words = ["--tasks", "./shapes.yaml", "--workers", "2", "-o", "workers"];
    const { code, err } = await inProcess(folder, "run", ...model, ...words);
    assert.equal(code, 0, err);
    assert.equal(predictionsOf(join(folder, "workers")), predictionsOf(join(folder, "yaml")));
  });

  it("is benched with its own samples and prompts", async () => {
    const short = ["--quick", "--scenarios", "offline", "--min-duration", "50ms", "--threads", "1"];
    const words = ["--model", "shapes-opt-small", "--tasks", "./shapes.yaml", ...short, "--output", "bench"];
    const { code, err } = await inProcess(folder, "bench", ...words);
    assert.equal(code, 0, err);
    const bench = JSON.parse(readFileSync(join(folder, "bench", "bench.json"), "utf8")) as {
      readonly status: string;
      readonly task: string;
      readonly data: { readonly samples: number };
    };
    assert.deepEqual([bench.status, bench.task, bench.data.samples], ["complete", "shapes", 8]);
  });

  it("runs TypeScript where Node takes types away, and says so where it does not", () => {
    const ended = blip2(folder, "run", ...model, "--tasks", "./shapes.ts", "-o", "ts");
    if (stripsTypes) {
      assert.equal(ended.code, 0, ended.err);
      assert.equal(predictionsOf(join(folder, "ts")), predictionsOf(join(folder, "yaml")));
      assert.deepEqual(sheetOf(join(folder, "ts")).samples, sheetOf(join(folder, "mjs")).samples);
      return;
    }
    assert.equal(ended.code, 2);
    assert.match(
      ended.err,
      /shapes\.ts: this is Node \S+, which cannot load TypeScript, expected Node 22\.18, 23\.6 or later\. /,
    );
  });

  it("keeps a copy of the file, and groups standard errors by the column that the file names", () => {
    assert.equal(readFileSync(join(folder, "yaml", "task.yaml"), "utf8"), shapesYaml);
    const { samples } = sheetOf(join(folder, "yaml"));
    const sites = ["north", "north", "north", "south", "south", "south", "east", "east"];
    assert.deepEqual(
      samples["cluster"],
      sites.map((site) => `site ${site}`),
    );
  });

  it("is shown with its own metrics and answer rule where it is a document, and without where it is code", async () => {
    interface Shown {
      readonly id: string;
      readonly answer: string;
      readonly workings: readonly { readonly name: string; readonly score: number }[];
      readonly scores: Readonly<Record<string, number>>;
    }
    const own = taskFolder({ "first.yaml": shapesYaml.replace("answer: first-line", "answer: { pattern: ^. }") });
    assert.equal((await inProcess(own, "run", ...model, "--tasks", "./first.yaml", "-o", "first")).code, 0);
    rmSync(join(own, "first.yaml")); // its copy in the run's folder is read
    const shownIn = async (at: string, run: string): Promise<{ readonly shown: Shown; readonly err: string }> => {
      const id = String(sheetOf(join(at, run)).samples["id"]?.[0]);
      const { code, out, err } = await inProcess(at, "show", run, id, "--json");
      assert.equal(code, 0, err);
      return { shown: JSON.parse(out) as Shown, err };
    };
    for (const [at, run] of [
      [folder, "yaml"],
      [folder, "json"],
      [own, "first"],
    ] as const) {
      // prettier-ignore
      const { shown, err } = await shownIn(at, run);
      const { metrics, samples } = sheetOf(join(at, run));
      assert.deepEqual(shown.workings.map(({ name }) => name).toSorted(), metrics.map(({ name }) => name).toSorted());
      for (const { name, score } of shown.workings) assert.equal(score, shown.scores[name], name);
      assert.equal(shown.answer, samples["answer"]?.[0]);
      assert.doesNotMatch(err, /not worked out/);
    }
    const { shown, err } = await shownIn(folder, "mjs");
    assert.deepEqual(shown.workings, []);
    assert.equal(shown.answer, sheetOf(join(folder, "mjs")).samples["answer"]?.[0]);
    assert.match(
      err,
      /^Scores are not worked out: the task file \S+shapes\.mjs is code, which is not run to show samples\.$/m,
    );
    const caches = temporaryFolder();
    const places = { catalog, data: null, hubCache: caches, cacheFolder: caches };
    const { recorded } = await readShownSamples(runIn(folder, "yaml"), new Set([shown.id]), places);
    const detailsOf = (run: string): Promise<RunDetails> =>
      runDetailsOf(runIn(folder, run), new Set([shown.id]), { ...places, recorded });
    const workings = (await detailsOf("json")).byId.get(shown.id)?.workings.map(({ name }) => name);
    assert.deepEqual(workings, sheetOf(join(folder, "yaml")).metrics.map(({ name }) => name)); // prettier-ignore
    const code = await detailsOf("mjs");
    assert.deepEqual(code.byId.get(shown.id)?.workings, []);
    assert.match(code.problem ?? "", /shapes\.mjs is code/);
  });

  it("goes on with a run of the file, and not after the file has changed", async () => {
    const again = await inProcess(folder, "run", ...model, "--tasks", "./shapes.json", "-o", "json");
    assert.equal(again.code, 0, again.err);
    const other = taskFolder({ "shapes.json": `${readFileSync(join(folder, "shapes.json"), "utf8")}\n` });
    const { code, err } = await inProcess(folder, "run", ...model, "--tasks", join(other, "shapes.json"), "-o", "json");
    assert.equal(code, 2);
    assert.match(err, /task file/);
  });

  it("takes the file from --config, and columns, data and clusters from flags that replace the file's", async () => {
    writeFileSync(join(folder, "eval.yaml"), "model: shapes-opt-small\ntasks: ./shapes.yaml\nreport: false\n");
    const { code, err } = await inProcess(folder, "run", "--config", "eval.yaml", "--cluster", "gt", "-o", "config");
    assert.equal(code, 0, err);
    assert.equal(sheetOf(join(folder, "config")).samples["cluster"]?.[0], "gt yellow");
    const wrong = await inProcess(
      folder,
      "run",
      ...model,
      "--tasks",
      "./shapes.yaml",
      "--cluster",
      "sites",
      "-o",
      "no",
    );
    assert.equal(wrong.code, 2);
    assert.match(wrong.err, /^error: --cluster sites: no such column\. Did you mean site\? Columns: /m);
  });

  it("scores, compares, gates and reports without the file, and says where it has changed", async () => {
    const elsewhere = taskFolder();
    const runOf = (name: string) => name.replace("shapes.", "run-");
    const run = (name: string) => inProcess(elsewhere, "run", ...model, "--tasks", `./${name}`, "-o", runOf(name));
    for (const name of ["shapes.yaml", "shapes.mjs"]) assert.equal((await run(name)).code, 0);
    for (const name of ["shapes.yaml", "shapes.mjs"]) {
      const before = readFileSync(join(elsewhere, runOf(name), "scores.json"), "utf8");
      const same = await inProcess(elsewhere, "score", runOf(name));
      assert.equal(same.code, 0, same.err);
      assert.doesNotMatch(same.err, /copy/);
      writeFileSync(join(elsewhere, name), readFileSync(join(elsewhere, name), "utf8").replace("beams: 3", "beams: 2"));
      const changed = await inProcess(elsewhere, "score", runOf(name));
      assert.equal(changed.code, 0, changed.err);
      assert.match(changed.err, /shapes\.\w+ has changed since this run\. Its copy of then is used: .*task\.\w+\./);
      renameSync(join(elsewhere, name), join(elsewhere, `moved-${name}`));
      const gone = await inProcess(elsewhere, "score", runOf(name));
      assert.match(gone.err, /shapes\.\w+ is not there any more\. Its copy of then is used: /);
      assert.equal(readFileSync(join(elsewhere, runOf(name), "scores.json"), "utf8"), before);
    }
    const compared = await inProcess(elsewhere, "compare", "run-yaml", "run-yaml");
    assert.equal(compared.code, 0, compared.err);
    const others = await inProcess(elsewhere, "compare", "run-yaml", "run-mjs");
    assert.equal(others.code, 2);
    assert.match(others.err, /task file: found \w{64}, expected \w{64}/);
    assert.equal((await inProcess(elsewhere, "baseline", "run-yaml", "-o", "base.json")).code, 0);
    const gated = await inProcess(
      elsewhere,
      "gate",
      "run-yaml",
      "--baseline",
      "base.json",
      "--margin",
      "vqa-accuracy=1",
    );
    assert.equal(gated.code, 0, gated.err + gated.out);
    const reported = await inProcess(elsewhere, "report", "run-yaml", "-o", "page");
    assert.equal(reported.code, 0, reported.err);
    assert.match(
      readFileSync(join(elsewhere, "page", "index.html"), "utf8"),
      /What color is the star in the picture\?/,
    );
    rmSync(join(elsewhere, "run-yaml", "task.yaml"));
    const lost = await inProcess(elsewhere, "score", "run-yaml");
    assert.equal(lost.code, 2);
    assert.match(
      lost.err,
      /is not there any more, and there is no copy in \S+task\.yaml: expected SHA-256 \w{64}\. Run again\./,
    );
  });

  it("is reproduced beside its own published numbers, and audited", async () => {
    const own = taskFolder({
      "shapes.yaml": shapesYaml.replace("shapes-opt-base\n    split", "shapes-opt-small\n    split"),
    });
    const words = ["--model", "shapes-opt-small", "--tasks", "./shapes.yaml"];
    const shown = await inProcess(own, "reproduce", ...words, "-o", "run");
    assert.equal(shown.code, 0, shown.err);
    assert.match(shown.out, /vqa-accuracy .*our first run/);
    const none = await inProcess(folder, "reproduce", ...words);
    assert.equal(none.code, 2);
    assert.match(none.err, /shapes\.yaml: has no published number of shapes-opt-small\. Write it into the file/);
    const audited = await inProcess(own, "audit", ...words, "--limit", "3");
    assert.equal(audited.code, 0, audited.err);
  });
});

describe("a metric of a task file in a run", () => {
  const task = (body: string) =>
    `export default { kind: "vqa", dataset: "vqav2", metrics: ["vqa-accuracy", function own({ sample }) { ${body} }] };`;
  const words = ["run", ...model, "--limit", "5", "--tasks", "./own.mjs", "-o", "run"];

  it("fails samples alone that it cannot score: the others are scored, and the exit code says so", async () => {
    const folder = taskFolder({
      "own.mjs": task('if (/^Is the star/.test(sample.question)) throw new Error("no"); return 1;'),
    });
    const { code, err } = await inProcess(folder, ...words);
    assert.equal(code, 3, err);
    assert.match(err, /1 of 5 samples could not be scored:\n {2}5676002: metric own of \S+own\.mjs threw Error: no/);
    const { counts, unscored, samples } = sheetOf(join(folder, "run"));
    assert.deepEqual(counts, { samples: 5, scored: 4, failed: 1, missing: 0 });
    assert.equal(unscored?.length, 1);
    assert.ok(!samples["id"]?.includes("5676002"));
  });

  it("is one error where it fails every sample, and keeps the predictions", async () => {
    const folder = taskFolder({ "own.mjs": task("return Number.NaN;") });
    const { code, err } = await inProcess(folder, ...words);
    assert.equal(code, 2);
    assert.match(
      err,
      /5 of 5 samples are kept in .*\n.*\nerror: metric own of \S+own\.mjs gave NaN for each of 5 samples, the first of which is 1000001\./,
    );
    writeFileSync(join(folder, "own.mjs"), task("return 1;"));
    const unchanged = await inProcess(folder, "score", "run");
    assert.equal(unchanged.code, 2);
    assert.match(
      unchanged.err,
      /own\.mjs has changed since this run\. Its copy of then is used: .*\nerror: metric own of \S+task\.mjs gave NaN/,
    );
    const scored = await inProcess(folder, "score", "run", "--tasks", "./own.mjs");
    assert.equal(scored.code, 0, scored.err);
    assert.match(scored.out, /own +100\.00/);
    const other = await inProcess(folder, "score", "run", "--tasks", "./shapes.yaml");
    assert.match(
      other.err,
      /--tasks \.\/shapes\.yaml: is not the task of \S*run, which is own, expected a task file of this name and kind\./,
    );
  });

  it("is one error where it is async", async () => {
    const folder = taskFolder({ "own.mjs": task("return Promise.resolve(1);") });
    const { code, err } = await inProcess(folder, ...words);
    assert.equal(code, 2);
    assert.match(
      err,
      /own\.mjs: metric own: found a promise for sample 1000001, expected a number from 0 to 1; a metric must not be async\./,
    );
  });
});
