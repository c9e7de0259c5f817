/** What doctor says of devices, and that a device which crashes ends nothing but its own process. */
import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { autoDevice } from "../../../harness/catalog/found-devices.ts";
import type { DeviceFinding } from "../../../harness/catalog/found-devices.ts";
import { adviceFor, cudaCommand } from "../../../harness/catalog/device-advice.ts";
import { freeBytes, vulkanDrivers } from "../../../harness/catalog/machine.ts";
import { tryProvider } from "../../../models/device/provider-trial.ts";
import { cpuDevice } from "../../../models/device/device.ts";
import type { ProviderName } from "../../../models/device/device.ts";
import { inProcess } from "../../support/command-process.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const webgpu = { provider: "webgpu", id: 0 } as const;

/** Stands in for the program that starts a device. */
function script(text: string): string {
  const file = path.join(temporaryFolder(), "device.mjs");
  writeFileSync(file, text);
  return file;
}

describe("starting a device", () => {
  it("computes on the CPU what the CPU computes", async () => {
    assert.deepEqual(await tryProvider(cpuDevice), { status: "works", difference: 0, adapter: null });
  });

  it("survives a driver that crashes", async () => {
    const trial = await tryProvider(webgpu, { script: script("process.kill(process.pid, 'SIGSEGV')") });
    assert.deepEqual(trial, { status: "failed", reason: "its process crashed (SIGSEGV)", adapter: null });
  });

  it("ends a driver that hangs", async () => {
    const hanging = script("setInterval(() => {}, 1000)");
    const trial = await tryProvider(webgpu, { script: hanging, timeoutMs: 500 });
    assert.deepEqual(trial, { status: "failed", reason: "it did not answer in 0.5 s", adapter: null });
  });

  it("says with which code a process ended, and that one gave no answer", async () => {
    const reason = async (text: string): Promise<unknown> =>
      tryProvider({ provider: "cuda", id: 0 }, { script: script(text) });
    assert.deepEqual(await reason("process.exit(7)"), {
      status: "failed",
      reason: "its process ended with code 7",
      adapter: null,
    });
    assert.deepEqual(await reason(""), { status: "failed", reason: "its process gave no answer", adapter: null });
  });

  it("leaves out where in ONNX Runtime's source an error arose", async () => {
    const error = "/onnxruntime_src/a.cc:136 f() [b] x == y was false. Failed to get an adapter\n";
    const trial = await tryProvider(webgpu, {
      script: script(`process.stdout.write(JSON.stringify({ error: ${JSON.stringify(error)} }))`),
    });
    assert.deepEqual(trial, { status: "failed", reason: "Failed to get an adapter", adapter: null });
  });

  it("takes no device whose numbers are wrong", async () => {
    const wrong = script("process.stdout.write(JSON.stringify({ difference: 0.07 }))");
    const reason = "its numbers are 0.07 off the CPU's, expected 0.001 at most";
    assert.deepEqual(await tryProvider(webgpu, { script: wrong }), { status: "failed", reason, adapter: null });
    const none = script("process.stdout.write(JSON.stringify({ difference: NaN }))");
    const notFinite = "its numbers are not finite, and so no off the CPU's, expected 0.001 at most";
    assert.deepEqual(await tryProvider(webgpu, { script: none }), {
      status: "failed",
      reason: notFinite,
      adapter: null,
    });
  });
});

describe("doctor", () => {
  it("names every device, what it says, and the machine", async () => {
    const { code, out } = await inProcess(temporaryFolder(), "doctor", "--quiet");
    assert.equal(code, 0);
    assert.match(out, /^cpu +works +within 0 of the CPU +fp32, fp16, int8, int8-block, int4$/m);
    assert.match(out, /^--device auto +\w+$/m);
    for (const device of ["cuda", "webgpu", "coreml", "dml"]) {
      assert.match(out, new RegExp(`^${device} +(works|failed|missing)  `, "m"));
    }
    for (const what of ["Node", "onnxruntime-node", "Vulkan drivers", "memory", "cache", "Hugging Face cache"]) {
      assert.match(out, new RegExp(`^${what} +\\S`, "m"));
    }
    assert.match(out, /^ONNX Runtime's telemetry +off \(ORT_DISABLE_TELEMETRY=1\)$/m);
  });

  it("gives the same as JSON", async () => {
    const { out } = await inProcess(temporaryFolder(), "doctor", "--json", "--quiet");
    const { node, devices } = JSON.parse(out) as { node: string; devices: { device: string; status: string }[] };
    assert.equal(node, process.version);
    assert.deepEqual(devices[0], {
      device: "cpu",
      status: "works",
      difference: 0,
      precisions: ["fp32", "fp16", "int8", "int8-block", "int4"],
      adapter: null,
      reason: null,
      advice: null,
    });
  });

  it("says what --device auto takes: the first that works, and never one in software", () => {
    const found = (device: ProviderName, isSoftware = false): DeviceFinding => ({
      device,
      status: "works",
      difference: 0,
      precisions: [],
      reason: null,
      advice: null,
      adapter: { name: device, driver: null, isSoftware },
    });
    assert.equal(autoDevice([found("cpu"), found("dml"), found("webgpu")]), "webgpu");
    assert.equal(autoDevice([found("cpu"), found("webgpu", true)]), "cpu");
    assert.equal(autoDevice([found("cpu"), { ...found("cuda"), status: "failed" }]), "cpu");
  });

  it("gives the command that adds CUDA, by a script that is there", () => {
    const advice = adviceFor("cuda", "Failed to load shared library");
    assert.ok(advice.includes(`\n  ${cudaCommand()}\n`));
    const [, file = ""] = /^ONNXRUNTIME_NODE_INSTALL=cuda12 node "(.+)"$/.exec(cudaCommand()) ?? [];
    assert.ok(existsSync(file));
    assert.match(adviceFor("cuda", "no CUDA-capable device is detected"), /nvidia-smi/);
    assert.match(adviceFor("cpu", "anything"), /npm ci/);
    assert.match(adviceFor("webgpu", "No supported adapters"), /driver/);
    assert.match(adviceFor("dml", "anything"), /driver/);
  });

  it("finds Vulkan drivers by their files, and the disk of a folder that is not there yet", async () => {
    const folder = temporaryFolder();
    const file = path.join(folder, "some_icd.json");
    writeFileSync(file, "{}");
    writeFileSync(path.join(folder, "README"), "");
    assert.deepEqual(await vulkanDrivers([path.join(folder, "none"), folder]), [file]);
    assert.ok(((await freeBytes(path.join(folder, "to", "be", "made"))) ?? 0) > 0);
  });
});
