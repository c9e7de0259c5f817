/** Values that occur in every section of config.json. */
import * as z from "zod";
import { refuse } from "./json-section.ts";
import type { JsonSection } from "./json-section.ts";

export const count = z.int().positive();
export const tokenId = z.int().nonnegative();

/** None where the file says null: then only the length ends a text. */
export const endIds = z.union(
  [tokenId.transform((id) => [id]), z.array(tokenId).nonempty(), z.null().transform((): number[] => [])],
  "expected a token id or a list of them",
);

/** What fills up a short text. It is masked, so where the file says null any id does, and `unset` is taken. */
export function fillerId(unset: number): z.ZodType<number> {
  return tokenId.nullish().transform((id) => id ?? unset);
}

export function checkDivides(section: JsonSection, key: string, hidden: number, heads: number): void {
  if (hidden % heads !== 0) refuse(section, key, `a divisor of the width ${hidden}`);
}
