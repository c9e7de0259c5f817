/**
 * What bench:reference prints: for each checkpoint and processor a Markdown table that compares blip2-bench and
 * transformers.
 */
import type { Piece } from "./reference-record.ts";

/** The reference counts as fair if its product of one row reads at least this share of the machine's memory rate. */
const fairShare = 0.5;
/**
 * A round in which other processes took a larger share of the processors' time counts only where there is no quieter
 * one.
 */
const quietShare = 0.1;

/** Why no ratio is given for this piece; null: the comparison is fair, or there is no reference. */
export function unfairness({ reference, read }: Pick<Piece, "reference" | "read">): string | null {
  if (reference === null) return null;
  const { blas, dtype, oneRowBytesPerSecond } = reference.facts;
  if (oneRowBytesPerSecond >= fairShare * read) return null;
  const found = `${gigabytes(oneRowBytesPerSecond)} of ${gigabytes(read)} GB/s`;
  return (
    `the reference's product of one row in ${dtype} (BLAS: ${blas ?? "not known"}) reads ${found}, expected half at least: ` +
    "its decoding is slow for want of a library, not of a machine. Give a Python whose torch has MKL or oneDNN."
  );
}

/** The reference's time divided by ours, for the rounds in which both were timed. */
export function ratiosOf(rounds: readonly Pick<Piece["rounds"][number], "ours" | "reference">[]): {
  readonly median: number;
  readonly least: number;
  readonly most: number;
} {
  const ratios = rounds.flatMap(({ ours, reference }) => (reference === null ? [] : [reference / ours]));
  ratios.sort((a, b) => a - b);
  return { median: middle(ratios), least: ratios[0] ?? Number.NaN, most: ratios.at(-1) ?? Number.NaN };
}

/**
 * Tables with the largest checkpoint first; in each the workloads in the order of `works`, fp32 before other
 * precisions. All pieces of one workload, one pair of precisions and one processor make one row.
 */
export function referenceReport(pieces: readonly Piece[], works: readonly string[]): string {
  const sorted = pieces.toSorted((a, b) => b.checkpoint.weightBytes - a.checkpoint.weightBytes);
  const tables = grouped(sorted, ({ checkpoint, processor, threads }) =>
    [checkpoint.name, processor, threads].join("\n"),
  );
  return tables.map((own) => tableOf(own, works)).join("\n\n");
}

const tableHead = [
  "| precisions | work | blip2-bench | transformers | times as fast | least to most |",
  "| --- | --- | --- | --- | --- | --- |",
];

function tableOf(pieces: readonly Piece[], works: readonly string[]): string {
  const rows = grouped(pieces, ({ ours, reference, work }) =>
    [ours.precision, ours.batch, reference?.facts.dtype, reference?.batch, work.name, work.units].join("\n"),
  );
  const rank = ([{ ours, work }]: readonly [Piece, ...Piece[]]): string =>
    `${ours.precision === "fp32" ? 0 : 1} ${ours.precision} ${works.indexOf(work.name)}`;
  const ranked = rows.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
  const [{ checkpoint, processor, threads }] = pieces as [Piece, ...Piece[]];
  const about = `${checkpoint.name}, ${gigabytes(checkpoint.weightBytes)} GB of weights; ${processor}, ${threads} threads`;
  return [about, "", ...tableHead, ...ranked.map(rowOf), "", ...notesOf(pieces)].join("\n");
}

