/** `blip2-bench gate`, by its command line, on run folders made by hand: verdicts, exit codes, what it writes. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { enoughImages, lowestDifference, movedImages } from "../../../harness/analysis/gate/few-images.ts";
import { exactShareInterval, studentQuantile } from "../../../harness/statistics/distributions.ts";
import { differenceIntervals } from "../../../harness/statistics/paired-mean.ts";
import { drawKeys, randomShare } from "../../../harness/statistics/random.ts";
import {
  accuracyConfig,
  answers,
  baselineOf,
  command,
  configFile,
  gateJson,
  gateRoot,
  judged,
  madeRun,
  newPath,
} from "../../support/gated-runs.ts";

describe("gate", () => {
  it("passes a run that is the same, with a margin of 0, too", async () => {
    for (const margin of [0, 1]) {
      const { code, metric } = await judged(0, { margin });
      assert.equal(code, 0);
      assert.deepEqual([metric.verdict, metric.difference, metric.differingImages], ["pass", 0, 0]);
      assert.match(metric.words, /the same as the baseline's on each of 1000 samples of 1000 images\. Pass\./);
    }
  });

  it("takes its bounds from Student's t by image, and decides by them", async () => {
    const { metric } = await judged(50, { margin: 7 });
    const error = Math.sqrt((0.05 * 0.95) / 999);
    const low = -0.05 - studentQuantile(0.95, 999) * error;
    assert.ok(Math.abs((metric.bounds.low ?? 0) - low) < 1e-12);
    assert.equal(metric.method, "t");
    assert.equal(metric.verdict, "pass");
  });

  it("turns from pass to inconclusive where the lower bound meets the margin", async () => {
    const low = 100 * ((await judged(50, { margin: 7 })).metric.bounds.low ?? 0);
    assert.equal((await judged(50, { margin: -low + 1e-9 })).code, 0);
    const { code, metric } = await judged(50, { margin: -low - 1e-9 });
    assert.equal(code, 11);
    assert.equal(metric.verdict, "inconclusive");
    assert.match(metric.words, /Inconclusive: about \d+ samples would decide it with 80 % power\./);
    assert.ok(metric.samplesNeeded !== null && metric.samplesNeeded > 0);
  });

  it("fails with 10 where the data exclude the margin", async () => {
    const { code, metric } = await judged(40, { margin: 1 });
    assert.equal(code, 10);
    assert.equal(metric.verdict, "fail");
    assert.match(metric.words, /p below 0\.0001 by Holm over the primary metrics\)\. Fail\./);
  });

  it("bounds the loss exactly where only a few images differ", async () => {
    const { metric } = await judged(2, { margin: 1 });
    assert.equal(metric.method, "few images differ");
    assert.ok(Math.abs((metric.bounds.low ?? 0) + exactShareInterval(2, 1000, 0.9).high) < 1e-12);
    assert.match(metric.words, /Only 2 images differ, too few for Student's t/);
  });

  it("does not fail on a few images: it says how many samples it needs", async () => {
    const { code, metric } = await judged(3, { images: 100, margin: 0.1 });
    assert.equal(code, 11);
    assert.ok((metric.samplesNeeded ?? 0) >= Math.ceil((100 * enoughImages) / 3));
  });

  it("holds a failure among several primary metrics to Holm: it may be chance", async () => {
    const base = answers(1000, { lost: 9 });
    const candidate = answers(1000).map((one, place) =>
      place >= 9 && place < 30 ? { ...one, answer: "wrong", score: 0 } : one,
    );
    const files = [madeRun({ samples: candidate }), "--baseline", await baselineOf({ samples: base })];
    const rules = [
      { metric: "accuracy", margin: 1 },
      { metric: "same answers", margin: 50 },
    ];
    const gateWith = (metrics: readonly unknown[]): ReturnType<typeof gateJson> =>
      gateJson(...files, "--config", configFile({ ...accuracyConfig, metrics }));
    assert.equal((await gateWith(rules.slice(0, 1))).code, 10);
    const { code, result } = await gateWith(rules);
    assert.equal(code, 11);
    assert.match(
      result.judgements[0]?.words ?? "",
      /of several primary metrics, one so bad may be chance \(p 0\.05\d+ by Holm\)/,
    );
  });

  it("shows secondary metrics, and does not fail by them", async () => {
    const baseline = await baselineOf({ samples: answers(1000) });
    const candidate = madeRun({ samples: answers(1000, { lost: 40 }) });
    const rules = [
      { metric: "accuracy", margin: 6 },
      { metric: "same answers", margin: 1, primary: false },
    ];
    const config = configFile({ ...accuracyConfig, metrics: rules });
    const { code, result } = await gateJson(candidate, "--baseline", baseline, "--config", config);
    assert.equal(code, 0);
    const [first, second] = result.judgements;
    assert.deepEqual([first?.verdict, second?.verdict], ["pass", "fail"]);
    assert.equal(second?.kind === "metric" && second.adjustedP, null);
  });

  it("takes the last rule that is for a run", async () => {
    const baseline = await baselineOf({ samples: answers(1000) });
    const candidate = madeRun({ samples: answers(1000, { lost: 40 }) });
    const rules = [
      { metric: "accuracy", margin: 1 },
      { metric: "accuracy", margin: 6, task: "vqav2", precision: "fp32", checkpoint: "tiny" },
      { metric: "accuracy", margin: 1, precision: "int8" },
    ];
    const config = configFile({ ...accuracyConfig, metrics: rules });
    const { code, result } = await gateJson(candidate, "--baseline", baseline, "--config", config);
    assert.equal(code, 0);
    assert.equal(result.judgements.length, 1);
  });

  it("sees answers that change where the accuracy does not", async () => {
    const other = answers(1000).map((one, place) => (place < 40 ? { ...one, answer: "also right" } : one));
    const baseline = await baselineOf({ samples: answers(1000) });
    const config = configFile({ ...accuracyConfig, metrics: [{ metric: "same answers", margin: 1 }] });
    const { code, result } = await gateJson(madeRun({ samples: other }), "--baseline", baseline, "--config", config);
    assert.equal(code, 10);
    assert.equal(result.judgements[0]?.candidate, 0.96);
  });

  it("ends with 3 for a partial run, and judges nothing", async () => {
    const baseline = await baselineOf({ samples: answers(1000) });
    const config = configFile();
    const partial = madeRun({ samples: answers(1000).slice(1), failed: ["q0"] });
    const running = madeRun({ samples: answers(1000), status: "interrupted" });
    const empty = madeRun({ samples: [] });
    for (const candidate of [partial, running, empty]) {
      const { code, result } = await gateJson(candidate, "--baseline", baseline, "--config", config);
      assert.equal(code, 3);
      assert.equal(result.verdict, "partial");
      assert.deepEqual(result.judgements, []);
      assert.match(
        result.notes[0] ?? "",
        /is (partial|interrupted|complete), \d+ of \d+ samples predicted, \d+ failed\./,
      );
    }
  });

  it("writes JUnit, Markdown and annotations, and explains", async () => {
    const baseline = await baselineOf({ samples: answers(1000) });
    const candidate = madeRun({ samples: answers(1000, { lost: 40 }) });
    const given = ["gate", candidate, "--baseline", baseline, "--config", configFile()];
    const [junit, markdown] = [newPath("junit.xml"), newPath("summary.md")];
    const files = ["--junit", junit, "--markdown", markdown];
    const { out, code } = await command(...given, ...files, "--annotations", "github", "--explain");
    assert.equal(code, 10);
    assert.match(out, /^tiny +vqav2 +fp32 +accuracy +100\.00 +96\.00 +-4\.00 +-5\.02 +1\.00 +1000 +fail$/m);
    assert.match(out, /^tiny vqav2 accuracy: accuracy is 96\.00, the baseline's 100\.00/m);
    assert.match(out, /^::error file=.*,title=tiny vqav2 accuracy::accuracy is 96\.00.*95 %25/m);
    assert.match(out, /^Gate: fail\. 1 of 1 beyond what is allowed\.$/m);
    const xml = readFileSync(junit, "utf8");
    assert.match(xml, /<testsuite name="gate" tests="1" failures="1" errors="0" skipped="0">/);
    assert.match(xml, /<failure type="fail" message="accuracy is 96\.00, the baseline's 100\.00/);
    assert.match(readFileSync(markdown, "utf8"), /^### Gate: fail\n\n\| checkpoint \|/);
  });

  it("writes GitLab's code quality report in the folder it is called in", async () => {
    const baseline = await baselineOf({ samples: answers(1000) });
    const candidate = madeRun({ samples: answers(1000) });
    const file = join(process.cwd(), "gl-code-quality-report.json");
    assert.equal(existsSync(file), false);
    const before = process.cwd();
    process.chdir(gateRoot);
    try {
      await command("gate", candidate, "--baseline", baseline, "--config", configFile(), "--annotations", "gitlab");
      assert.deepEqual(JSON.parse(readFileSync("gl-code-quality-report.json", "utf8")), []);
    } finally {
      process.chdir(before);
    }
  });

  it("does not judge times that were not measured, and says so", async () => {
    const baseline = await baselineOf({ samples: answers(1000) });
    const config = configFile({ ...accuracyConfig, time: [{ most: 1.2 }], memory: [{ most: 1.1 }] });
    const candidate = madeRun({ samples: answers(1000) });
    const { code, result } = await gateJson(candidate, "--baseline", baseline, "--config", config);
    assert.equal(code, 0);
    assert.deepEqual(
      result.judgements.map(({ verdict }) => verdict),
      ["pass", "not judged", "not judged"],
    );
    assert.match(result.judgements[1]?.words ?? "", /time is not judged: the baseline has not measured it/);
  });
});

describe("the bound where few images differ", () => {
  /** Of candidates exactly as bad as the margin, the share that pass: 300 images of four samples, each worse by a chance. */
  function falsePasses(expectedWorse: number): number {
    const [images, draws, samples] = [300, 2000, 4];
    let passes = 0;
    for (let draw = 0; draw < draws; draw += 1) {
      const keys = drawKeys(expectedWorse, draw);
      const differences = Float64Array.from({ length: images }, (_, image) => {
        if (randomShare(keys, 2 * image) >= expectedWorse / images) return 0;
        return randomShare(keys, 2 * image + 1) < 0.2 ? -2 : -1; // samples lost: 1.2 on average
      });
      const base = new Float64Array(images).fill(3);
      const candidate = base.map((sum, image) => sum + differences[image]!);
      const sums = { counts: new Float64Array(images).fill(samples), base, candidate, differences };
      const { differing } = movedImages(sums);
      const [usual] = differenceIntervals(sums, [0.9], { draws: 1, seed: 0 });
      const low = differing < enoughImages ? Math.min(usual!.low, lowestDifference(sums, 1)) : usual!.low;
      if (low > (-1.2 * expectedWorse) / images / samples) passes += 1;
    }
    return passes / draws;
  }

  it("lets at most 5 % of candidates pass that are exactly as bad as the margin", () => {
    for (const expectedWorse of [5, 10, 20]) {
      const share = falsePasses(expectedWorse);
      assert.ok(share <= 0.05, `${share} with ${expectedWorse} images worse`);
    }
  });
});
