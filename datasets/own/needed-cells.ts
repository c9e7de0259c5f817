/**
 * The cells that samples are made of. One that is empty is a fault of its own sample. A column that is empty in every row, or whose
 * cells are of different kinds, is an error of the data.
 */
import { DatasetError } from "../dataset.ts";
import type { ColumnRoles, Role } from "./column-roles.ts";
import { isBlank, kindsIn, rowError } from "./row.ts";
import type { Row } from "./row.ts";

export interface NeededCells {
  /** What is wrong with a row's cells, with its file and place; null: nothing is. */
  readonly faultOf: (row: Row) => string | null;
}

/** What a cell of a role holds, for messages. */
const expectedIn = {
  image: "an image",
  question: "a question",
  answers: "an answer",
  captions: "a caption",
} as const satisfies Partial<Record<Role, string>>;

/**
 * The cells of those of these roles that have a column.
 * @param where begins the error about all rows
 * @throws DatasetError for an empty column, or the first cell of another kind than those before
 */
export function neededCells(
  rows: readonly Row[],
  roles: ColumnRoles,
  { needed, where }: { readonly needed: readonly (keyof typeof expectedIn)[]; readonly where: string },
): NeededCells {
  const columns = needed.flatMap((role) => {
    const column = roles[role];
    return column === undefined ? [] : [{ column, role, expected: expectedIn[role] }];
  });
  for (const { column, role, expected } of columns) {
    if (rows.every((row) => isEmpty(row, column, role))) {
      throw new DatasetError(
        `${where}: column "${column}" is empty in every row, expected ${expected}. Fill it, or name another with --columns.`,
      );
    }
    if (role !== "image") refuseMixed(rows, column);
  }
  const faultOf = (row: Row): string | null => {
    const empty = columns.find(({ column, role }) => isEmpty(row, column, role));
    if (empty === undefined) return null;
    return rowError(row, `column "${empty.column}" is empty, expected ${empty.expected}.`).message;
  };
  return { faultOf };
}

/** A row that has an image's bytes needs no name of it. */
function isEmpty({ columns, image }: Row, column: string, role: Role): boolean {
  return isBlank(columns[column] ?? "") && (role !== "image" || image === undefined);
}

function refuseMixed(rows: readonly Row[], column: string): void {
  let first: string | null = null;
  for (const row of rows) {
    for (const kind of kindsIn(row, column)) {
      first ??= kind;
      if (kind === first) continue;
      throw rowError(
        row,
        `column "${column}" holds ${kind}, and before it ${first}. Write all of its cells alike: "7" for 7, ["red"] for "red".`,
      );
    }
  }
}
