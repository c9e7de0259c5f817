/** check:gpu as a process on the CPU, with a tiny checkpoint; how it judges, and what it says of where it computed. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { judgeParity } from "../../../harness/scripts/check-gpu/check-gpu-judge.ts";
import type { ParityRow } from "../../../harness/scripts/check-gpu/check-gpu-judge.ts";
import { largestDifference } from "../../../harness/scripts/check-gpu/check-gpu-parity.ts";
import {
  begun,
  describeChosen,
  exitCodeFor,
  kindOf,
  notRun,
} from "../../../harness/scripts/check-gpu/check-gpu-record.ts";
import type { CheckRecord } from "../../../harness/scripts/check-gpu/check-gpu-record.ts";
import { checkToMarkdown, checkToText } from "../../../harness/scripts/check-gpu/check-gpu-report.ts";
import { measureSpeed } from "../../../harness/scripts/check-gpu/check-gpu-speed.ts";
import { fp32Precision } from "../../../models/checkpoint/precision.ts";
import { generationShapes } from "../../../models/checkpoint/random-shapes.ts";
import type { Adapter } from "../../../models/device/adapter.ts";
import { cpuDevice } from "../../../models/device/device.ts";
import type { Device } from "../../../models/device/device.ts";
import { assertFails, runProcess } from "../../support/command-process.ts";
import type { Ended } from "../../support/command-process.ts";
import { projectRoot } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const command = path.join(projectRoot, "dist", "harness", "scripts", "check-gpu", "check-gpu.js");

function check(folder: string, ...words: string[]): Ended {
  return runProcess(folder, { command, words, env: { TMPDIR: folder } });
}

function readRecord(folder: string): CheckRecord {
  return JSON.parse(readFileSync(path.join(folder, "check-gpu.json"), "utf8")) as CheckRecord;
}

describe("check:gpu", () => {
  it("goes through all sections on the CPU, and does not call it a GPU", () => {
    const folder = temporaryFolder();
    const words = ["--device", "cpu", "--shape", "tiny", "--questions", "4", "--images", "2", "--rounds", "1"];
    const { code, out, err } = check(folder, ...words, "--output", "found");
    assert.equal(code, 0, err);
    const { device, parity, speed, ceilings, packages, flags } = readRecord(path.join(folder, "found"));
    for (const { status } of [device, parity, speed, ceilings]) assert.equal(status, "done");
    assert.equal(flags["questions"], "4");
    assert.match(packages["onnxruntime-node"] ?? "", /^\d/);
    assert.equal(device.found?.chosen?.kind, "cpu");
    assert.deepEqual(
      device.found.devices.map((each) => each.device),
      ["cpu", "cuda", "webgpu", "coreml", "dml"],
    );

    const rows = parity.found?.rows ?? [];
    assert.deepEqual(
      rows.map(({ checkpoint, precision, generation }) => `${checkpoint} ${precision} ${generation ?? "ranks"}`),
      ["fp32", "fp16", "int4"].flatMap((precision) => [
        `shapes-opt-small ${precision} stepwise`,
        `shapes-opt-small ${precision} graph`,
        `shapes-t5-small ${precision} stepwise`,
        `shapes-t5-small ${precision} graph`,
        `shapes-itm ${precision} ranks`,
      ]),
    );
    assert.ok(rows.every(({ compared }) => compared === 4));
    assert.deepEqual(parity.found?.verdict, { holds: true, reasons: [] });
    assert.deepEqual(Object.keys(rows[0]!.differences), ["score", "first step"]);

    const found = speed.found!.speed;
    assert.equal(found.precision, "fp16");
    assert.deepEqual(
      found.works.map(({ work, questions }) => [work, questions]),
      [
        ["vqa", 10],
        ["caption", 2],
        ["greedy caption", 1],
      ],
    );
    for (const { questionsPerSecond, tokensPerSecond } of found.works) {
      assert.ok(questionsPerSecond > 0 && tokensPerSecond > questionsPerSecond);
    }
    assert.ok(found.firstTokenMs > 0 && found.step.bytesPerSecond > 0);
    const { shares, ceilings: most } = ceilings.found!;
    assert.ok(most.fp32 > 0 && most.oneRowFp16! > 0);
    assert.ok(shares !== null && shares.stepOfBandwidth > 0 && shares.visionOfMatrixRate! > 0);

    assert.match(out, /^Device: cpu: .*: no GPU was computed on$/m);
    assert.match(out, /^The device is the CPU: it was compared with itself\.$/m);
    assert.match(out, /^shapes-t5-small +fp32 +graph +4 of 4 /m);
    const markdown = readFileSync(path.join(folder, "found", "check-gpu.md"), "utf8");
    assert.match(markdown, /^\| shapes-t5-small \| fp32 \| graph \| 4 of 4 \|/m);
    assert.match(err, /^check:gpu: parity: shapes-itm int4$/m);
  });

  it("refuses flags that it does not know, or cannot use, before anything is written", () => {
    const folder = temporaryFolder({ "a-file": "" });
    const cases: readonly (readonly [words: readonly string[], message: string | RegExp])[] = [
      [["--shpe", "tiny"], /^error: check:gpu --shpe: no such flag\. Did you mean --shape\? /],
      [["--shape", "tinny"], /^error: --shape tinny: no such shape\. Did you mean tiny\? Shapes: tiny, base, /],
      [
        ["--device", "cudda"],
        "check:gpu --device cudda: no such value. Did you mean cuda? Values: auto, cpu, cuda, webgpu, coreml, dml.",
      ],
      [["--device-id", "x"], 'check:gpu --device-id: found "x", expected a whole number from 0 on.'],
      [["--device-id", "1"], /^error: --device-id 1: needs --device cuda or --device dml, found --device auto\./],
      [["--precision", "fp17"], /^error: found "fp17", expected one of the precisions /],
      [["--generation", "steps"], /^error: check:gpu --generation steps: no such value\. /],
      [["--questions", "0"], 'check:gpu --questions: found "0", expected a whole number from 1 on.'],
      [["--output", "a-file"], "check:gpu --output a-file: no folder can be made there. Give another."],
    ];
    for (const [words, message] of cases) assertFails(check(folder, ...words), 2, message);
    assert.equal(existsSync(path.join(folder, "check-gpu")), false);
  });

  it("says why a device does not start, and ends there", () => {
    const folder = temporaryFolder();
    const device = process.platform === "darwin" ? "dml" : "coreml";
    const { code, out } = check(folder, "--device", device, "--shape", "tiny", "--output", "found");
    assert.equal(code, 2);
    assert.match(out, /^Device: none$/m);
    assert.match(out, new RegExp(`^Failed: --device ${device}: it does not start: `, "m"));
    const { device: section, parity } = readRecord(path.join(folder, "found"));
    assert.equal(section.found?.chosen, null);
    assert.equal(parity.status, "not run");
  });

  it("writes no checkpoint where there is no room for it", async () => {
    const { tiny } = generationShapes;
    const shape = { ...tiny, text: { ...tiny.text, vocabulary: 1e13 } };
    const folder = path.join(temporaryFolder(), "large");
    const counts = { threads: 1, images: 1, batch: 1, rounds: 1 };
    const told: string[] = [];
    const options = { shape, folder, device: cpuDevice, precision: fp32Precision, generation: "auto" as const };
    const speed = measureSpeed({ ...options, ...counts, onProgress: (message) => told.push(message) });
    await assert.rejects(speed, (error: Error) => {
      assert.equal(error.name, "UsageError");
      assert.match(
        error.message,
        /large: found .* GB free, expected 2560000\.0 GB for the checkpoint\. Give a --folder /,
      );
      return true;
    });
    assert.match(told.join("\n"), /takes 2560000\.0 GB at most of .* GB free/);
    assert.equal(existsSync(folder), false);
  });
});

const row: ParityRow = {
  checkpoint: "a",
  precision: "fp32",
  generation: "graph",
  compared: 4,
  same: 4,
  differences: { score: 2e-5 },
};

describe("parity", () => {
  it("holds where fp32 gives the same answers and numbers, whatever fewer bits give", () => {
    assert.deepEqual(judgeParity([row, { ...row, precision: "fp16", same: 1, differences: { score: 3 } }]), {
      holds: true,
      reasons: [],
    });
  });

  it("does not for another answer, a number that is off or none, or no comparison", () => {
    const cases: readonly (readonly [row: Partial<ParityRow>, reason: string])[] = [
      [{ same: 3 }, "a fp32 graph: 3 of 4 answers are the CPU's."],
      [{ generation: null, compared: 0, same: 0 }, "a fp32: 0 of 0 answers are the CPU's."],
      [{ differences: { score: 0.02 } }, "a fp32 graph: score is 2.0e-2 off the CPU's, expected 0.001 at most."],
      [{ differences: { score: NaN } }, "a fp32 graph: score is NaN off the CPU's, expected 0.001 at most."],
    ];
    for (const [changed, reason] of cases) {
      assert.deepEqual(judgeParity([row, { ...row, ...changed }]), { holds: false, reasons: [reason] });
    }
    assert.deepEqual(judgeParity([]), { holds: false, reasons: ["Nothing was compared in fp32."] });
  });

  it("is told by the largest difference, infinite where there is none to tell", () => {
    const of = (found: number[], expected: number[]): number =>
      largestDifference(Float32Array.from(found), Float32Array.from(expected));
    assert.equal(of([1, 2, -Infinity], [1, 2.5, -Infinity]), 0.5);
    assert.equal(of([1], [1, 2]), Infinity);
    assert.equal(of([1, NaN], [1, NaN]), Infinity);
    assert.equal(of([1], [Infinity]), Infinity);
  });
});

describe("the exit code of check:gpu", () => {
  const done = <Found>(found: Found) => ({ ...notRun, status: "done" as const, found });
  const failed = { ...notRun, status: "failed" as const, reason: "lost" };
  const good = { rows: [row], verdict: { holds: true, reasons: [] } };
  const broken = { rows: [row], verdict: { holds: false, reasons: ["a"] } };
  // Only whether they are done counts.
  const rest = { device: { ...notRun, status: "done" }, speed: { ...notRun, status: "done" } } as const;
  const all = { ...rest, ceilings: rest.speed };

  it("is 1 where parity is broken or not told, 2 without a device, 3 where another section failed", () => {
    assert.equal(exitCodeFor({ ...all, parity: done(good) }), 0);
    assert.equal(exitCodeFor({ ...all, parity: done(broken) }), 1);
    assert.equal(exitCodeFor({ ...all, parity: failed }), 1);
    assert.equal(exitCodeFor({ ...all, parity: begun }), 1);
    assert.equal(exitCodeFor({ ...all, speed: failed, parity: done(broken) }), 1);
    assert.equal(exitCodeFor({ ...all, speed: failed, parity: done(good) }), 3);
    assert.equal(exitCodeFor({ ...all, ceilings: failed, parity: done(good) }), 3);
    assert.equal(exitCodeFor({ ...all, device: failed, parity: notRun }), 2);
  });
});

describe("the report of check:gpu", () => {
  const record = (device: Device, adapter: Adapter | null): CheckRecord => ({
    made: "2026-11-26T00:00:00.000Z",
    flags: { shape: "tiny" },
    code: { version: "1", commit: null, dirty: null, fingerprint: "" },
    packages: {},
    processor: { model: "A CPU", cores: 2, threads: 2, memoryBytes: 1, platform: "linux", node: "v20" },
    device: {
      ...notRun,
      status: "done",
      found: { devices: [], nvidia: null, vulkan: [], chosen: { ...device, adapter, kind: kindOf(device, adapter) } },
    },
    parity: { ...begun, found: { rows: [row], verdict: judgeParity([{ ...row, same: 1 }]) } },
    speed: { ...notRun, status: "failed", reason: "the device was lost" },
    ceilings: notRun,
  });
  const cuda: Device = { provider: "cuda", id: 1 };

  it("tells a GPU, a driver in software and the CPU apart", () => {
    const chosen = (device: Device, adapter: Adapter | null): string => describeChosen(record(device, adapter));
    assert.equal(chosen(cuda, { name: "A | GPU", driver: "550", isSoftware: false }), "cuda 1: A | GPU, driver 550");
    assert.equal(
      chosen({ provider: "webgpu", id: 0 }, { name: "SwiftShader", driver: null, isSoftware: true }),
      "webgpu: SwiftShader: a driver in software, no GPU",
    );
    assert.equal(chosen({ provider: "dml", id: 0 }, null), "dml 0: a device that does not tell its name");
    assert.equal(chosen(cpuDevice, null), "cpu: A CPU: no GPU was computed on");
  });

  it("says what failed, what was not finished and what does not hold", () => {
    const found = record(cuda, { name: "A | GPU", driver: "550", isSoftware: false });
    for (const text of [checkToText(found), checkToMarkdown(found)]) {
      assert.match(text, /Parity with the CPU: does not hold$/m);
      assert.match(text, /^a fp32 graph: 1 of 4 answers are the CPU's\.$/m);
      assert.match(text, /^CUDA may multiply fp32 in TF32.*NVIDIA_TF32_OVERRIDE=0/m);
      assert.match(text, /^Begun, and not finished\.$/m);
      assert.match(text, /^Failed: the device was lost$/m);
      assert.match(text, /^Not run\.$/m);
    }
    assert.match(checkToMarkdown({ ...found, flags: { shape: "a" } }), /^## Device: cuda 1: A \| GPU, driver 550$/m);
  });
});
