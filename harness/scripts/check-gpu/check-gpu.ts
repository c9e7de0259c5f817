/**
 * Checks a device, usually a GPU, with one command that needs only the project folder and no network:
 *
 *   npm run check:gpu -- [--device auto] [--device-id 0] [--questions 20] [--shape opt-2.7b] [--folder scratch/opt-2.7b]
 *     [--precision fp16] [--generation auto] [--images 8] [--batch 8] [--rounds 3] [--threads 2] [--output check-gpu/DATE]
 *
 * It reports which device was found, whether it computes what the CPU computes, how fast a checkpoint of real size with
 * random weights runs on it, and which share of the device's peak rates that is. Where a section fails, the report says
 * so and the next section runs; the report is written after each section. `--shape tiny` tries the command out in a
 * minute. Exit codes: 0, or those of exitCodeFor in check-gpu-record.ts.
 */
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describePrecision, fp32Precision, parsePrecision } from "../../../models/checkpoint/precision.ts";
import type { Precision } from "../../../models/checkpoint/precision.ts";
import { generationShapes } from "../../../models/checkpoint/random-shapes.ts";
import { precisionOn, unfitPart } from "../../../models/device/device-precisions.ts";
import { describeDevice } from "../../../models/device/device.ts";
import type { Device } from "../../../models/device/device.ts";
import { generationWays } from "../../../models/generation/generation-way.ts";
import { writeFileWhole } from "../../../reports/records/atomic-file.ts";
import { usableProcessors } from "../../catalog/usable-processors.ts";
import { chooseDevice } from "../../catalog/device.ts";
import { deviceChoices, deviceRequest } from "../../catalog/device-request.ts";
import type { DeviceRequest } from "../../catalog/device-request.ts";
import { findDevices } from "../../catalog/found-devices.ts";
import { nvidiaGpus, vulkanDrivers } from "../../catalog/machine.ts";
import { provenance } from "../../catalog/provenance.ts";
import { unknownName, UsageError } from "../../catalog/usage-error.ts";
import { readFlags, runBenchmark } from "../bench-report.ts";
import type { Flags } from "../bench-report.ts";
import { measureCeilings } from "../pipeline/ceilings.ts";
import { judgeParity } from "./check-gpu-judge.ts";
import type { ParityRow } from "./check-gpu-judge.ts";
import { compareWithCpu } from "./check-gpu-parity.ts";
import { begun, exitCodeFor, kindOf, notRun, recordJson } from "./check-gpu-record.ts";
import type { CheckRecord, DeviceSection, Section } from "./check-gpu-record.ts";
import { checkToMarkdown, checkToText } from "./check-gpu-report.ts";
import { measureSpeed, sharesOf } from "./check-gpu-speed.ts";

const made = new Date().toISOString();

const defaults = {
  device: "auto",
  "device-id": "0",
  questions: 20,
  shape: "opt-2.7b",
  folder: "",
  precision: "fp16",
  generation: "auto",
  images: 8,
  batch: 8,
  rounds: 3,
  threads: usableProcessors(),
  output: path.join("check-gpu", made.slice(0, 19).replaceAll(":", "-")),
};
type Name = keyof typeof defaults;

async function main(): Promise<void> {
  const flags = readFlags("check:gpu", defaults, process.argv.slice(2));
  const asked = readAsked(flags);
  const { threads } = asked;
  const names = Object.keys(defaults) as Name[];
  let record: CheckRecord = {
    made,
    flags: Object.fromEntries(names.map((name) => [name, flags.text(name)])),
    ...(await provenance({ threads, workers: 1 })),
    device: notRun,
    parity: notRun,
    speed: notRun,
    ceilings: notRun,
  };
  const output = flags.text("output");
  await mkdir(output, { recursive: true }).catch((cause: unknown) => {
    throw new UsageError(`check:gpu --output ${output}: no folder can be made there. Give another.`, { cause });
  });
  const keep = async (more: Partial<CheckRecord>): Promise<void> => {
    record = { ...record, ...more };
    await writeFileWhole(path.join(output, "check-gpu.json"), recordJson(record));
    await writeFileWhole(path.join(output, "check-gpu.md"), checkToMarkdown(record));
  };

  const device = await findDevice(asked.request, (section) => keep({ device: section }));
  if (device !== null) {
    const rows: ParityRow[] = [];
    const parity = (): { rows: readonly ParityRow[]; verdict: ReturnType<typeof judgeParity> } => ({
      rows: [...rows],
      verdict: judgeParity(rows),
    });
    const cacheFolder = path.join(tmpdir(), "blip2-bench-cache");
    const compare = { device, threads, cacheFolder, hubCache: "", questions: asked.questions, onProgress: note };
    await keep({ parity: begun });
    await keep({
      parity: await section(async () => {
        await compareWithCpu(compare, async (row) => {
          rows.push(row);
          await keep({ parity: { ...begun, found: parity() } });
        });
        return parity();
      }, parity),
    });

    const { precision, notes } = fitting(asked.precision, device);
    for (const each of notes) note(each);
    await keep({ speed: begun });
    const speed = await section(async () => ({
      speed: await measureSpeed({ ...asked, device, precision, onProgress: note }),
      notes,
    }));
    await keep({ speed, ceilings: begun });

    note("ceilings of the device");
    await keep({
      ceilings: await section(async () => {
        const half = precision.vision === "fp16" || precision.language === "fp16";
        const ceilings = await measureCeilings({ device, threads, half });
        return { ceilings, shares: speed.found === null ? null : sharesOf(speed.found.speed, ceilings, precision) };
      }),
    });
  }
  process.stdout.write(checkToText(record));
  note(`written to ${output}`);
  process.exitCode = exitCodeFor(record);
}

