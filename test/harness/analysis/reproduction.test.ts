/** A run beside published numbers: differences, verdicts, what is said of them, and the table. */
import assert from "node:assert/strict";
import { reproductionOf } from "../../../harness/analysis/reproduction.ts";
import { formatReproductions } from "../../../reports/findings/reproduction-table.ts";
import type { PublishedComparison, Reproduction } from "../../../reports/findings/reproduction-table.ts";
import type { MetricScore, RunRecord } from "../../../reports/records/run-record.ts";
import type { ScoredRun } from "../../../reports/findings/score-rows.ts";

const record: RunRecord = {
  format: "blip2-bench-run/1",
  status: "complete",
  identity: "1d",
  config: { task: "vqav2", protocol: "paper", limit: null, batchSize: 8, decoding: {}, overrides: {} },
  checkpoint: { name: "blip2-opt-2.7b", source: "/models/blip2-opt-2.7b", family: "opt", fingerprint: "c0ffee" },
  data: { dataset: "vqav2", split: "val", folder: "/vqa", images: null, files: [], samples: 214_354 },
  code: { version: "1.0.0", commit: null, dirty: null, fingerprint: "beef" },
  packages: {},
  processor: { model: "abacus", cores: 2, threads: 2, memoryBytes: 1, platform: "linux", node: "v20" },
  seeds: {},
  counts: { samples: 214_354, predicted: 214_354, failed: 0 },
  timings: { startedAt: "2026-01-01T00:00:00.000Z", finishedAt: null },
};

/** An interval of two standard errors each way. */
function metric(name: string, value: number | null, standardError: number | null, more = {}): MetricScore {
  const margin = standardError === null ? null : 2 * standardError;
  const interval = value === null || margin === null ? null : { low: value - margin, high: value + margin };
  const unit = name === "CIDEr" ? "cider" : "fraction";
  return { name, unit, higherIsBetter: true, value, standardError, interval, published: null, breakdown: {}, ...more };
}

function runOf(metrics: readonly MetricScore[], more: Partial<RunRecord> = {}): ScoredRun {
  const { samples } = { ...record, ...more }.counts;
  const counts = { samples, scored: samples, failed: 0, missing: 0 };
  return {
    record: { ...record, ...more },
    scores: { format: "blip2-bench-scores/1", code: "beef", counts, metrics, samples: {} },
  };
}

function reproduced(run: ScoredRun): Reproduction {
  return reproductionOf(run) ?? assert.fail("nothing published");
}

function beside(run: ScoredRun, name: string, source: string): PublishedComparison {
  const found = reproduced(run).comparisons.find(
    ({ published }) => published.metric === name && published.source.includes(source),
  );
  return found ?? assert.fail(`${name}, ${source}`);
}

