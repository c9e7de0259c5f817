/** What bench:reference prints: a table in Markdown of two sides that were timed in turn, and what they ran on. */
import type { ReferenceFacts } from "./reference-process.ts";

/** Two sides on the same work, round by round. */
export interface ComparedWork {
  readonly name: string;
  readonly unit: string;
  /** Of a round. */
  readonly units: number;
  readonly rounds: readonly { readonly ours: number; readonly reference: number }[];
}

export interface ComparedSide {
  readonly precision: string;
  readonly batch: number;
}

/** A product of one row that reads less than this share of what memory gives is no fair reference. */
const fairShare = 0.5;

/** Why no ratio is quoted against this reference; null: it is fair. Bytes a second. */
export function unfairness(
  { blas, dtype, oneRowBytesPerSecond }: Pick<ReferenceFacts, "blas" | "dtype" | "oneRowBytesPerSecond">,
  readBytesPerSecond: number,
): string | null {
  if (oneRowBytesPerSecond >= fairShare * readBytesPerSecond) return null;
  const found = `${gigabytes(oneRowBytesPerSecond)} of ${gigabytes(readBytesPerSecond)} GB/s`;
  return (
    `the reference's product of one row in ${dtype} (BLAS: ${blas ?? "not known"}) reads ${found}, expected half at least: ` +
    "its decoding is slow for want of a library, not of a machine. Give a Python whose torch has MKL or oneDNN."
  );
}

/** Of paired rounds: the reference's time divided by ours. */
export function ratiosOf({ rounds }: Pick<ComparedWork, "rounds">): {
  readonly median: number;
  readonly least: number;
  readonly most: number;
} {
  const ratios = rounds.map(({ ours, reference }) => reference / ours).sort((a, b) => a - b);
  return { median: middle(ratios), least: ratios[0] ?? Number.NaN, most: ratios.at(-1) ?? Number.NaN };
}

export const tableHead = [
  "| work | blip2-bench | | transformers | | times as fast | least to most |",
  "| --- | --- | --- | --- | --- | --- | --- |",
];

/** A row of the table; without a ratio where the reference is `unfair`, or where there is none (null). */
export function tableRow(
  work: ComparedWork,
  ours: ComparedSide,
  reference: { readonly dtype: string; readonly batch: number; readonly isFair: boolean } | null,
): string {
  const rate = (seconds: readonly number[]): string => {
    const each = middle([...seconds].sort((a, b) => a - b)) / work.units;
    return `${(1 / each).toPrecision(3)} ${work.unit}/s`;
  };
  const own = [rate(work.rounds.map(({ ours }) => ours)), `${ours.precision}, batch ${ours.batch}`];
  if (reference === null) return `| ${[work.name, ...own, "–", "not found", "–", "–"].join(" | ")} |`;
  const { median, least, most } = ratiosOf(work);
  const ratio = reference.isFair
    ? [`**${median.toFixed(2)}**`, `${least.toFixed(2)} to ${most.toFixed(2)}`]
    : ["refused", "–"];
  const others = [rate(work.rounds.map(({ reference }) => reference)), `${reference.dtype}, batch ${reference.batch}`];
  return `| ${[work.name, ...own, ...others, ...ratio].join(" | ")} |`;
}

export function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}

/** Of sorted numbers. */
function middle(sorted: readonly number[]): number {
  const half = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(half) - 1] ?? Number.NaN, sorted[Math.floor(half)] ?? Number.NaN];
  return (low + high) / 2;
}
