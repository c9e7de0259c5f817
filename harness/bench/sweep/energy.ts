/**
 * What the processor's own meter counted (RAPL, /sys/class/powercap), in joules: the packages and what is around their cores,
 * without memory modules, disks and power supply. It is no MLPerf power, which a meter at the plug measures.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { systemRoot } from "./machine.ts";

interface Zone {
  readonly name: string;
  readonly microjoules: bigint;
  /** The largest value of the counter, after which it begins again at 0. */
  readonly range: bigint;
}

export type EnergyReading = readonly Zone[];

/** null where there is no meter, or only the administrator may read it. */
export async function readEnergy(root = systemRoot): Promise<EnergyReading | null> {
  const folder = join(root, "sys/class/powercap");
  const names = await readdir(folder).catch(() => []);
  const zones: Zone[] = [];
  // intel-rapl:0 is a package, intel-rapl:0:0 a part of it; AMD's packages have the same names.
  for (const name of names.filter((each) => /^intel-rapl:\d+$/.test(each)).sort()) {
    const microjoules = await readNumber(join(folder, name, "energy_uj"));
    const range = await readNumber(join(folder, name, "max_energy_range_uj"));
    if (microjoules === null || range === null) return null;
    zones.push({ name, microjoules, range });
  }
  return zones.length === 0 ? null : zones;
}

/** null where either was not read, or the meters differ. A counter that began again did so once. */
export function energyJoules(before: EnergyReading | null, after: EnergyReading | null): number | null {
  if (before === null || after?.length !== before.length) return null;
  let microjoules = 0n;
  for (const [index, { microjoules: from, range }] of before.entries()) {
    const difference = after[index]!.microjoules - from;
    microjoules += difference < 0n ? difference + range : difference;
  }
  return Number(microjoules) / 1e6;
}

async function readNumber(path: string): Promise<bigint | null> {
  const text = await readFile(path, "utf8").catch(() => "");
  return /^\d+\n?$/.test(text) ? BigInt(text.trim()) : null;
}