interface Asked {
  readonly request: DeviceRequest;
  readonly questions: number;
  readonly shape: (typeof generationShapes)[keyof typeof generationShapes];
  readonly folder: string;
  readonly precision: Precision;
  readonly generation: (typeof generationWays)[number];
  readonly images: number;
  readonly batch: number;
  readonly rounds: number;
  readonly threads: number;
}

/** @throws UsageError for a flag, CheckpointError for the precision, before anything is computed. */
function readAsked(flags: Flags<Name>): Asked {
  const id = flags.text("device-id");
  if (!/^\d{1,3}$/.test(id))
    throw new UsageError(`check:gpu --device-id: found "${id}", expected a whole number from 0 on.`);
  const name = flags.text("shape");
  const shape = new Map(Object.entries(generationShapes)).get(name);
  if (shape === undefined)
    throw unknownName(`--shape ${name}`, "shape", { name, names: Object.keys(generationShapes) });
  return {
    request: deviceRequest(oneOf("device", flags.text("device"), deviceChoices), Number(id)),
    shape,
    folder: path.resolve(flags.text("folder") || path.join(tmpdir(), `blip2-bench-${name}`)),
    precision: parsePrecision(flags.text("precision")),
    generation: oneOf("generation", flags.text("generation"), generationWays),
    questions: flags.count("questions"),
    images: flags.count("images"),
    batch: flags.count("batch"),
    rounds: flags.count("rounds"),
    threads: flags.count("threads"),
  };
}

function oneOf<Word extends string>(flag: string, found: string, words: readonly Word[]): Word {
  const word = words.find((each) => each === found);
  if (word !== undefined) return word;
  throw unknownName(`check:gpu --${flag} ${found}`, "value", { name: found, names: words });
}

/** null: the device does not start. */
async function findDevice(
  request: DeviceRequest,
  keep: (section: CheckRecord["device"]) => Promise<void>,
): Promise<Device | null> {
  const devices = await findDevices((name) => {
    note(`trying ${name}`);
  });
  const known = { devices, nvidia: await nvidiaGpus(), vulkan: await vulkanDrivers() };
  const found = await section<DeviceSection>(
    async () => {
      const onPreparation = ({ kind, ...event }: { kind: string; message?: string }): void => {
        if (kind === "note" && event.message !== undefined) note(event.message);
      };
      const { device, adapter } = await chooseDevice(request, { onPreparation, onMessage: note });
      return { ...known, chosen: { ...device, adapter, kind: kindOf(device, adapter) } };
    },
    () => ({ ...known, chosen: null }),
  );
  await keep(found);
  return found.found?.chosen ?? null;
}

/** Replaces a precision that the device does not support by fp32. */
function fitting(asked: Precision, device: Device): { readonly precision: Precision; readonly notes: string[] } {
  const precision = precisionOn(asked, device);
  const part = unfitPart(precision, device);
  if (part === null) return { precision, notes: [] };
  const why = device.halfRefusal === undefined ? "" : ` (${device.halfRefusal})`;
  const name = describePrecision(precision);
  return {
    precision: fp32Precision,
    notes: [`${describeDevice(device)} does not compute in ${name}${why}, so speed is measured in fp32.`],
  };
}

/** Runs one section; an error is recorded in it and does not stop the others. */
async function section<Found>(work: () => Promise<Found>, known?: () => Found): Promise<Section<Found>> {
  const start = performance.now();
  const seconds = (): number => (performance.now() - start) / 1000;
  try {
    const found = await work();
    return { status: "done", seconds: seconds(), reason: null, found };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    note(`failed: ${reason}`);
    return { status: "failed", seconds: seconds(), reason, found: known?.() ?? null };
  }
}

function note(message: string): void {
  process.stderr.write(`check:gpu: ${message}\n`);
}

await runBenchmark(main);
