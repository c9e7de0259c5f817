/** `blip2-bench doctor`: what this machine can run models on, what is in the way, and what to do about it. */
import { cpus, freemem, totalmem } from "node:os";
import type { ProviderName } from "../../../models/device/device.ts";
import { telemetry } from "../../../models/telemetry.ts";
import { formatColumns } from "../../../reports/tables/table.ts";
import { usableProcessors } from "../../catalog/usable-processors.ts";
import { cachedCheckpoints, clockGovernor, freeBytes, nvidiaGpus, vulkanDrivers } from "../../catalog/machine.ts";
import { autoDevice, findDevices } from "../../catalog/found-devices.ts";
import type { DeviceFinding } from "../../catalog/found-devices.ts";
import { askHub } from "../../pull/hub/ask-hub.ts";
import type { HubState } from "../../pull/hub/ask-hub.ts";
import { withNetwork } from "../pull/with-network.ts";
import { completeCode, internalCode } from "../exit-code.ts";
import { cacheHelp, refuseExcess, refuseFlagsAsValues, withOutputFlags } from "../flags.ts";
import type { AddCommand, OutputFlags, Surroundings } from "../flags.ts";
import { installedVersion } from "../../catalog/provenance.ts";
import { cacheFolderOf } from "../../evaluation/run-config.ts";

interface DoctorFlags extends OutputFlags {
  readonly cache?: string;
  readonly online?: boolean;
}

export const addDoctor: AddCommand = (program, called) => {
  const command = program.command("doctor").description("what this machine can run models on, and what is in the way");
  command.option("--cache <folder>", cacheHelp).option("--online", "ask the Hugging Face hub, too, whether it answers");
  withOutputFlags(command).action(() => {
    refuseExcess(command, 0);
    refuseFlagsAsValues(command);
    const flags = command.opts<DoctorFlags>();
    called({ flags, perform: (surroundings) => examine(flags, surroundings) });
  });
};

/** null is what could not be found out, or is not there. */
interface Diagnosis {
  readonly node: string;
  readonly onnxruntime: string;
  /** ONNX Runtime's own; this program has none. */
  readonly telemetry: ReturnType<typeof telemetry>;
  readonly devices: readonly DeviceFinding[];
  /** What --device auto takes. */
  readonly auto: ProviderName;
  readonly drivers: { readonly nvidia: readonly string[] | null; readonly vulkan: readonly string[] };
  readonly processor: { readonly model: string; readonly cores: number; readonly governor: string | null };
  readonly memory: { readonly totalBytes: number; readonly freeBytes: number };
  readonly cache: { readonly folder: string; readonly freeBytes: number | null };
  /** Null: it was not to be asked. */
  readonly hub: HubState | null;
  readonly huggingFace: { readonly folder: string; readonly checkpoints: number | null };
}

/** Gives the exit code: complete where the CPU computes, whatever else does not. */
async function examine(
  flags: DoctorFlags,
  { terminal, isJson, hub, hubCache, cacheFolder: otherwise }: Surroundings,
): Promise<number> {
  const settings = hub();
  const asked =
    flags.online === true
      ? await withNetwork(settings.network, terminal, ({ network }) => askHub(network, settings))
      : { value: null };
  if ("exitCode" in asked) return asked.exitCode;
  const folder = cacheFolderOf(flags.cache, otherwise);
  const devices = await findDevices((name) => {
    terminal.note(`trying ${name}`);
  });
  const diagnosis: Diagnosis = {
    node: process.version,
    onnxruntime: await installedVersion("onnxruntime-node"),
    telemetry: telemetry(),
    devices,
    auto: autoDevice(devices),
    drivers: { nvidia: await nvidiaGpus(), vulkan: await vulkanDrivers() },
    processor: {
      model: cpus()[0]?.model.trim() ?? "unknown",
      cores: usableProcessors(),
      governor: await clockGovernor(),
    },
    memory: { totalBytes: totalmem(), freeBytes: freemem() },
    cache: { folder, freeBytes: await freeBytes(folder) },
    hub: asked.value,
    huggingFace: { folder: hubCache, checkpoints: await cachedCheckpoints(hubCache) },
  };
  terminal.result(isJson ? JSON.stringify(diagnosis, null, 2) : describe(diagnosis));
  const isUsable = diagnosis.devices.some(({ device, status }) => device === "cpu" && status === "works");
  return isUsable ? completeCode : internalCode;
}

function describe({ devices, ...diagnosis }: Diagnosis): string {
  const { drivers, processor, memory, cache, huggingFace } = diagnosis;
  const table = formatColumns(
    ["device", "state", "what it says", "precisions"],
    devices.map(({ device, status, difference, precisions, adapter, reason }) => [
      device,
      status,
      reason ??
        `within ${difference === null || difference === 0 ? 0 : difference.toExponential(1)} of the CPU` +
          (adapter === null ? "" : `; ${adapter.name}${adapter.isSoftware ? ", a driver in software" : ""}`),
      precisions.join(", "),
    ]),
  );
  const { cores } = processor;
  const all = cpus().length;
  const governor = processor.governor === null ? "" : `, clock set by "${processor.governor}"`;
  const facts = formatColumns(
    ["what", "found"],
    [
      ["--device auto", diagnosis.auto],
      ["Node", diagnosis.node],
      ["onnxruntime-node", diagnosis.onnxruntime],
      ["ONNX Runtime's telemetry", `${diagnosis.telemetry.isOff ? "off" : "on"} (${diagnosis.telemetry.setting})`],
      ["NVIDIA GPUs", drivers.nvidia?.join("; ") ?? "none that nvidia-smi finds"],
      ["Vulkan drivers", drivers.vulkan.length === 0 ? "none" : drivers.vulkan.join(", ")],
      [
        "processor",
        `${processor.model}, ${cores < all ? `${cores} of ${all} cores may be used` : `${cores} cores`}${governor}`,
      ],
      ["memory", `${gigabytes(memory.totalBytes)}, ${gigabytes(memory.freeBytes)} free`],
      [
        "cache",
        `${cache.folder}, ${cache.freeBytes === null ? "unknown" : gigabytes(cache.freeBytes)} free on its disk`,
      ],
      ...(diagnosis.hub === null ? [] : [["Hugging Face hub", `${diagnosis.hub.endpoint} ${diagnosis.hub.words}`]]),
      ["Hugging Face cache", `${huggingFace.folder}, ${countOf(huggingFace.checkpoints)}`],
    ],
  );
  const advice = devices.flatMap(({ device, advice }) => (advice === null ? [] : [`${device}: ${advice}`]));
  return [table, "", facts, ...(advice.length > 0 ? ["", ...advice] : [])].join("\n");
}

function countOf(checkpoints: number | null): string {
  if (checkpoints === null) return "no such folder yet";
  return checkpoints === 1 ? "1 checkpoint" : `${checkpoints} checkpoints`;
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
