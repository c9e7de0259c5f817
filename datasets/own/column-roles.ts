/**
 * What the columns of own data are taken for. A column is found by a usual name of its role; where two could be meant, or
 * none is there, `--columns role=name` says which.
 */
import { DatasetError } from "../dataset.ts";
import type { Columns } from "../dataset.ts";

/** Usual names of each role's columns, in lower case. Ids are alternatives of which the first counts. */
const usualNames = {
  image: ["file_name", "image", "image_path", "image_file_name", "filename", "file", "path", "img"],
  id: ["question_id", "questionid", "id", "sample_id", "uid", "index"],
  imageId: ["image_id", "imageid", "img_id"],
  question: ["question", "query"],
  answers: ["answers", "answer", "answer_text", "label", "references"],
  captions: ["captions", "caption", "texts", "text", "description", "descriptions"],
  choices: ["choices", "options", "candidates"],
  questionType: ["question_type"],
  answerType: ["answer_type"],
  split: ["split"],
} as const;

export type Role = keyof typeof usualNames;

/** Roles as `--columns` names them. */
export const roleNames: ReadonlyMap<string, Role> = new Map(
  (Object.keys(usualNames) as Role[]).map((role) => [
    role.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
    role,
  ]),
);

/** Of these the first name that is there counts; of the others two are a contradiction. */
const alternatives: readonly Role[] = ["id", "imageId"];

/** The column of each role that has one. */
export type ColumnRoles = Readonly<Partial<Record<Role, string>>>;

/**
 * @param given columns by the names of roles that `--columns` has
 * @param wanted the roles that a task uses; columns of other roles are not looked for
 * @throws DatasetError that names the flag
 */
export function findRoles(
  names: readonly string[],
  given: Readonly<Record<string, string>>,
  { where, wanted }: { readonly where: string; readonly wanted: readonly Role[] },
): ColumnRoles {
  const roles: Partial<Record<Role, string>> = {};
  const there = names.length === 0 ? "none" : names.join(", ");
  for (const [name, column] of Object.entries(given)) {
    const role = roleNames.get(name);
    if (role === undefined) {
      throw new DatasetError(`--columns ${name}=${column}: no such role. Roles: ${[...roleNames.keys()].join(", ")}.`);
    }
    if (!names.includes(column)) {
      throw new DatasetError(`${where}: --columns ${name}=${column}: no column "${column}". Columns there: ${there}.`);
    }
    roles[role] = column;
  }
  const taken = new Set(Object.values(roles));
  for (const [flag, role] of roleNames) {
    if (roles[role] !== undefined || !wanted.includes(role)) continue;
    const usual: readonly string[] = usualNames[role];
    const found = usual.flatMap((each) => names.filter((name) => name.toLowerCase() === each && !taken.has(name)));
    if (found.length > 1 && !alternatives.includes(role)) {
      const which = found.map((name) => `${flag}=${name}`).join(" or ");
      throw new DatasetError(
        `${where}: columns ${found.join(" and ")} could both be the ${flag}. Say which: --columns ${which}.`,
      );
    }
    if (found[0] !== undefined) roles[role] = found[0];
  }
  return roles;
}

/** The names of all columns, in the order in which rows bring them. */
export function columnNames(rows: Iterable<{ readonly columns: Columns }>): readonly string[] {
  const names = new Set<string>();
  for (const { columns } of rows) for (const name of Object.keys(columns)) names.add(name);
  return [...names];
}

/** The error for a role that a task cannot do without. */
export function missingRole(role: string, names: readonly string[], where: string): DatasetError {
  const usual = usualNames[roleNames.get(role)!].join(", ");
  return new DatasetError(
    `${where}: no column is the ${role}; columns there: ${names.join(", ")}. Name it with --columns ${role}=…, or call it one of ${usual}.`,
  );
}
