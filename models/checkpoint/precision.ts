/** In what precision each part of a model computes, and how that is spelt: `int8`, `language=int4,vision=int8`. */
import { CheckpointError } from "../model.ts";

/** The reference keeps `qformer` and `query_tokens` out of fp16 (_keep_in_fp32_modules, modeling_blip_2.py). */
export const Q_FORMER_REASON =
  "the Q-Former and its queries stay fp32 where the rest is fp16, as in the reference: all that is known of an image goes through them";

/** `head` is the last matrix of each output: the vocabulary's, or those of retrieval. */
export const modelParts = ["vision", "q-former", "projection", "language", "head"] as const;
export type ModelPart = (typeof modelParts)[number];

/**
 * fp16: weights and what is computed with them in half precision, except where precision-recipe.ts says otherwise; for GPUs.
 * int8: a scale a row of a matrix, what it is multiplied with rounded as a whole, when it is there. int8-block and int4: a
 * scale for 32 neighbours, what they are multiplied with rounded 32 numbers at a time.
 */
export const precisionNames = ["fp32", "fp16", "int8", "int8-block", "int4"] as const;
export type PrecisionName = (typeof precisionNames)[number];

export type Precision = Readonly<Record<ModelPart, PrecisionName>>;

/** The precision checkpoints are computed in unless another is asked for. */
export const fp32Precision = wholeModel("fp32");

/**
 * What a name means for the whole model. int8 is int8 in all parts, the head too: on the bundled data it costs no accuracy
 * there, and in fp32 it would be half of a decode step. int4 pays where one row runs at a time, so it is the language model's
 * alone and the others are int8. fp16 leaves the Q-Former in fp32 (precision-recipe.ts), fp16 and int8-block the head. Changing
 * this is changing what a recorded name means: see PRECISION_NAMES.
 */
function wholeModel(name: PrecisionName): Precision {
  if (name === "int4") return { ...wholeModel("int8"), language: "int4" };
  const qFormer = name === "fp16" ? "fp32" : name;
  return { vision: name, "q-former": qFormer, projection: name, language: name, head: name === "int8" ? name : "fp32" };
}

/**
 * The version of the names above, recorded beside a run's precision. In version 1, of runs without one, a name meant that same
 * precision in all parts but the head, which was fp32 (reports/recorded-precision.ts).
 */
export const PRECISION_NAMES = 2;

/** Each part in this precision, the head in fp32: what devices that do not compute in int8 make of a name. */
export function everyPart(name: PrecisionName): Precision {
  return { vision: name, "q-former": name, projection: name, language: name, head: "fp32" };
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
    if (precision["q-former"] === "fp16") throw refused(word, `another precision, because ${Q_FORMER_REASON}`);
  }
  return precision;
}

/** Whether any part computes in fp16. */
export function hasHalf(precision: Precision): boolean {
  return modelParts.some((part) => precision[part] === "fp16");
}

/** The spelling with the fewest words; each precision has one. */
export function describePrecision(precision: Precision): string {
  const spellings = precisionNames.map((name) => {
    const whole = wholeModel(name);
    const others = modelParts.filter((part) => precision[part] !== whole[part]);
    return [...(name === "fp32" ? [] : [name]), ...others.map((part) => `${part}=${precision[part]}`)];
  });
  const [shortest = []] = spellings.toSorted((a, b) => a.length - b.length);
  return shortest.length === 0 ? "fp32" : shortest.join(",");
}

/** The shortest spelling as the name of a folder: `vision-int8_language-int4`. */
export function precisionFolder(precision: Precision): string {
  return describePrecision(precision).replaceAll("=", "-").replaceAll(",", "_");
}

function precisionNamed(name: string): PrecisionName {
  const found = precisionNames.find((each) => each === name);
  if (found !== undefined) return found;
  throw refused(name, `one of the precisions ${precisionNames.join(", ")}`);
}

function refused(found: string, expected: string): CheckpointError {
  return new CheckpointError(`found "${found}", expected ${expected}.`);
}
