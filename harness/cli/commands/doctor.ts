/**
 * `blip2-bench doctor`: shows which devices of this machine can run models, why others cannot, and what to do about it.
 */
import { cpus, freemem, totalmem } from "node:os";
import type { ProviderName } from "../../../models/device/device.ts";
import { telemetry } from "../../../models/telemetry.ts";
import { gigabytesText } from "../../../reports/tables/numbers.ts";
import { left, tableOf } from "../../../reports/tables/table.ts";
import type { ColumnOf } from "../../../reports/tables/table.ts";
import { tableToText } from "../../../reports/tables/terminal.ts";
import { usableProcessors } from "../../catalog/usable-processors.ts";
import { cachedCheckpoints, clockGovernor, freeBytes, nvidiaGpus, vulkanDrivers } from "../../catalog/machine.ts";
import { autoDevice, findDevices } from "../../catalog/found-devices.ts";
import type { DeviceFinding } from "../../catalog/found-devices.ts";
import { askHub } from "../../pull/hub/ask-hub.ts";
import type { HubState } from "../../pull/hub/ask-hub.ts";
import type { HubSettings } from "../../pull/hub/hub.ts";
import { withNetwork } from "../pull/with-network.ts";
import type { Fetched } from "../pull/with-network.ts";
import type { Terminal } from "../terminal.ts";
import { completeCode, internalCode } from "../exit-code.ts";
import { installedVersion } from "../../catalog/provenance.ts";
import type { Surroundings } from "../declared-command.ts";
import type { DoctorValues } from "./declared/look-after.ts";

/** What doctor found out; null where something is missing or could not be determined. */
interface Diagnosis {
  readonly node: string;
  readonly onnxruntime: string;
  /** State of ONNX Runtime's telemetry; this program has none. */
  readonly telemetry: ReturnType<typeof telemetry>;
  readonly devices: readonly DeviceFinding[];
  /** The provider that --device auto chooses. */
  readonly auto: ProviderName;
  readonly drivers: { readonly nvidia: readonly string[] | null; readonly vulkan: readonly string[] };
  readonly processor: { readonly model: string; readonly cores: number; readonly governor: string | null };
  readonly memory: { readonly totalBytes: number; readonly freeBytes: number };
  readonly cache: { readonly folder: string; readonly freeBytes: number | null };
  /** Whether the hub answers; null: without --online it is not asked. */
  readonly hub: HubState | null;
  readonly huggingFace: { readonly folder: string; readonly checkpoints: number | null };
}

/** Gives the exit code: 0 if the CPU computes correctly, whatever other devices do. */
export async function doctor(
  { cache: folder, online }: DoctorValues,
  _words: readonly string[],
  { terminal, isJson, hub, hubCache }: Surroundings,
): Promise<number> {
  const asked = online ? await stateOfHub(hub(), terminal) : { value: null };
  if ("exitCode" in asked) return asked.exitCode;
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
  terminal.result(isJson ? JSON.stringify(diagnosis, null, 2) : diagnosisText(diagnosis));
  const isUsable = diagnosis.devices.some(({ device, status }) => device === "cpu" && status === "works");
  return isUsable ? completeCode : internalCode;
}

function stateOfHub(settings: HubSettings, terminal: Terminal): Promise<Fetched<HubState>> {
  return withNetwork(settings.network, terminal, ({ network }) => askHub(network, settings));
}

const deviceColumns: readonly ColumnOf<DeviceFinding>[] = [
  left("device", ({ device }) => device),
  left("state", ({ status }) => status),
  left("what it says", ({ difference, adapter, reason }) => {
    const within = difference === null || difference === 0 ? 0 : difference.toExponential(1);
    const name = adapter === null ? "" : `; ${adapter.name}${adapter.isSoftware ? ", a driver in software" : ""}`;
    return reason ?? `within ${within} of the CPU${name}`;
  }),
  left("precisions", ({ precisions }) => precisions.join(", ")),
];

const factColumns: readonly ColumnOf<readonly [what: string, found: string]>[] = [
  left("what", ([what]) => what),
  left("found", ([, found]) => found),
];

function diagnosisText({ devices, ...diagnosis }: Diagnosis): string {
  const { drivers, processor, memory, cache, huggingFace } = diagnosis;
  const { cores } = processor;
  const all = cpus().length;
  const governor = processor.governor === null ? "" : `, clock set by "${processor.governor}"`;
  const usable = cores < all ? `${cores} of ${all} cores may be used` : `${cores} cores`;
  const onDisk = cache.freeBytes === null ? "unknown" : gigabytesText(cache.freeBytes);
  const facts = [
    ["--device auto", diagnosis.auto],
    ["Node", diagnosis.node],
    ["onnxruntime-node", diagnosis.onnxruntime],
    ["ONNX Runtime's telemetry", `${diagnosis.telemetry.isOff ? "off" : "on"} (${diagnosis.telemetry.setting})`],
    ["NVIDIA GPUs", drivers.nvidia?.join("; ") ?? "none that nvidia-smi finds"],
    ["Vulkan drivers", drivers.vulkan.length === 0 ? "none" : drivers.vulkan.join(", ")],
    ["processor", `${processor.model}, ${usable}${governor}`],
    ["memory", `${gigabytesText(memory.totalBytes)}, ${gigabytesText(memory.freeBytes)} free`],
    ["cache", `${cache.folder}, ${onDisk} free on its disk`],
    ...(diagnosis.hub === null
      ? []
      : [["Hugging Face hub", `${diagnosis.hub.endpoint} ${diagnosis.hub.words}`] as const]),
    ["Hugging Face cache", `${huggingFace.folder}, ${countOf(huggingFace.checkpoints)}`],
  ] as const;
  const advice = devices.flatMap(({ device, advice }) => (advice === null ? [] : [`${device}: ${advice}`]));
  const tables = [tableToText(tableOf(deviceColumns, devices)), "", tableToText(tableOf(factColumns, facts))];
  return [...tables, ...(advice.length > 0 ? ["", ...advice] : [])].join("\n");
}

function countOf(checkpoints: number | null): string {
  if (checkpoints === null) return "no such folder yet";
  return checkpoints === 1 ? "1 checkpoint" : `${checkpoints} checkpoints`;
}
