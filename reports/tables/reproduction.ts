/**
 * Ours beside published numbers, for the eye. Rounds as table.ts does: times 100, two decimals.
 */
import { formatColumns } from "./table.ts";

/** A number that was published. */
export interface Published {
  /** `accuracy`, or with the part of the split it is of: `CIDEr in-domain`. */
  readonly metric: string;
  readonly unit: "fraction" | "cider";
  readonly value: number;
  readonly source: string;
  readonly remark: string | null;
}

/** Of all published numbers, for the list. */
export interface ListedNumber extends Published {
  readonly checkpoint: string | null;
  readonly model: string;
  readonly task: string;
  readonly split: string;
  readonly status: string;
}

/**
 * `interval`: the published number lies in ours; `tolerance`: as near as public reports lie to each other; `outside`: neither.
 * `unjudged`: with no interval and no tolerance, or where the run is another than the published one (`obstacles`).
 */
export type Verdict = "interval" | "tolerance" | "outside" | "unjudged";

export interface Comparison {
  readonly published: Published;
  /** null: not scored, for the reason. */
  readonly ours: { readonly value: number; readonly standardError: number | null } | { readonly missing: string };
  /** Ours minus published; its standard error is that of ours. */
  readonly difference: number | null;
  readonly interval: { readonly low: number; readonly high: number } | null;
  readonly tolerance: number | null;
  readonly verdict: Verdict;
  /** Where it lies outside: what is known of why. */
  readonly reasons: readonly string[];
}

/** A run beside everything published of its checkpoint on its task and split. */
export interface Reproduction {
  readonly checkpoint: string;
  readonly task: string;
  readonly split: string;
  readonly protocol: string;
  readonly scored: number;
  /** Why nothing can be judged. */
  readonly obstacles: readonly string[];
  /** In what the run is less than the published one, though comparable. */
  readonly caveats: readonly string[];
  readonly comparisons: readonly Comparison[];
}

const explanation =
  "difference: ours minus published, ± the standard error of ours. Published numbers are taken as exact, though most are printed with one decimal.";

/** No line end at the end. */
export function formatReproductions(reproductions: readonly Reproduction[]): string {
  return [...reproductions.map(formatReproduction), explanation].join("\n\n");
}

function formatReproduction(reproduction: Reproduction): string {
  const { checkpoint, task, split, protocol, scored, obstacles, caveats, comparisons } = reproduction;
  const table = formatColumns(
    ["metric", "ours", "95 % interval", "published", "difference", "published number is", "source"],
    comparisons.map((comparison) => cellsOf(comparison, obstacles.length > 0)),
    ["left", "right", "right", "right", "right", "left", "left"],
  );
  const remarks = new Set(
    comparisons.flatMap(({ published: { source, remark } }) => (remark === null ? [] : [`${source}: ${remark}.`])),
  );
  return [
    `${checkpoint} ${task} ${split}, protocol ${protocol}, n ${scored}`,
    ...obstacles.map((obstacle) => `NOT COMPARABLE: ${obstacle}`),
    ...caveats.map((caveat) => `Note: ${caveat}`),
    "",
    table,
    ...(remarks.size > 0 ? ["", ...remarks] : []),
    ...reasonLines(comparisons),
  ].join("\n");
}

function cellsOf(
  { published, ours, difference, interval, tolerance, verdict }: Comparison,
  isIncomparable: boolean,
): string[] {
  const { metric, unit, value, source } = published;
  const error = "value" in ours ? ours.standardError : null;
  return [
    metric,
    "value" in ours ? withError(times100(ours.value), error, unit) : "none",
    interval === null ? "-" : `${times100(interval.low)} to ${times100(interval.high)}`,
    withError(times100(value), null, unit),
    difference === null ? "-" : withError(signed(difference), error, unit),
    "missing" in ours ? ours.missing : isIncomparable ? "not comparable" : describeVerdict(verdict, tolerance),
    source,
  ];
}

function describeVerdict(verdict: Verdict, tolerance: number | null): string {
  const within = tolerance === null ? "" : `within ${times100(tolerance)}, as near as public reports are`;
  return { interval: "in the interval", tolerance: within, outside: "OUTSIDE", unjudged: "not judged" }[verdict];
}

/** Each reason once, with the numbers it is of. */
function reasonLines(comparisons: readonly Comparison[]): readonly string[] {
  const outside = comparisons.filter(({ verdict }) => verdict === "outside");
  if (outside.length === 0) return [];
  const numbersOf = new Map<string, string[]>();
  for (const { published, reasons } of outside) {
    for (const reason of reasons) {
      const numbers = numbersOf.get(reason) ?? [];
      numbersOf.set(reason, numbers);
      numbers.push(`${published.metric} (${published.source})`);
    }
  }
  const reasons = [...numbersOf].map(([reason, numbers]) => {
    return numbers.length === outside.length ? `- ${reason}` : `- ${numbers.join(", ")}: ${reason}`;
  });
  return ["", "Outside. What is known of why:", ...reasons];
}

const transcriptions =
  "transcription: cross-checked, two that were made independently agree; quoted, from the source named; unverified, the number in it was not seen.";

/** What is published, then what is published of checkpoints that are not public. No line end at the end. */
export function formatPublished(numbers: readonly ListedNumber[], notes: readonly string[]): string {
  const open = numbers.filter(({ checkpoint }) => checkpoint !== null);
  const closed = numbers.filter(({ checkpoint }) => checkpoint === null);
  const cells = (name: string, { task, split, metric, value, unit, source, status }: ListedNumber): string[] => {
    return [name, task, split, metric, withError(times100(value), null, unit), source, status];
  };
  const titles = ["task", "split", "metric", "published", "source", "transcription"];
  const aligns = ["left", "left", "left", "left", "right"] as const;
  const openTable = formatColumns(
    ["checkpoint", ...titles],
    open.map((number) => cells(number.checkpoint ?? "", number)),
    aligns,
  );
  const closedTable = formatColumns(
    ["no public checkpoint", ...titles, "because"],
    closed.map((number) => [...cells(number.model, number), number.remark ?? ""]),
    aligns,
  );
  const remarks = new Set(open.flatMap(({ source, remark }) => (remark === null ? [] : [`${source}: ${remark}.`])));
  return [
    ...(open.length > 0 ? [openTable] : []),
    ...(closed.length > 0 ? [closedTable] : []),
    [...remarks, ...notes, transcriptions].join("\n"),
  ].join("\n\n");
}

function times100(value: number): string {
  return (value * 100).toFixed(2);
}

function signed(difference: number): string {
  const text = times100(Math.abs(difference));
  if (Number(text) === 0) return text; // neither +0.00 nor -0.00
  return `${difference > 0 ? "+" : "-"}${text}`;
}

function withError(value: string, error: number | null, unit: Published["unit"]): string {
  return `${value}${error === null ? "" : ` ± ${times100(error)}`}${unit === "fraction" ? " %" : ""}`;
}
