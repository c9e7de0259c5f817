/** Pieces of a text without the white space at its ends: what `trim` leaves of all of it, as it comes. */

export class TrimmedPieces {
  /** White space that is shown once something follows it. */
  #held = "";
  #isBegun = false;

  /** What may be shown now; often nothing. */
  push(piece: string): string {
    const text = this.#isBegun ? this.#held + piece : piece.trimStart();
    if (text === "") return "";
    this.#isBegun = true;
    const shown = text.trimEnd();
    this.#held = text.slice(shown.length);
    return shown;
  }
}
