/**
 * A number that somebody published of a checkpoint on a task, and how a printed table becomes such numbers. The tables
 * in this folder have the rows and columns of the printed ones, so that they can be checked against the PDF (arXiv
 * 2301.12597, version 3).
 */
import type { MetricUnit } from "../../reports/records/metric-unit.ts";

/**
 * `cross-checked`: two conversions of the paper, made by different routes, agree. `quoted`: taken from the named
 * source, which is not the paper. `unverified`: the source exists, but the number in it could not be checked.
 */
export type PublishedStatus = "cross-checked" | "quoted" | "unverified";

export interface PublishedNumber {
  /** Name of the checkpoint, or of the folder it is converted to; null: its weights are not public, see `remark`. */
  readonly checkpoint: string | null;
  /** Its name in the paper, such as "ViT-g OPT 2.7B". */
  readonly model: string;
  readonly task: string;
  readonly split: string;
  /** A group in a metric's breakdown; null: the whole split. */
  readonly part: { readonly breakdown: string; readonly group: string } | null;
  readonly metric: string;
  /** Value in the unit of the metric (task.ts): a fraction, or CIDEr's own unit. */
  readonly value: number;
  readonly unit: MetricUnit;
  /** `authors`: measured by the authors with the released code and weights. */
  readonly origin: "paper" | "authors" | "others";
  readonly source: string;
  readonly status: PublishedStatus;
  readonly remark: string | null;
}

/** A column of a table. */
export interface PublishedColumn extends Pick<PublishedNumber, "task" | "split" | "metric"> {
  readonly part?: PublishedNumber["part"];
  readonly status?: PublishedStatus;
}

export interface PublishedTable {
  readonly source: string;
  readonly columns: readonly PublishedColumn[];
  readonly rows: readonly {
    readonly model: string;
    readonly checkpoint: string | null;
    /** The printed numbers, one for each column. */
    readonly printed: readonly number[];
    readonly status?: PublishedStatus;
    readonly remark?: string;
  }[];
}

/** Throws a RangeError where a row has more or fewer numbers than there are columns. */
export function transcribe({ source, columns, rows }: PublishedTable): readonly PublishedNumber[] {
  return rows.flatMap(({ model, checkpoint, printed, status, remark = null }) => {
    if (printed.length !== columns.length) {
      throw new RangeError(`${source}, ${model}: ${printed.length} numbers, expected ${columns.length}`);
    }
    return printed.map((number, index): PublishedNumber => {
      const { task, split, metric, part = null, status: columnStatus } = columns[index]!;
      return {
        checkpoint,
        model,
        task,
        split,
        part,
        metric,
        ...fromPrinted(number, metric),
        origin: "paper",
        source,
        status: status ?? columnStatus ?? "cross-checked",
        remark,
      };
    });
  });
}

/**
 * Everything is printed times 100: fractions in percent, CIDEr as papers quote it. The decimal point is moved in the
 * text, so that 54.3 becomes exactly the double 0.543.
 */
export function fromPrinted(printed: number, metric: string): Pick<PublishedNumber, "value" | "unit"> {
  return { value: Number(`${printed}e-2`), unit: metric === "CIDEr" ? "cider" : "fraction" };
}
