/** Whether a device is right: what check:gpu says of the rows it compared. */
import type { PrecisionName } from "../../../models/checkpoint/precision.ts";
import type { GenerationWay } from "../../../models/generation/generation-way.ts";

/** One checkpoint in one precision, on the device and on the CPU. */
export interface ParityRow {
  readonly checkpoint: string;
  readonly precision: PrecisionName;
  /** null: it ranks. */
  readonly generation: GenerationWay | null;
  /** Questions that were answered, or images that texts were ranked for. */
  readonly compared: number;
  /** Of them, with the same tokens; for images, with the same text first. */
  readonly same: number;
  /** By what was compared: the largest difference. */
  readonly differences: Readonly<Record<string, number>>;
}

/**
 * Between the numbers of two devices in fp32. Log-probabilities, beam scores, cosines and logits here are 0.1 to 20 large;
 * adding in another order moves them by 1e-5 (seen on WebGPU: 6e-6), a wrong operator or a wrong layout by 0.1 and more. It is
 * doctor's, too.
 */
export const tolerance = 1e-3;

export interface ParityVerdict {
  readonly holds: boolean;
  /** What does not, a sentence each. */
  readonly reasons: readonly string[];
}

/** Only fp32 is judged; without a row of it nothing holds. */
export function judgeParity(rows: readonly ParityRow[]): ParityVerdict {
  const judged = rows.filter(({ precision }) => precision === "fp32");
  const reasons = judged.flatMap((row) => {
    const { checkpoint, precision, generation, compared, same, differences } = row;
    const name = [checkpoint, precision, ...(generation === null ? [] : [generation])].join(" ");
    const beyond = Object.entries(differences).filter(([, difference]) => !(difference <= tolerance));
    return [
      ...(compared > 0 && same === compared ? [] : [`${name}: ${same} of ${compared} answers are the CPU's.`]),
      ...beyond.map(
        ([what, difference]) =>
          `${name}: ${what} is ${difference.toExponential(1)} off the CPU's, expected ${tolerance} at most.`,
      ),
    ];
  });
  if (judged.length === 0) return { holds: false, reasons: ["Nothing was compared in fp32."] };
  return { holds: reasons.length === 0, reasons };
}
