/** In what precision each part of a model computes, and how that is spelt: `int8`, `language=int4,vision=int8`. */
import { CheckpointError } from "../model.ts";

/** `head` is the last matrix of each output: the vocabulary's, or those of retrieval. */
export const modelParts = ["vision", "q-former", "projection", "language", "head"] as const;
export type ModelPart = (typeof modelParts)[number];

/**
 * int8: a scale a row of a matrix, what it is multiplied with rounded as a whole, when it is there. int8-block and int4: a
 * scale for 32 neighbours, what they are multiplied with rounded 32 numbers at a time.
 */
export const precisionNames = ["fp32", "int8", "int8-block", "int4"] as const;
export type PrecisionName = (typeof precisionNames)[number];

export type Precision = Readonly<Record<ModelPart, PrecisionName>>;

/** The precision checkpoints are computed in unless another is asked for. */
export const fp32Precision = wholeModel("fp32");

/** All parts but the head, where the best answer may be a hair ahead of the next; it is quantized when it is named. */
function wholeModel(precision: PrecisionName): Precision {
  return { vision: precision, "q-former": precision, projection: precision, language: precision, head: "fp32" };
}

/** One precision for the whole model, parts with one each, or both: `int8,language=int4`. Parts not named are fp32. */
export function parsePrecision(text: string): Precision {
  const words = text.split(",").map((word) => word.trim());
  const whole = words.filter((word) => !word.includes("="));
  if (whole.length > 1) {
    throw refused(text, "one precision for the whole model beside its parts");
  }
  let precision = wholeModel(whole[0] === undefined ? "fp32" : precisionNamed(whole[0]));
  const named = new Set<string>();
  for (const word of words.filter((each) => each.includes("="))) {
    const [partName = "", name = ""] = word.split("=").map((side) => side.trim());
    const part = modelParts.find((each) => each === partName);
    if (part === undefined) throw refused(word, `one of the parts ${modelParts.join(", ")} before "="`);
    if (named.has(part)) throw refused(text, `each part once, found ${part} twice`);
    named.add(part);
    precision = { ...precision, [part]: precisionNamed(name) };
  }
  return precision;
}

/** The spelling with the fewest words: the same for all that mean the same. */
export function describePrecision(precision: Precision): string {
  const spellings = precisionNames.map((name) => {
    const whole = wholeModel(name);
    const others = modelParts.filter((part) => precision[part] !== whole[part]);
    return [...(name === "fp32" ? [] : [name]), ...others.map((part) => `${part}=${precision[part]}`)];
  });
  const [shortest = []] = spellings.toSorted((a, b) => a.length - b.length);
  return shortest.length === 0 ? "fp32" : shortest.join(",");
}

/** The same for the name of a folder: `vision-int8_language-int4`. */
export function precisionFolder(precision: Precision): string {
  return describePrecision(precision).replaceAll("=", "-").replaceAll(",", "_");
}

function precisionNamed(name: string): PrecisionName {
  const found = precisionNames.find((each) => each === name);
  if (found !== undefined) return found;
  if (name === "fp16") {
    throw new CheckpointError(
      `found "fp16", which is for GPUs: on the CPU, ONNX Runtime widens it to fp32 and gains nothing. ` +
        `Precisions: ${precisionNames.join(", ")}.`,
    );
  }
  throw refused(name, `one of the precisions ${precisionNames.join(", ")}`);
}

function refused(found: string, expected: string): CheckpointError {
  return new CheckpointError(`found "${found}", expected ${expected}.`);
}
