/** Judges whether a device computes correctly, from the rows in which check:gpu compared it with the CPU. */
import type { PrecisionName } from "../../../models/checkpoint/precision.ts";
import type { GenerationWay } from "../../../models/generation/generation-way.ts";

/** One checkpoint in one precision, on the device and on the CPU. */
export interface ParityRow {
  readonly checkpoint: string;
  readonly precision: PrecisionName;
  /** null: a retrieval checkpoint, which generates no text. */
  readonly generation: GenerationWay | null;
  /** Questions that were answered, or images that texts were ranked for. */
  readonly compared: number;
  /** How many of them have equal tokens on both devices; for retrieval, the images whose best text is equal. */
  readonly same: number;
  /** The largest absolute difference, by the name of what was compared. */
  readonly differences: Readonly<Record<string, number>>;
}

/**
 * How far numbers of two devices may differ in fp32. Log-probabilities, beam scores, cosines and logits here are 0.1 to
 * 20 large; another order of addition moves them by 1e-5 (seen on WebGPU: 6e-6), a wrong operator or a wrong layout by
 * 0.1 and more. The command `doctor` uses this limit, too.
 */
export const tolerance = 1e-3;

export interface ParityVerdict {
  readonly holds: boolean;
  /** What does not hold, a sentence each. */
  readonly reasons: readonly string[];
}

/** Judges the fp32 rows only; without any the verdict is that nothing holds. */
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
