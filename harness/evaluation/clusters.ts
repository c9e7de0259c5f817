/**
 * What standard errors group samples by: a column of the data that `--cluster` or a task file names, such as the site where
 * photos were taken. Without one, samples of one image are a group.
 */
import type { Sample } from "../../datasets/dataset.ts";
import { columnsIn, columnsOf } from "../../tasks/prompt-template.ts";
import { unknownName, UsageError } from "../catalog/usage-error.ts";

/** The group of a sample; null: its image. */
export type ClusterOf = ((sample: Sample) => string) | null;

/**
 * A sample without a value in the column is a group of its own, with the others of its image. Throws a UsageError for a column
 * that no sample has.
 */
export function clusterBy(column: string | undefined, samples: readonly Sample[]): ClusterOf {
  if (column === undefined) return null;
  const names = columnsIn(samples);
  if (names.length === 0) {
    throw new UsageError(
      `--cluster ${column}: the samples have no columns. Leave it out: samples are grouped by image.`,
    );
  }
  if (!names.includes(column)) throw unknownName(`--cluster ${column}`, "column", { name: column, names });
  return (sample) => {
    const value = columnsOf(sample).get(column);
    return value === undefined ? `image ${sample.image.id}` : `${column} ${value}`;
  };
}
