/** Run record and scores → rows → table and CSV. */
import assert from "node:assert/strict";
import type { MetricScore, RunRecord, ScoreSheet } from "../../reports/records/run-record.ts";
import { scoreRowsOf, scoreRowsToCsv } from "../../reports/findings/score-rows.ts";
import { formatScores } from "../../reports/findings/score-table.ts";
import type { ScoredRun } from "../../reports/findings/score-rows.ts";

const record: RunRecord = {
  format: "blip2-bench-run/1",
  status: "complete",
  identity: "1d",
  config: { task: "vqav2", protocol: "paper", limit: null, batchSize: 8, decoding: {}, overrides: {} },
  checkpoint: { name: "blip2-opt-2.7b", source: "/models/blip2-opt-2.7b", family: "opt", fingerprint: "c0ffee" },
  data: { dataset: "vqav2", split: "val", folder: null, images: null, files: [], samples: 991 },
  code: { version: "1.0.0", commit: null, dirty: null, fingerprint: "beef" },
  packages: {},
  processor: { model: "abacus", cores: 2, threads: 2, memoryBytes: 1, platform: "linux", node: "v20" },
  seeds: {},
  counts: { samples: 991, predicted: 991, failed: 0 },
  timings: { startedAt: "2026-01-01T00:00:00.000Z", finishedAt: null },
};

const accuracy: MetricScore = {
  name: "accuracy",
  unit: "fraction",
  higherIsBetter: true,
  value: 0.895358224,
  standardError: 0.00804,
  interval: { low: 0.879, high: 0.911_049 },
  published: { value: 0.535, source: "paper, table 2" },
  breakdown: {
    answerType: { "yes/no": { value: 0.95, samples: 400 }, number: { value: 0.03125, samples: 591 } },
    questionType: { a: { value: 1, samples: 991 } },
  },
};
const unscored: MetricScore = {
  ...accuracy,
  name: "accuracy-lavis",
  value: null,
  standardError: null,
  interval: null,
  published: null,
  breakdown: {},
};

const scores: ScoreSheet = {
  format: "blip2-bench-scores/1",
  code: "beef",
  counts: { samples: 991, scored: 991, failed: 0, missing: 0 },
  metrics: [accuracy, unscored],
  samples: {},
};
const run: ScoredRun = { record, scores };

describe("rows", () => {
  it("are in percent with two decimals, the plain value beside", () => {
    const [row] = scoreRowsOf(run);
    assert.deepEqual(row, {
      checkpoint: "blip2-opt-2.7b",
      precision: "fp32",
      device: "cpu",
      deviceName: null,
      driver: null,
      onDevice: null,
      onCpu: null,
      task: "vqav2",
      split: "val",
      protocol: "paper",
      metric: "accuracy",
      score: 89.54,
      standardError: 0.8,
      low: 87.9,
      high: 91.1,
      unit: "%",
      published: 53.5,
      publishedSource: "paper, table 2",
      samples: 991,
      scored: 991,
      failed: 0,
      status: "complete",
      value: 0.895358224,
    });
  });

  it("have a custom protocol where a flag replaces one of its choices", () => {
    const custom = { ...record, config: { ...record.config, overrides: { beams: 3 } } };
    assert.equal(scoreRowsOf({ record: custom, scores })[0]?.protocol, "custom");
  });

  it("are partial where a sample was not scored, failed or not asked", () => {
    const counts = { samples: 991, scored: 980, failed: 0, missing: 11 };
    assert.equal(scoreRowsOf({ record, scores: { ...scores, counts } })[0]?.status, "partial");
  });

  it("of CIDEr are its own unit times 100, without a percent sign", () => {
    const cider: MetricScore = { ...accuracy, name: "cider", unit: "cider", value: 1.4612, published: null };
    const [row] = scoreRowsOf({ record, scores: { ...scores, metrics: [cider] } });
    assert.equal(row?.score, 146.12);
    assert.equal(row.unit, "");
  });
});

