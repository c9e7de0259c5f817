/** What precisions cost: agreement and divergence against numbers computed plainly, and the command over real runs. */
import assert from "node:assert/strict";
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { vqav2Questions } from "../../../datasets/vqa.ts";
import {
  firstDifference,
  firstStepDivergence,
  klDivergence,
  outputAgreement,
} from "../../../harness/analysis/costs/output-agreement.ts";
import { rankingAgreement } from "../../../harness/analysis/costs/ranking-agreement.ts";
import { peakMemoryBytes, resetPeakMemory } from "../../../harness/evaluation/lazy-model.ts";
import { precision } from "../../../harness/cli/options/what-to-run.ts";
import type { Precision } from "../../../models/checkpoint/precision.ts";
import { describePrecision, precisionFolder } from "../../../models/checkpoint/precision.ts";
import { loadBlip2 } from "../../../models/load-blip2.ts";
import type { Costs } from "../../../reports/records/findings/costs.ts";
import type { Prediction } from "../../../reports/records/run-record.ts";
import { assertFails, inProcess } from "../../support/command-process.ts";
import { bundledData } from "../../support/fakes.ts";
import { projectRoot } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

function answer(id: string, tokens: readonly number[]): Prediction {
  return { id, status: "predicted", image: id, prompt: "", text: tokens.join(" "), tokens, score: null, latencyMs: {} };
}

describe("agreement with fp32", () => {
  it("counts the same texts, and where the first different token stands", () => {
    const reference = [answer("a", [1, 2]), answer("b", [1, 2]), answer("c", [1, 2]), answer("d", [1, 2])];
    const others = [answer("a", [1, 2]), answer("b", [3, 2]), answer("c", [1, 3]), answer("d", [1, 2, 5])];
    assert.deepEqual(outputAgreement(reference, others), {
      samples: 4,
      same: 1,
      medianFirstDifference: 2,
      firstDifferences: { 1: 1, 2: 1, 3: 1 },
    });
    assert.equal(outputAgreement(reference, reference)?.medianFirstDifference, null);
    assert.equal(outputAgreement([], others), null);
    assert.equal(firstDifference([], []), null);
  });

  it("is KL divergence over the vocabulary, by the definition", () => {
    const [p, q] = [
      [0.5, 0.25, 0.25],
      [0.25, 0.25, 0.5],
    ];
    const logs = (values: readonly number[]): Float32Array => Float32Array.from(values, Math.log);
    const expected = 0.5 * Math.log(2) + 0.25 * Math.log(0.5);
    assert.ok(Math.abs(klDivergence(logs(p), logs(q)) - expected) < 1e-7); // of single precision
    assert.equal(klDivergence(logs(p), logs(p)), 0);
    const steps = { identity: "", asked: 1, ids: ["a"], vocabulary: 3 };
    const divergence = firstStepDivergence(
      { ...steps, logProbabilities: logs(p) },
      { ...steps, logProbabilities: logs(q) },
    );
    assert.equal(divergence?.samples, 1);
    assert.equal(divergence.sameBest, 0);
    assert.ok(Math.abs(divergence.meanKl - expected) < 1e-7);
  });

  it("is, of retrieval, the same candidates in the first places", () => {
    const run = (values: readonly number[]) => ({
      similarities: { values: Float32Array.from(values), images: 2, texts: 2 },
      rerank: 0,
      matched: [],
    });
    const agreement = rankingAgreement(run([0.9, 0.1, 0.2, 0.8]), run([0.9, 0.1, 0.8, 0.2]));
    assert.equal(agreement.similarity.imageToText.first, 0.5);
    assert.equal(agreement.similarity.imageToText.ten, 1);
    assert.ok(Math.abs(agreement.maxSimilarityDifference - 0.6) < 1e-6);
  });
});

describe("the first step of a model", () => {
  it("is a distribution, whose best token greedy search begins with", async () => {
    const options = { hubCache: "/nowhere", cacheFolder: temporaryFolder(), threads: 1 };
    for (const name of ["shapes-opt-small", "shapes-t5-small"]) {
      const model = await loadBlip2(join(projectRoot, "models", "bundled", name), options);
      const split = await vqav2Questions.open({ folder: bundledData }, "val");
      const requests = split.samples
        .slice(0, 3)
        .map(({ image, question }) => ({ image, prompt: `Question: ${question} Answer:` }));
      const steps = await model.firstStep!(requests);
      const greedy = {
        beams: 1,
        newTokens: { min: 0, max: 2 },
        lengthPenalty: 0,
        repetitionPenalty: 1,
        earlyStopping: false,
      };
      const answers = await model.generate(requests, greedy);
      for (const [index, step] of steps.entries()) {
        const own = answers[index]!;
        assert.ok(step.status === "ranked" && own.status === "predicted");
        const sum = step.logProbabilities.reduce((total, log) => total + Math.exp(log), 0);
        assert.ok(Math.abs(sum - 1) < 1e-4, `${sum}`); // 500 tokens in single precision
        assert.equal(step.logProbabilities.indexOf(Math.max(...step.logProbabilities)), own.tokens[0]);
      }
      assert.ok((model.weightsBytes ?? 0) > 1e6);
      await model.release();
    }
  });
});

