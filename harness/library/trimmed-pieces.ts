/** Trims a text that arrives in pieces: joined, the pieces that come out are what `trim` makes of the whole text. */

export class TrimmedPieces {
  /** White space that is given out only if more text follows it. */
  #held = "";
  #isBegun = false;

  /** Takes the next piece; gives the text that is certain now, often "". */
  push(piece: string): string {
    const text = this.#isBegun ? this.#held + piece : piece.trimStart();
    if (text === "") return "";
    this.#isBegun = true;
    const shown = text.trimEnd();
    this.#held = text.slice(shown.length);
    return shown;
  }
}
