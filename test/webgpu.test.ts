/**
 * WebGPU on a Vulkan driver in software, chromium's: what doctor says of it, and the stages of the small bundled checkpoints.
 * Skipped where the driver or Vulkan's loader (Debian: chromium, libvulkan1) is absent.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import path from "node:path";
import { realCommand, runProcess } from "./command-process.ts";
import { projectRoot } from "./project.ts";
import { temporaryFolder } from "./temporary-files.ts";

const driver = "/usr/lib/chromium/vk_swiftshader_icd.json";
const loaders = ["/usr/lib/x86_64-linux-gnu/libvulkan.so.1", "/usr/lib/aarch64-linux-gnu/libvulkan.so.1"];
const tolerance = 1e-3; // seen: 2e-5

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

  for (const [name, stages] of [
    ["shapes-opt-small", 2],
    ["shapes-t5-small", 2],
    ["shapes-itm", 1],
  ] as const) {
    it(`gives the reference's tensors with ${name}`, () => {
      const command = path.join(projectRoot, "dist", "test", "webgpu-stages.js");
      const { code, out, err } = runProcess(temporaryFolder(), { command, words: [name], env });
      assert.equal(code, 0, err);
      const differences = Object.entries(JSON.parse(out) as Record<string, number>);
      assert.equal(differences.length, stages);
      for (const [stage, difference] of differences) assert.ok(difference <= tolerance, `${stage}: ${difference}`);
    });
  }
});
