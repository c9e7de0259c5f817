/** Baselines: what goes in comes out, the same bytes each time, small enough for git. */
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { partnerOf } from "../../harness/analysis/gate/pair-runs.ts";
import { drawKeys, randomShare } from "../../harness/statistics/random.ts";
import { readBaseline } from "../../reports/records/findings/baseline.ts";
import type { BaselineRun } from "../../reports/records/findings/baseline.ts";
import { machineClassOf } from "../../reports/records/machine-class.ts";
import { packColumns, unpackColumns } from "../../reports/records/findings/packed-columns.ts";
import { answers, baselineOf, command, madeRun, newPath } from "../support/gated-runs.ts";

describe("a baseline's run on another device", () => {
  it("is the partner only where there is none on the same", async () => {
    const [onCpu] = await readBaseline(await baselineOf({ samples: answers(3) }));
    const { record, scores } = onCpu!;
    const onGpu: BaselineRun = { record: { ...record, config: { ...record.config, device: "webgpu" } }, scores };
    const partner = (candidate: typeof record, ...entries: BaselineRun[]) =>
      partnerOf(candidate, { entries, candidates: [candidate] });
    for (const own of [onGpu, { record, scores }]) {
      assert.equal(partner(own.record, { record, scores }, onGpu)?.record.config.device, own.record.config.device);
    }
    assert.equal(partner(onGpu.record, { record, scores })?.record, record);
    assert.match(
      machineClassOf({ ...record, device: { provider: "webgpu", id: 0, name: "A", driver: null } }),
      /webgpu on A$/,
    );
  });
});

describe("packed columns", () => {
  it("come back as they were", () => {
    const columns = {
      ids: ["458752000", "458752001", "262148000"],
      names: ["a", "é", "a"],
      zeros: ["007", "1e3", "-0"],
      steps: [5, -7, 2 ** 49],
      grades: [0.3, 1, 0.3],
      signed: [-0, 0, 1],
      scores: [Math.PI, -1e-300, 12.25],
      none: [],
    };
    const back = unpackColumns(packColumns(columns));
    assert.deepEqual(back, columns);
    assert.ok(Object.is(back["signed"][0], -0));
  });

  it("say which of them is broken", () => {
    const packed = packColumns({ ids: ["1", "2"], grades: [0.5, 0.25, 0.5] });
    const short = { ids: { ...packed["ids"]!, length: 3 } };
    assert.throws(() => unpackColumns(short), /column "ids" cannot be unpacked: found 2 values, expected 3/);
    const bad = { grades: { ...packed["grades"]!, packed: "AAAA" } };
    assert.throws(() => unpackColumns(bad), /column "grades" cannot be unpacked/);
  });

  it("take less than 2 MB for VQAv2 val's 214,354 questions, answers included", () => {
    const keys = drawKeys(1, 0);
    const at = (place: number): number => randomShare(keys, place);
    const length = 214_354;
    const images = Array.from({ length }, (_, place) => 42 + 14 * Math.floor(place / 5.29));
    const size = JSON.stringify(
      packColumns({
        id: images.map((image, place) => String(image * 1000 + (place % 5))),
        image: images.map(String),
        // Of 3,000 answers, the more common the sooner: a fifth of them is the first.
        answer: images.map((_, place) => `answer ${Math.floor(3000 ** at(place))}`),
        answerType: images.map((_, place) => ["yes/no", "number", "other"][Math.floor(3 * at(place + length))]!),
        accuracy: images.map((_, place) => [0, 0.3, 0.6, 0.9, 1][Math.floor(5 * at(place + 2 * length))]!),
      }),
    ).length;
    assert.ok(size < 2e6, `${size} bytes`);
  });
});

describe("a baseline", () => {
  it("keeps scores and fingerprints, and no path of the machine", async () => {
    const file = await baselineOf({ samples: answers(30, { lost: 3 }) });
    const [run, ...more] = await readBaseline(file);
    assert.equal(more.length, 0);
    assert.deepEqual(
      run?.scores.samples["accuracy"],
      answers(30, { lost: 3 }).map(({ score }) => score),
    );
    const { record, scores } = run;
    assert.deepEqual([record.checkpoint.fingerprint, record.code.fingerprint, scores.scorer], ["f00d", "beef", "5c0e"]);
    assert.equal(record.checkpoint.source, "tiny");
    assert.match(readFileSync(file, "utf8"), /"machine": "cpu, 1 cores, 1 threads, linux"/);
  });

  it("has the same bytes for the same runs, in whatever order they are given", async () => {
    const [one, other] = [madeRun({ samples: answers(30) }), madeRun({ samples: answers(9), task: "gqa" })];
    const files = [newPath("a.json"), newPath("b.json")];
    await command("baseline", one, other, "--output", files[0]!);
    await command("baseline", other, one, "--output", files[1]!);
    const [first, second] = files.map((file) => readFileSync(file, "utf8"));
    assert.equal(first, second);
    assert.equal((await readBaseline(files[0]!)).length, 2);
    assert.ok(statSync(files[0]!).size < 10_000);
  });
});
