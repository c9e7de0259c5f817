/**
 * Text from models and data sets, made safe for a terminal and for files that are shown in one: a control character is
 * written as its escape, such as \u001b, so that it can neither move the cursor nor recolour or reorder what is around it.
 */

// C0 but for tab and newline, DEL, C1, and the marks that reverse the direction of text
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Tabs and newlines stay. */
export function visibleControls(text: string): string {
  return text.replace(controls, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Also tabs and newlines are written as escapes, so that the text stays on its line. */
export function onOneLine(text: string): string {
  return visibleControls(text).replace(/\t/g, "\\t").replace(/\n/g, "\\n");
}
