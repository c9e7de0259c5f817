/** Formats our scores beside published numbers for `reproduce`, and the list of all published numbers. */
import type { MetricUnit } from "../records/metric-unit.ts";
import { differenceWithError, pointsRange, pointsText, scoreText } from "../tables/metric-numbers.ts";
import { left, right, tableOf } from "../tables/table.ts";
import type { ColumnOf } from "../tables/table.ts";
import { tableToText } from "../tables/terminal.ts";

/** A published number as it is shown. */
export interface ShownNumber {
  /** The metric's name, and the part of the split if there is one: `accuracy`, `CIDEr in-domain`. */
  readonly metric: string;
  readonly unit: MetricUnit;
  readonly value: number;
  readonly source: string;
  readonly remark: string | null;
}

/** An entry in the list of all published numbers. */
export interface ListedNumber extends ShownNumber {
  readonly checkpoint: string | null;
  readonly model: string;
  readonly task: string;
  readonly split: string;
  readonly status: string;
}

/**
 * `interval`: the published number is inside our 95 % interval; `tolerance`: it differs no more than public reports
 * differ from each other; `outside`: neither. `unjudged`: there is no interval and no tolerance, or the run cannot be
 * compared with the published one (`obstacles`).
 */
export type PublishedVerdict = "interval" | "tolerance" | "outside" | "unjudged";

export interface PublishedComparison {
  readonly published: ShownNumber;
  /** Our score; or the reason that there is none. */
  readonly ours: { readonly value: number; readonly standardError: number | null } | { readonly missing: string };
  /** Our score minus the published one; its standard error is that of our score. */
  readonly difference: number | null;
  readonly interval: { readonly low: number; readonly high: number } | null;
  readonly tolerance: number | null;
  readonly verdict: PublishedVerdict;
  /** Known reasons for a difference, where the number is outside. */
  readonly reasons: readonly string[];
}

/** A run compared with every published number of its checkpoint on its task and split. */
export interface Reproduction {
  readonly checkpoint: string;
  readonly task: string;
  readonly split: string;
  readonly protocol: string;
  readonly scored: number;
  /** Reasons why no number can be judged. */
  readonly obstacles: readonly string[];
  /** Limitations of the run that do not prevent a comparison. */
  readonly caveats: readonly string[];
  readonly comparisons: readonly PublishedComparison[];
}

const explanation =
  "difference: ours minus published, ± the standard error of ours. Published numbers are taken as exact, though most are printed with one decimal.";

/** The comparisons for the terminal, without a final line end. */
export function formatReproductions(reproductions: readonly Reproduction[]): string {
  return [...reproductions.map(formatReproduction), explanation].join("\n\n");
}

function formatReproduction(reproduction: Reproduction): string {
  const { checkpoint, task, split, protocol, scored, obstacles, caveats, comparisons } = reproduction;
  const table = tableToText(tableOf(columnsOf(obstacles.length > 0), comparisons));
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

function columnsOf(isIncomparable: boolean): readonly ColumnOf<PublishedComparison>[] {
  return [
    left("metric", ({ published }) => published.metric),
    right("ours", ({ ours, published: { unit } }) =>
      "value" in ours ? scoreText(ours.value, unit, ours.standardError) : "none",
    ),
    right("95 % interval", ({ interval, published: { unit } }) => pointsRange(interval, unit)),
    right("published", ({ published: { value, unit } }) => scoreText(value, unit)),
    right("difference", ({ ours, difference, published: { unit } }) =>
      differenceWithError(difference, unit, "value" in ours ? ours.standardError : null),
    ),
    left("published number is", ({ ours, ...comparison }) =>
      "missing" in ours ? ours.missing : isIncomparable ? "not comparable" : verdictText(comparison),
    ),
    left("source", ({ published }) => published.source),
  ];
}

function verdictText({ verdict, tolerance, published }: Omit<PublishedComparison, "ours">): string {
  const within =
    tolerance === null ? "" : `within ${pointsText(tolerance, published.unit)}, as near as public reports are`;
  return { interval: "in the interval", tolerance: within, outside: "OUTSIDE", unjudged: "not judged" }[verdict];
}

/** Each reason once, with the numbers that it applies to. */
function reasonLines(comparisons: readonly PublishedComparison[]): readonly string[] {
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

const listedColumns: readonly ColumnOf<ListedNumber>[] = [
  left("task", ({ task }) => task),
  left("split", ({ split }) => split),
  left("metric", ({ metric }) => metric),
  right("published", ({ value, unit }) => scoreText(value, unit)),
  left("source", ({ source }) => source),
  left("transcription", ({ status }) => status),
];

/** The list of published numbers; those of checkpoints that are not public come last. No final line end. */
export function formatPublished(numbers: readonly ListedNumber[], notes: readonly string[]): string {
  const open = numbers.filter(({ checkpoint }) => checkpoint !== null);
  const closed = numbers.filter(({ checkpoint }) => checkpoint === null);
  const openTable = [left<ListedNumber>("checkpoint", ({ checkpoint }) => checkpoint), ...listedColumns];
  const closedTable = [
    left<ListedNumber>("no public checkpoint", ({ model }) => model),
    ...listedColumns,
    left<ListedNumber>("because", ({ remark }) => remark ?? ""),
  ];
  const remarks = new Set(open.flatMap(({ source, remark }) => (remark === null ? [] : [`${source}: ${remark}.`])));
  return [
    ...(open.length > 0 ? [tableToText(tableOf(openTable, open))] : []),
    ...(closed.length > 0 ? [tableToText(tableOf(closedTable, closed))] : []),
    [...remarks, ...notes, transcriptions].join("\n"),
  ].join("\n\n");
}