describe("the table", () => {
  it("has a line for each metric, then the headline by type", () => {
    assert.equal(
      formatScores([run]),
      [
        "checkpoint      task   split  protocol  metric                   score   95 % interval  published    n  failed",
        "blip2-opt-2.7b  vqav2  val    paper     accuracy        89.54 ± 0.80 %  87.90 to 91.10    53.50 %  991       0",
        "blip2-opt-2.7b  vqav2  val    paper     accuracy-lavis            none               -          -  991       0",
        "",
        "blip2-opt-2.7b vqav2: accuracy by answerType: yes/no 95.00 % (n 400), number 3.13 % (n 591)",
      ].join("\n"),
    );
  });

  it("has a column for precisions where one is not fp32", () => {
    const quantized = { ...record, config: { ...record.config, precision: "int8,language=int4" } };
    const [titles = "", first = "", , last = ""] = formatScores([
      { record, scores },
      { record: quantized, scores },
    ]).split("\n");
    assert.match(titles, /^checkpoint +precision +task /);
    assert.match(first, /^blip2-opt-2\.7b +fp32 +vqav2 /);
    assert.match(last, /^blip2-opt-2\.7b +int8,language=int4,head=fp32 +vqav2 /);
    assert.doesNotMatch(formatScores([{ record, scores }]), /precision|fp32/);
  });

  it("says of a partial run what is missing from it", () => {
    const counts = { samples: 991, scored: 980, failed: 3, missing: 8 };
    const lines = formatScores([{ record, scores: { ...scores, counts } }]).split("\n");
    assert.equal(
      lines.at(-1),
      "blip2-opt-2.7b vqav2: partial: 3 of 991 samples failed, 8 of 991 were not asked; scored on the other 980.",
    );
  });
});

describe("rows of a run on another device", () => {
  const device = { provider: "webgpu", id: 0, name: "Some GPU", driver: "libvulkan_some.so" };
  const placement = { nodes: 200, onDevice: 188, onCpu: { LogSoftmax: 1, Concat: 11 } };
  const onDevice: ScoredRun = {
    record: {
      ...record,
      config: { ...record.config, device: "webgpu" },
      device,
      measured: {
        loadMs: null,
        weightsBytes: null,
        memoryBeforeBytes: null,
        loadedMemoryBytes: null,
        peakMemoryBytes: null,
        memorySince: null,
        stagesMs: null,
        placement,
      },
    },
    scores,
  };

  it("name it, its driver, the share of nodes it ran and those that it did not", () => {
    const [row] = scoreRowsOf(onDevice);
    assert.equal(row?.device, "webgpu");
    assert.equal(row.deviceName, "Some GPU");
    assert.equal(row.driver, "libvulkan_some.so");
    assert.equal(row.onDevice, 0.94);
    assert.equal(row.onCpu, "Concat 11, LogSoftmax 1");
  });

  it("stand apart in the table, which has no column for devices where all is the CPU's", () => {
    const text = formatScores([run, onDevice]);
    assert.match(text, /^checkpoint +device +task/);
    assert.match(
      text,
      /^blip2-opt-2\.7b webgpu vqav2: on Some GPU, driver libvulkan_some\.so: 188 of 200 nodes \(94\.0 %\); on the CPU: Concat 11, LogSoftmax 1\.$/m,
    );
    assert.doesNotMatch(formatScores([run]), /device/);
  });
});

describe("CSV", () => {
  it("has a header, a line a row, and numbers without units", () => {
    assert.equal(
      scoreRowsToCsv(scoreRowsOf(run)),
      [
        "checkpoint,precision,task,split,protocol,metric,score,standard_error,interval_low,interval_high,unit,published,published_source,samples,scored,failed,status,value,device,device_name,driver,nodes_on_device,nodes_on_cpu",
        'blip2-opt-2.7b,fp32,vqav2,val,paper,accuracy,89.54,0.8,87.9,91.1,%,53.5,"paper, table 2",991,991,0,complete,0.895358224,cpu,,,,',
        "blip2-opt-2.7b,fp32,vqav2,val,paper,accuracy-lavis,,,,,%,,,991,991,0,complete,,cpu,,,,",
        "",
      ].join("\n"),
    );
  });

  it("keeps a spreadsheet from running a name as a formula, and leaves negative numbers alone", () => {
    for (const [name, cell] of [
      ["=1+1", "'=1+1"],
      ["@SUM(A1)", "'@SUM(A1)"],
      ["+1", "'+1"],
      ["-cmd", "'-cmd"],
      ["\tx", "'\tx"],
    ] as const) {
      const named = { ...record, checkpoint: { ...record.checkpoint, name } };
      const [, line = ""] = scoreRowsToCsv(scoreRowsOf({ record: named, scores })).split("\n");
      assert.ok(line.startsWith(`${cell},`), line);
    }
    const negative = { ...accuracy, value: -0.5 };
    assert.match(scoreRowsToCsv(scoreRowsOf({ record, scores: { ...scores, metrics: [negative] } })), /,accuracy,-50,/);
  });
});