describe("peak memory", () => {
  it("counts from the last reset on Linux", function () {
    if (process.platform !== "linux") this.skip();
    if (resetPeakMemory() !== "load") this.skip(); // a container may refuse it
    const before = peakMemoryBytes("load")!;
    const block = new Uint8Array(2e8).fill(1);
    assert.ok(peakMemoryBytes("load")! - before > 1e8, `${block.length}`);
    assert.equal(peakMemoryBytes(null), null);
  });
});

describe("--precision", () => {
  const readPrecisions = (value: readonly string[]): readonly Precision[] =>
    precision.read({ value, where: "--precision" }, { cacheFolder: "" });

  it("takes names with commas, and a value with = as one precision", () => {
    const spelt = (...values: string[]): string[] => readPrecisions(values).map(describePrecision);
    assert.deepEqual(spelt("fp32,int8", "int4,int8"), ["fp32", "int8", "int4"]);
    assert.deepEqual(spelt("fp32", "vision=int8,language=int4"), ["fp32", "vision=int8,language=int4"]);
    assert.deepEqual(readPrecisions(["language=int4,vision=int8"]).map(precisionFolder), ["vision-int8_language-int4"]);
    assert.deepEqual(spelt("fp32,fp16"), ["fp32", "fp16"]);
    assert.throws(() => readPrecisions(["fp32,int5"]), /found "int5", expected one of the precisions/);
  });
});

describe("blip2-bench run with several precisions", () => {
  const words = ["run", "-m", "shapes-opt-small", "-t", "vqav2", "--limit", "12"];
  const two = [...words, "--precision", "fp32,int4", "-o", "a"];
  let folder = "";
  before(async () => {
    folder = temporaryFolder();
    const { code, out, err } = await inProcess(folder, ...two);
    assert.equal(code, 0, err);
    assert.match(out, /^shapes-opt-small +vqav2 +int4 +12 +accuracy .* s +\d\.\d MB +\d+ MB$/m);
  });

  async function costs(...more: string[]): Promise<Costs> {
    const { code, out, err } = await inProcess(folder, "costs", ...more, "--json");
    assert.equal(code, 0, err);
    return JSON.parse(out) as Costs;
  }

  it("makes a run of each, in a folder of its own, and goes on with them", async () => {
    assert.deepEqual(readdirSync(join(folder, "a")).sort(), [
      "costs.csv",
      "costs.json",
      "report",
      "rows.csv",
      "shapes-opt-small",
    ]);
    assert.deepEqual(readdirSync(join(folder, "a", "shapes-opt-small")).sort(), ["fp32", "int4"]);
    const again = await inProcess(folder, ...two);
    assert.equal(again.code, 0, again.err);
    assert.doesNotMatch(again.err, /samples/, "nothing is missing");
    assert.equal((await inProcess(folder, "score", "a")).code, 0);
    assertFails(await inProcess(folder, ...two, "--limit", "5"), 2, /config\.limit: found 12, expected 5/);
  });

  it("records what was measured", () => {
    const record = JSON.parse(
      readFileSync(join(folder, "a", "shapes-opt-small", "int4", "vqav2", "run.json"), "utf8"),
    ) as { measured: { loadMs: number; weightsBytes: number; stagesMs: Record<string, number> } };
    assert.ok(record.measured.loadMs > 0 && record.measured.weightsBytes < 1.5e6);
    assert.ok(record.measured.stagesMs["decode"]! > 0);
  });

  it("says once of runs of several machines that they keep no first steps", async () => {
    cpSync(join(folder, "a"), join(folder, "spread"), { recursive: true });
    for (const precision of ["fp32", "int4"]) {
      const run = join(folder, "spread", "shapes-opt-small", precision, "vqav2");
      const record = JSON.parse(readFileSync(join(run, "run.json"), "utf8")) as object;
      writeFileSync(join(run, "run.json"), JSON.stringify({ ...record, machines: [] }));
      rmSync(join(run, "first-step.f32"));
    }
    const { notes } = await costs("spread");
    assert.equal(notes.length, 1);
    assert.match(notes[0]?.reason ?? "", /^no KL divergence: runs of several machines \(--queue, --shard\) keep no/);
  });

  it("compares each with fp32, later as well, and names what it leaves out", async () => {
    const { rows } = await costs("a");
    const [fp32, int4] = rows;
    assert.deepEqual(
      rows.map(({ precision }) => precision),
      ["fp32", "int4"],
    );
    assert.equal(fp32?.outputs, null);
    assert.equal(int4?.firstStep?.samples, 12);
    assert.ok(int4.firstStep.meanKl > 0 && int4.firstStep.meanKl < 0.1);
    assert.equal(int4.difference, int4.score!.value! - fp32.score!.value!);
    truncateSync(join(folder, "a", "shapes-opt-small", "int4", "vqav2", "first-step.f32"), 100);
    const damaged = await costs("a");
    assert.equal(damaged.rows[1]?.firstStep, null);
    assert.match(damaged.notes[0]?.reason ?? "", /first-step\.f32: damaged: found SHA-256 .* with --first-steps\.$/);
    assert.equal((await inProcess(folder, ...two)).code, 0);
    assert.equal((await costs("a")).rows[1]?.firstStep?.samples, 12, "made anew");
    assertFails(
      await inProcess(folder, "costs"),
      2,
      "costs: found no folder, expected one or several that `run` wrote.",
    );
  });
});
