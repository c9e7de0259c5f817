/**
 * A line of a terminal that is overwritten in place. It is cut to one row, and cleared completely even where the
 * terminal has wrapped it.
 */
import stringWidth from "string-width";

const clearRow = "\r\u001b[2K";

/**
 * As much of the text as fits. The last column stays free, since some terminals wrap when it is filled. `columns`
 * undefined: unknown.
 */
export function cutToWidth(text: string, columns: number | undefined): string {
  const room = columns === undefined || columns <= 0 ? Infinity : Math.max(1, columns - 1);
  if (stringWidth(text) <= room) return text;
  let [cut, width] = ["", 0];
  for (const { segment } of graphemes.segment(text)) {
    width += stringWidth(segment);
    if (width > room - 1) break; // one column is needed for the ellipsis
    cut += segment;
  }
  return `${cut}…`;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** The escape sequence that clears a written line, even if the terminal has become narrower since and wrapped it. */
export function clearing(line: string, columns: number | undefined): string {
  const rows = columns === undefined || columns <= 0 ? 1 : Math.ceil(stringWidth(line) / columns);
  return rows <= 1 ? clearRow : `${clearRow}${`\u001b[1A${clearRow}`.repeat(rows - 1)}`;
}