describe("a run beside published numbers", () => {
  const scored = runOf([metric("accuracy", 0.521, 0.001), metric("accuracy-lavis", 0.5195, 0.001)]);

  it("differs by ours minus published, each number by the metric it was made with", () => {
    const paper = beside(scored, "accuracy", "table 2");
    assert.ok(Math.abs((paper.difference ?? 0) + 0.014) < 1e-12);
    assert.deepEqual(paper.ours, { value: 0.521, standardError: 0.001 });
    assert.ok(Math.abs((beside(scored, "accuracy-lavis", "LAVIS").difference ?? 0) - 0.0007) < 1e-12);
  });

  it("is in the interval, in the tolerance, or outside and has reasons", () => {
    assert.equal(beside(scored, "accuracy-lavis", "LAVIS").verdict, "interval");
    const near = beside(runOf([metric("accuracy", 0.531, 0.001)]), "accuracy", "table 2");
    assert.equal(near.verdict, "tolerance");
    assert.deepEqual(near.reasons, []);
    const low = beside(runOf([metric("accuracy", 0.4, 0.001)]), "accuracy", "table 2");
    assert.equal(low.verdict, "outside");
    assert.match(low.reasons[0] ?? "", /51\.88 on val/);
  });

  it("has no verdict without an interval and a tolerance, and no number for what is not computed", () => {
    const captions = {
      checkpoint: { ...record.checkpoint, name: "blip2-opt-2.7b-coco" },
      config: { ...record.config, task: "nocaps" },
      data: { ...record.data, samples: 4500 },
      counts: { samples: 4500, predicted: 4500, failed: 0 },
    };
    const breakdown = { domain: { "in-domain": { value: 1.24, samples: 648 } } };
    const run = runOf([metric("CIDEr", 1.19, 0.01, { breakdown })], captions);
    assert.equal(beside(run, "CIDEr", "table 3").verdict, "interval");
    const inDomain = beside(run, "CIDEr in-domain", "table 3");
    assert.ok(Math.abs((inDomain.difference ?? 0) - 0.01) < 1e-12);
    assert.equal(inDomain.verdict, "unjudged");
    assert.deepEqual(beside(run, "CIDEr out-domain", "table 3").ours, { missing: "no out-domain in this run" });
    assert.deepEqual(beside(run, "SPICE", "table 3").ours, { missing: "not computed here" });
    const unscored = runOf([metric("CIDEr", null, null)], captions);
    assert.deepEqual(beside(unscored, "CIDEr", "table 3").ours, { missing: "no score: the split has no answers" });
  });

  it("is not judged where other data was asked", () => {
    const bundled = reproduced(runOf([metric("accuracy", 0.535, 0.001)], { data: { ...record.data, folder: null } }));
    assert.match(bundled.obstacles[0] ?? "", /^the bundled data set was asked, not the official one\./);
    assert.ok(bundled.comparisons.every(({ verdict }) => verdict === "unjudged"));
    const smaller = runOf([], { data: { ...record.data, samples: 991 } });
    assert.deepEqual(reproduced(smaller).obstacles, ["vqav2 val in /vqa has 991 samples, the official one 214,354."]);
  });

  it("says what is less in it: a limit, flags, samples that failed", () => {
    const limited = runOf([metric("accuracy", 0.521, 0.001)], {
      counts: { samples: 100, predicted: 100, failed: 0 },
      config: { ...record.config, overrides: { beams: 3 } },
    });
    const { scores } = limited;
    const failing = { ...limited, scores: { ...scores, counts: { ...scores.counts, scored: 98, failed: 2 } } };
    assert.deepEqual(reproduced(failing).caveats, [
      "flags replace choices of the protocol: beams.",
      "only the first 100 of 214,354 samples; no tolerance is applied.",
      "2 of 100 samples have no prediction.",
    ]);
    assert.equal(reproduced(failing).protocol, "custom");
    assert.equal(beside(failing, "accuracy", "table 2").verdict, "outside", "no tolerance for a part");
  });

  it("is nothing for a checkpoint, a task or a split of which nothing is published", () => {
    const named = (name: string): Partial<RunRecord> => ({ checkpoint: { ...record.checkpoint, name } });
    assert.equal(reproductionOf(runOf([], named("shapes-opt-base"))), null);
    assert.equal(reproductionOf(runOf([], named("blip2-itm-vit-g-coco"))), null);
    assert.equal(reproductionOf(runOf([], { data: { ...record.data, split: "train" } })), null);
  });

  it("is shown with two decimals, remarks, and the reasons of what lies outside", () => {
    const run = runOf([metric("accuracy", 0.4012345, 0.001), metric("accuracy-lavis", 0.5195, 0.001)]);
    const lines = formatReproductions([reproduced(run)]).split("\n");
    assert.equal(lines[0], "blip2-opt-2.7b vqav2 val, protocol paper, n 214354");
    const cells = (source: string): string[] | undefined => lines.find((line) => line.endsWith(source))?.split(/ {2,}/);
    assert.deepEqual(cells("paper, table 2"), [
      "accuracy",
      "40.12 ± 0.10 %",
      "39.92 to 40.32",
      "53.50 %",
      "-13.38 ± 0.10 %",
      "OUTSIDE",
      "paper, table 2",
    ]);
    assert.deepEqual(cells("LAVIS, vqav2_zeroshot_opt_eval.yaml")?.slice(3), [
      "51.88 %",
      "+0.07 ± 0.10 %",
      "in the interval",
      "LAVIS, vqav2_zeroshot_opt_eval.yaml",
    ]);
    assert.ok(
      lines.includes(
        "OpenMMLab mmpretrain model zoo: may restate the paper; their config has length penalty -1 over new tokens.",
      ),
    );
    const reasons = lines.slice(lines.indexOf("Outside. What is known of why:") + 1);
    assert.match(reasons[0] ?? "", /^- accuracy \(paper, table 2\): The authors' later config reaches 51\.88/);
    assert.match(lines.at(-1) ?? "", /^difference: ours minus published, .* taken as exact/);
  });
});
