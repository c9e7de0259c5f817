/** The command in this process, and made runs with a baseline and a config, for the tests of `gate`. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inProcess } from "./command-process.ts";
import type { Ended } from "./command-process.ts";
import { writeMadeRun } from "./compared-runs.ts";
import type { MadeRun, MadeSample } from "./compared-runs.ts";
import { parseGateResult } from "../../reports/records/findings/gate-result.ts";
import type { GateResult, MetricJudgement } from "../../reports/records/findings/gate-result.ts";

export const gateRoot = mkdtempSync(join(tmpdir(), "blip2-bench-gate-"));
process.on("exit", () => {
  rmSync(gateRoot, { recursive: true, force: true });
});

let made = 0;
export function newPath(name: string): string {
  return join(gateRoot, `${(made += 1)}-${name}`);
}

/** One question an image, of which the first `lost` are answered wrongly and the others right. */
export function answers(images: number, { lost = 0 } = {}): MadeSample[] {
  return Array.from({ length: images }, (_, place) => {
    const isLost = place < lost;
    return { id: `q${place}`, image: String(place), answer: isLost ? "wrong" : "right", score: isLost ? 0 : 1 };
  });
}

export function madeRun(run: MadeRun): string {
  return writeMadeRun(newPath("run"), run);
}

export function command(...words: string[]): Promise<Ended> {
  return inProcess(gateRoot, ...words);
}

/** The file of a baseline made of a run. */
export async function baselineOf(run: MadeRun): Promise<string> {
  const file = newPath("baseline.json");
  const { code, err } = await command("baseline", madeRun(run), "--output", file);
  if (code !== 0) throw new Error(err);
  return file;
}

export const accuracyConfig = { format: "blip2-bench-gate/1", metrics: [{ metric: "accuracy", margin: 1 }] };

export function configFile(config: unknown = accuracyConfig): string {
  const file = newPath("gate.json");
  writeFileSync(file, typeof config === "string" ? config : JSON.stringify(config));
  return file;
}

export async function gateJson(
  ...words: string[]
): Promise<{ readonly code: number | null; readonly result: GateResult }> {
  const { code, out, err } = await command("gate", ...words, "--json");
  if (out === "") throw new Error(err);
  return { code, result: parseGateResult(JSON.parse(out)) };
}

/** The gate's judgement of accuracy, with so many of so many images lost. */
export async function judged(
  lost: number,
  { images = 1000, margin = 1 } = {},
): Promise<{ readonly code: number | null; readonly metric: MetricJudgement }> {
  const baseline = await baselineOf({ samples: answers(images) });
  const config = configFile({ ...accuracyConfig, metrics: [{ metric: "accuracy", margin }] });
  const candidate = madeRun({ samples: answers(images, { lost }) });
  const { code, result } = await gateJson(candidate, "--baseline", baseline, "--config", config);
  const [metric] = result.judgements;
  if (metric?.kind !== "metric") throw new Error("no metric was judged");
  return { code, metric };
}
