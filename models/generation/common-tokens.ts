/** What token sequences begin with in common. */

/** How many tokens all of them begin with; there is at least one sequence. */
export function commonLength([first = [], ...others]: readonly (readonly number[])[]): number {
  const end = first.findIndex((token, index) => others.some((tokens) => tokens[index] !== token));
  return end === -1 ? first.length : end;
}
