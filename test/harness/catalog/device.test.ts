/** Which device a command computes on: what is refused before anything is loaded, what `auto` takes, and what is recorded. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { chooseDevice, checkPrecision } from "../../../harness/catalog/device.ts";
import { deviceRequest } from "../../../harness/catalog/device-request.ts";
import type { ChoosingOptions } from "../../../harness/catalog/device.ts";
import { nvidiaAdapter } from "../../../harness/catalog/machine.ts";
import { adapterIn } from "../../../models/device/adapter.ts";
import type { ProviderName } from "../../../models/device/device.ts";
import { placementIn, placementOf } from "../../../models/device/placement-profile.ts";
import type { ProviderTrial } from "../../../models/device/provider-trial.ts";
import { cpuDevice } from "../../../models/device/device.ts";
import { describePrecision, parsePrecision } from "../../../models/checkpoint/precision.ts";
import { assertFails, inProcess } from "../../support/command-process.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const works = (name: string, isSoftware = false): ProviderTrial => ({
  status: "works",
  difference: 0,
  adapter: { name, driver: null, isSoftware },
});

/** A machine where these devices are compiled in, and say this when they are tried. */
function machine(trials: Partial<Record<ProviderName, ProviderTrial>>): ChoosingOptions & { readonly said: string[] } {
  const said: string[] = [];
  return {
    said,
    onMessage: (message) => void said.push(message),
    onPreparation: (event) => {
      if (event.kind === "note") said.push(event.message);
    },
    compiled: () => Object.keys(trials),
    trial: ({ provider }) => Promise.resolve(trials[provider]!),
  };
}

const failed = (reason: string): ProviderTrial => ({ status: "failed", reason, adapter: null });

describe("--device", () => {
  it("is the CPU unless told otherwise, which is not tried", async () => {
    const options = machine({});
    assert.deepEqual(await chooseDevice(deviceRequest(), options), {
      device: { provider: "cpu", id: 0 },
      adapter: null,
    });
    assert.deepEqual(options.said, []);
  });

  it("takes the device that is asked for, and knows its name", async () => {
    const { device, adapter } = await chooseDevice({ name: "webgpu", id: 0 }, machine({ webgpu: works("Some GPU") }));
    assert.deepEqual(device, { provider: "webgpu", id: 0, name: "Some GPU" });
    assert.equal(adapter?.name, "Some GPU");
  });

  it("takes a driver in software where it is asked for, and says that it is slow", async () => {
    const options = machine({ webgpu: works("llvmpipe (LLVM 15)", true) });
    assert.equal((await chooseDevice({ name: "webgpu", id: 0 }, options)).device.provider, "webgpu");
    assert.deepEqual(options.said, [
      "--device webgpu: llvmpipe (LLVM 15) is a driver in software, which is slower than the CPU.",
    ]);
  });

  it("refuses one that does not start, with what it said and what to do", async () => {
    await assert.rejects(
      chooseDevice({ name: "webgpu", id: 0 }, machine({ webgpu: failed("No supported adapters") })),
      {
        name: "UsageError",
        message: /^--device webgpu: it does not start: No supported adapters\. (Install|Update) .*driver/,
      },
    );
    await assert.rejects(chooseDevice({ name: "cuda", id: 3 }, machine({ cuda: failed("invalid device ordinal") })), {
      message:
        "--device cuda --device-id 3: it does not start: invalid device ordinal. nvidia-smi lists the GPUs; --device-id counts them from 0.",
    });
    const old = "CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version";
    await assert.rejects(chooseDevice({ name: "cuda", id: 0 }, machine({ cuda: failed(old) })), {
      message: `--device cuda: it does not start: ${old}. The driver is too old for CUDA 12: update it to release 525 or later.`,
    });
    await assert.rejects(chooseDevice({ name: "dml", id: 0 }, machine({})), {
      message: "--device dml: it does not start: it is not in this build of ONNX Runtime.",
    });
  });

  it("auto takes the first that works, never one in software, and says why not the others", async () => {
    const options = machine({
      cpu: works("cpu"),
      cuda: failed("Failed to load shared library."),
      webgpu: works("Some GPU"),
    });
    assert.equal((await chooseDevice({ name: "auto", id: 0 }, options)).device.provider, "webgpu");
    assert.deepEqual(options.said, ["--device auto: webgpu (Some GPU). Not cuda: Failed to load shared library."]);
    const slow = machine({ webgpu: works("SwiftShader Device (Subzero)", true) });
    assert.equal((await chooseDevice({ name: "auto", id: 0 }, slow)).device.provider, "cpu");
    assert.match(
      slow.said[0]!,
      /^--device auto: cpu\. Not cuda: it is not in this build of ONNX Runtime; not webgpu: /,
    );
    assert.match(
      slow.said[0]!,
      /SwiftShader Device \(Subzero\) is a driver in software, which is slower than the CPU;/,
    );
  });

  it("refuses numbers of devices that have none", () => {
    assert.deepEqual(deviceRequest("cuda", 1), { name: "cuda", id: 1 });
    for (const name of ["auto", "cpu"] as const) {
      assert.throws(() => deviceRequest(name, 1), {
        name: "UsageError",
        message: `--device-id 1: needs --device cuda or --device dml, found --device ${name}.`,
      });
    }
    assert.throws(() => deviceRequest("webgpu", 2), {
      message: "--device-id 2: webgpu takes the device that the system gives it; only cuda and dml have several.",
    });
  });

  it("refuses a precision that the device does not compute in, and says which it does", () => {
    const webgpu = { provider: "webgpu", id: 0 } as const;
    const int4 = checkPrecision(parsePrecision("int4"), webgpu);
    assert.equal(describePrecision(int4), "vision=int4,q-former=int4,projection=int4,language=int4");
    assert.equal(describePrecision(checkPrecision(parsePrecision("int4"), cpuDevice)), "int4");
    assert.throws(() => {
      checkPrecision(parsePrecision("int8"), webgpu);
    }, /^UsageError: --precision int8: webgpu does not compute in it; precisions there: fp32, .*int4\. Name one of these, or --device cpu\.$/);
    assert.throws(() => {
      checkPrecision(parsePrecision("language=int4,vision=int8"), webgpu);
    }, /--precision .* \(vision=int8\): webgpu does not compute in it/);
  });

  it("is checked before a folder is made", async () => {
    const folder = temporaryFolder();
    const run = (...words: string[]) =>
      inProcess(folder, "run", "--model", "shapes-opt-small", "--output", "a", ...words);
    assertFails(await run("--device", "gpu"), 2, /^error: --device: found "gpu", expected auto, cpu, cuda, webgpu/);
    assertFails(await run("--device-id", "1"), 2, /^error: --device-id 1: needs --device cuda/);
    assertFails(await run("--device", "dml", "--device-id", "x"), 2, /^error: --device-id: found "x"/);
    if (process.platform !== "win32")
      assertFails(await run("--device", "dml"), 2, /^error: --device dml: it does not start/);
    assert.ok(!existsSync(join(folder, "a")));
  });
});

