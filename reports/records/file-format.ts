/** The field `format` of a JSON file, by which files of other versions and other programs are told apart. */

/** The field as a message shows it: `format "blip2-bench-run/2"`, or `no format`. `value`: the parsed file. */
export function writtenFormat(value: unknown): { readonly format: string | null; readonly words: string } {
  const format = typeof value === "object" && value !== null && "format" in value ? value.format : undefined;
  if (typeof format === "string") return { format, words: `format ${JSON.stringify(format)}` };
  return { format: null, words: format === undefined ? "no format" : "a format that is no text" };
}
