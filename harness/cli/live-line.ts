/** A line of a terminal that is written over: cut so that it stays one row, and cleared whole where it was wrapped after all. */
import stringWidth from "string-width";

const clearRow = "\r\u001b[2K";

/** As much of the text as fits; the last column stays free, for some terminals wrap when it is filled. `columns`: unset is unknown. */
export function cutToWidth(text: string, columns: number | undefined): string {
  const room = columns === undefined || columns <= 0 ? Infinity : Math.max(1, columns - 1);
  if (stringWidth(text) <= room) return text;
  let [cut, width] = ["", 0];
  for (const { segment } of graphemes.segment(text)) {
    width += stringWidth(segment);
    if (width > room - 1) break; // one column is for the dots
    cut += segment;
  }
  return `${cut}…`;
}

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** What clears a line that was written, also where the terminal has become narrower and wrapped it since. */
export function clearing(line: string, columns: number | undefined): string {
  const rows = columns === undefined || columns <= 0 ? 1 : Math.ceil(stringWidth(line) / columns);
  return rows <= 1 ? clearRow : `${clearRow}${`\u001b[1A${clearRow}`.repeat(rows - 1)}`;
}