describe("the name of a device", () => {
  it("is what Vulkan's loader says that it uses, or lists first", () => {
    const used = 'DRIVER:    Using "SwiftShader Device (Subzero)" with driver: "/usr/lib/libvk_swiftshader.so"\n';
    const driver = "/usr/lib/libvk_swiftshader.so";
    assert.deepEqual(adapterIn(used), { name: "SwiftShader Device (Subzero)", driver, isSoftware: true });
    const listed =
      "INFO:  Original order:\n  [0] B\nINFO:   Sorted order:\nINFO:    [0] NVIDIA L4  \nINFO:    [1] llvmpipe\n";
    assert.deepEqual(adapterIn(listed), { name: "NVIDIA L4", driver: null, isSoftware: false });
    assert.equal(adapterIn("nothing of it"), null);
  });

  it("is nvidia-smi's where CUDA computes; of several kinds all are named, as CUDA counts them in another order", async () => {
    const gpus = ["NVIDIA L4, 550.54, 23034 MiB", "NVIDIA L4, 550.54, 23034 MiB", "NVIDIA T4, 550.54, 15360 MiB"];
    assert.deepEqual(await nvidiaAdapter(Promise.resolve(gpus)), {
      name: "NVIDIA L4 or NVIDIA T4",
      driver: "550.54",
      isSoftware: false,
    });
    assert.equal(await nvidiaAdapter(Promise.resolve(null)), null);
  });
});

describe("nodes on a device", () => {
  const event = (name: string, provider: string, operator: string) => ({
    cat: "Node",
    name: `${name}_kernel_time`,
    args: { provider, op_name: operator },
  });

  it("are counted once, however often they ran, and those on the CPU by operator", () => {
    const profile = JSON.stringify([
      { cat: "Session", name: "session_initialization", args: {} },
      event("MatMul_1", "WebGpuExecutionProvider", "MatMul"),
      event("MatMul_1", "WebGpuExecutionProvider", "MatMul"),
      { ...event("MatMul_1", "WebGpuExecutionProvider", "MatMul"), name: "MatMul_1_fence_before" },
      event("Gather_2", "CPUExecutionProvider", "Gather"),
      event("Gather_3", "CPUExecutionProvider", "Gather"),
    ]);
    const placement = { nodes: 3, onDevice: 1, onCpu: { Gather: 2 } };
    assert.deepEqual(placementIn(profile), placement);
    const other = { nodes: 2, onDevice: 0, onCpu: { Gather: 1, Shape: 1 } };
    assert.deepEqual(placementOf([placement, other]), { nodes: 5, onDevice: 1, onCpu: { Gather: 3, Shape: 1 } });
  });
});