/** The row of these pieces. Unfair pieces are left out; where all are unfair, the row has no ratio. */
function rowOf(pieces: readonly [Piece, ...Piece[]]): string {
  const [{ ours, reference, work }] = pieces;
  const fair = pieces.filter((piece) => unfairness(piece) === null);
  const all = (fair.length > 0 ? fair : pieces).flatMap((piece) => piece.rounds);
  const quiet = all.filter(({ neighbours }) => neighbours === null || neighbours <= quietShare);
  const rounds = quiet.length > 0 ? quiet : all;
  const rate = (seconds: readonly number[], batch: number): string => {
    const each = middle([...seconds].sort((a, b) => a - b)) / work.units;
    return `${(1 / each).toPrecision(3)} ${work.unit}/s, batch ${batch}`;
  };
  const own = rate(
    rounds.map((round) => round.ours),
    ours.batch,
  );
  if (reference === null) return `| ${[ours.precision, work.name, own, "not found", "–", "–"].join(" | ")} |`;
  const other = rate(
    rounds.map((round) => round.reference ?? Number.NaN),
    reference.batch,
  );
  const { median, least, most } = ratiosOf(rounds);
  const ratio =
    fair.length > 0
      ? [`**${median.toFixed(2)}**`, `${least.toFixed(2)} to ${most.toFixed(2)} in ${rounds.length}`]
      : ["refused", "–"];
  const precisions = `${ours.precision} beside ${reference.facts.dtype}`;
  return `| ${[precisions, work.name, own, other, ...ratio].join(" | ")} |`;
}

/** Versions, dates, and why a ratio is missing: each sentence once. */
function notesOf(pieces: readonly Piece[]): readonly string[] {
  const days = pieces.map(({ date }) => date.slice(0, 10)).sort();
  const [first = "", last = ""] = [days[0], days.at(-1)];
  const read = range(pieces.map((piece) => piece.read));
  const notes = new Set([`${first === last ? first : `${first} to ${last}`}; memory reads ${read} GB/s`]);
  for (const { version, onnxRuntime, node } of pieces.map(({ ours }) => ours)) {
    notes.add(`blip2-bench ${version}, ONNX Runtime ${onnxRuntime}, Node ${node}`);
  }
  const references = pieces.flatMap(({ reference }) => (reference === null ? [] : [reference.facts]));
  const kinds = grouped(references, ({ torch, transformers, blas, instructions, dtype }) =>
    [torch, transformers, blas, instructions, dtype].join("\n"),
  );
  for (const [facts, ...more] of kinds) {
    const { torch, transformers, blas, instructions, dtype } = facts;
    const rows = range([facts, ...more].map(({ oneRowBytesPerSecond }) => oneRowBytesPerSecond));
    notes.add(
      `transformers ${transformers}, torch ${torch} (BLAS: ${blas ?? "not known"}, ${instructions}), ${dtype}: one row reads ${rows} GB/s`,
    );
  }
  const shares = pieces.flatMap(({ rounds }) => rounds.flatMap(({ neighbours }) => neighbours ?? []));
  const noisy = shares.filter((share) => share > quietShare).length;
  if (noisy > 0) {
    notes.add(
      `in ${noisy} of ${shares.length} rounds others took more than a tenth of the processors' time: a row counts them only where it has no other`,
    );
  }
  for (const reason of pieces.flatMap((piece) => unfairness(piece) ?? [])) notes.add(`refused: ${reason}`);
  return [...notes].map((note) => `- ${note}`);
}

/** One piece in a line, printed as soon as it is measured. */
export function pieceLine(piece: Piece): string {
  return `${piece.checkpoint.name} ${rowOf([piece])}`;
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(1);
}

function range(bytes: readonly number[]): string {
  const [least, most] = [Math.min(...bytes), Math.max(...bytes)].map(gigabytes);
  return least === most ? least! : `${least} to ${most}`;
}

/** Groups items by key, in the order in which each key first appears. */
function grouped<Item>(items: readonly Item[], keyOf: (item: Item) => string): readonly [Item, ...Item[]][] {
  const groups = new Map<string, [Item, ...Item[]]>();
  for (const item of items) {
    const known = groups.get(keyOf(item));
    if (known === undefined) groups.set(keyOf(item), [item]);
    else known.push(item);
  }
  return [...groups.values()];
}

/** The median of sorted numbers. */
function middle(sorted: readonly number[]): number {
  const half = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(half) - 1] ?? Number.NaN, sorted[Math.floor(half)] ?? Number.NaN];
  return (low + high) / 2;
}
