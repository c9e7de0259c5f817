/**
 * The precision of a recorded run in today's names. Names of precisions have versions (PRECISION_NAMES in
 * models/checkpoint/precision.ts): in version 1, `int8` and `int4` left the head in fp32, and `int4` meant 4 bits in
 * every other part.
 */

export interface RecordedPrecision {
  /** Unset: fp32. */
  readonly precision?: string | undefined;
  /** Version of the names; unset: 1. */
  readonly precisionNames?: number | undefined;
}

const partsBeforeHead = ["vision", "q-former", "projection", "language"];

export function recordedPrecision({ precision = "fp32", precisionNames = 1 }: RecordedPrecision): string {
  const [whole = "", ...parts] = precision.split(",");
  if (precisionNames > 1 || (whole !== "int8" && whole !== "int4")) return precision;
  const named = (part: string): string | undefined => parts.find((word) => word.startsWith(`${part}=`));
  if (whole === "int8") {
    if (named("head") === undefined) return [whole, ...parts, "head=fp32"].join(",");
    return [whole, ...parts.filter((word) => word !== "head=int8")].join(",");
  }
  const head = named("head");
  return [...partsBeforeHead.map((part) => named(part) ?? `${part}=int4`), ...(head === undefined ? [] : [head])].join(
    ",",
  );
}
