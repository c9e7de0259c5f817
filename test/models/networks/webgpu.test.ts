/**
 * WebGPU on a Vulkan driver in software, chromium's: what doctor says of it, stages and answers of the small bundled
 * checkpoints, and what stays on the device.
 * Skipped where the driver or Vulkan's loader (Debian: chromium, libvulkan1) is absent.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import type { RunRecord } from "../../../reports/records/run-record.ts";
import { realCommand, runProcess } from "../../support/command-process.ts";
import type { Ended } from "../../support/command-process.ts";
import { projectRoot } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const driver = "/usr/lib/chromium/vk_swiftshader_icd.json";
const loaders = ["/usr/lib/x86_64-linux-gnu/libvulkan.so.1", "/usr/lib/aarch64-linux-gnu/libvulkan.so.1"];
const tolerance = 1e-3; // seen: 2e-5
/** Of the process in 10 batches: for what the count of tensors does not show; seen: 1 MB up or down. */
const mostGrowth = 13e6;
const image = path.join(projectRoot, "datasets", "bundled", "val2014", "COCO_val2014_000000001000.jpg");

/** Of the processes that compute on it alone: others must not find a device that is this slow. */
const env = { VK_ICD_FILENAMES: driver };

describe("WebGPU on a software driver", () => {
  before(function () {
    const missing = [driver, ...(loaders.some((file) => existsSync(file)) ? [] : loaders)].filter(
      (file) => !existsSync(file),
    );
    if (missing.length === 0) return;
    process.stdout.write(`    no software Vulkan driver: ${missing.join(", ")}: no such file\n`);
    this.skip();
  });

  it("starts, says doctor, and computes what the CPU does", () => {
    const words = ["doctor", "--json", "--quiet"];
    const { code, out } = runProcess(temporaryFolder(), { command: realCommand, words, env });
    assert.equal(code, 0);
    const { devices } = JSON.parse(out) as { devices: { device: string; status: string }[] };
    assert.equal(devices.find(({ device }) => device === "webgpu")?.status, "works");
  });

  it("is computed on by a run, whose row says what it was and which nodes it ran", () => {
    const folder = temporaryFolder();
    const run = (...more: string[]): Ended => {
      const words = [
        "run",
        "--model",
        "shapes-opt-small",
        "--tasks",
        "vqav2",
        "--limit",
        "2",
        "--output",
        "a",
        ...more,
      ];
      return runProcess(folder, { command: realCommand, words: [...words, "--no-report"], env });
    };
    const { code, out, err } = run("--device", "webgpu");
    assert.equal(code, 0, err);
    assert.match(err, /^--device webgpu: SwiftShader.* is a driver in software, which is slower than the CPU\.$/m);
    assert.match(out, /^shapes-opt-small +webgpu +vqav2/m);
    assert.match(out, /: on SwiftShader.*: (\d+) of \d+ nodes \(9\d\.\d %\); on the CPU: /);
    const record = JSON.parse(readFileSync(path.join(folder, "a", "run.json"), "utf8")) as RunRecord;
    assert.equal(record.config.device, "webgpu");
    assert.match(record.device?.driver ?? "", /libvk_swiftshader/);
    const { nodes, onDevice, onCpu } = record.measured!.placement!;
    assert.equal(onDevice + Object.values(onCpu).reduce((sum, count) => sum + count, 0), nodes);
    assert.ok(onDevice / nodes > 0.9, `${onDevice} of ${nodes}`);

    const other = run();
    assert.equal(other.code, 2);
    assert.match(other.err, /config\.device/);
  });

  it("is passed over by --device auto, which says why", () => {
    const words = ["caption", image, "--device", "auto", "--min-new-tokens", "1", "--max-new-tokens", "2"];
    const { code, err } = runProcess(temporaryFolder(), { command: realCommand, words, env });
    assert.equal(code, 0, err);
    assert.match(err, /^--device auto: cpu\. Not cuda: .*; not webgpu: SwiftShader.* is a driver in software/m);
  });

  for (const [name, stages] of [
    ["shapes-opt-small", ["vision", "Q-Former", "projection", "OPT"]],
    ["shapes-t5-small", ["vision", "Q-Former", "projection", "T5"]],
    ["shapes-itm", ["vision", "image vectors", "ITC", "ITM"]],
  ] as const) {
    it(`gives the reference's tensors with ${name}`, () => {
      const differences = JSON.parse(program("webgpu-stages.js", name)) as Record<string, number>;
      assert.deepEqual(Object.keys(differences), stages);
      for (const stage of stages) assert.ok(differences[stage]! <= tolerance, `${stage}: ${differences[stage]}`);
    });
  }

  for (const [name, own] of [
    ["shapes-opt-small", ["join-rows: joined.past_keys.N"]],
    ["shapes-t5-small", ["encoder: hidden", "cross-attention: keys.N", "pick-rows: picked.source_values.N"]],
  ] as const) {
    it(`answers as the CPU does with ${name}, keeps keys and values on the device, and gives all of it back`, () => {
      const { questions, equal, kept, live, residentBytes, made, freed } = JSON.parse(
        program("webgpu-answers.js", name),
      ) as Answers;
      assert.equal(equal, questions);
      assert.ok(questions >= 20);
      const all = ["vision: image_tokens", "q-former: query_output", "decoder: keys.N", "decoder: values.N"];
      for (const output of [...all, "pick-rows: picked.past_keys.N", ...own]) assert.ok(kept.includes(output), output);

      assert.equal(live.length, 20);
      assert.deepEqual(new Set(live), new Set([live[0]]), "as much after each batch: what is kept of the last image");
      assert.equal(freed, made, "nothing is left when the model is released");
      const growth = residentBytes[19]! - residentBytes[9]!;
      assert.ok(growth < mostGrowth, `${growth} bytes in 10 batches`);
    });
  }
});

/** What webgpu-answers.ts prints. */
interface Answers {
  readonly questions: number;
  readonly equal: number;
  readonly kept: readonly string[];
  readonly live: readonly number[];
  readonly residentBytes: readonly number[];
  readonly made: number;
  readonly freed: number;
}

function program(file: string, name: string): string {
  const command = path.join(projectRoot, "dist", "test", "support", file);
  const { code, out, err } = runProcess(temporaryFolder(), { command, words: [name], env });
  assert.equal(code, 0, err);
  return out;
}
