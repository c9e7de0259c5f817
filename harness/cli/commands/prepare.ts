/** `blip2-bench prepare`: converts and quantizes weights ahead of time, so that a run can begin at once. */
import { openCheckpoint } from "../../../models/checkpoint/checkpoint.ts";
import { describePrecision } from "../../../models/checkpoint/precision.ts";
import { planBytes, planQuantization, prepareWeights } from "../../../models/checkpoint/quantized-weights.ts";
import type { QuantizationPlan } from "../../../models/checkpoint/quantized-weights.ts";
import { megabytesText } from "../../../reports/tables/numbers.ts";
import { completeCode } from "../exit-code.ts";
import { checkpointPlace } from "../../catalog/find-checkpoint.ts";
import type { Surroundings } from "../declared-command.ts";
import type { PrepareValues } from "./declared/look-after.ts";

interface Prepared {
  readonly checkpoint: string;
  readonly precision: string;
  /**
   * Number of matrices by precision. Matrices that stay in another precision than the requested one have the reason in
   * their key.
   */
  readonly matrices: Readonly<Record<string, number>>;
  readonly reasons: readonly string[];
  readonly fp16Tensors: number;
  readonly fp32Tensors: number;
  readonly bytes: { readonly from: number; readonly to: number };
  readonly seconds: number;
}

/** Gives the exit code. */
export async function prepare(
  { model, precision: precisions, cache: cacheFolder }: PrepareValues,
  _words: readonly string[],
  { catalog, terminal, isJson, hubCache }: Surroundings,
): Promise<number> {
  const bundled = catalog.checkpoints.map(({ name }) => name);
  const options = { hubCache, cacheFolder, onPreparation: terminal.preparation.bind(terminal) };
  const places = (model ?? bundled).map((name) => checkpointPlace(catalog, name).where);
  const prepared: Prepared[] = [];
  for (const where of places) {
    const checkpoint = await openCheckpoint(where, options);
    for (const precision of precisions) {
      const plan = planQuantization(checkpoint, precision);
      const startMs = performance.now();
      await prepareWeights(checkpoint, { ...options, precision });
      prepared.push({
        checkpoint: checkpoint.name,
        precision: describePrecision(precision),
        ...count(plan),
        bytes: planBytes(plan),
        seconds: (performance.now() - startMs) / 1000,
      });
      if (!isJson) terminal.result(describe(prepared.at(-1)!));
    }
  }
  if (isJson) terminal.result(JSON.stringify({ cacheFolder, prepared }, null, 2));
  return completeCode;
}

function count({
  matrices,
  fp16,
  fp32,
}: QuantizationPlan): Pick<Prepared, "matrices" | "reasons" | "fp16Tensors" | "fp32Tensors"> {
  const counts: Record<string, number> = {};
  for (const { precision } of matrices) counts[precision] = (counts[precision] ?? 0) + 1;
  const reasons = matrices.flatMap(({ precision, reason }) => (reason === null ? [] : [`${precision}: ${reason}`]));
  return { matrices: counts, reasons: [...new Set(reasons)], fp16Tensors: fp16.size, fp32Tensors: fp32.size };
}

function describe({ checkpoint, precision, bytes, seconds, reasons, ...counted }: Prepared): string {
  const { matrices, fp16Tensors, fp32Tensors } = counted;
  const quantized = Object.entries(matrices).map(([name, number]) => `${number} matrices ${name}`);
  const counts = [...quantized, ...(fp16Tensors === 0 ? [] : [`${fp16Tensors} tensors fp16`])];
  const kept = [...counts, `${fp32Tensors} tensors fp32`].join(", ");
  if (counts.length === 0) return `${checkpoint} ${precision}: ${kept}`;
  const size = `${megabytesText(bytes.from)} to ${megabytesText(bytes.to)} MB in ${seconds.toFixed(1)} s`;
  const rate = `${megabytesText(bytes.from / seconds)} MB/s`;
  return [`${checkpoint} ${precision}: ${kept}; ${size}, ${rate}`, ...reasons.map((reason) => `  ${reason}`)].join(
    "\n",
  );
}
