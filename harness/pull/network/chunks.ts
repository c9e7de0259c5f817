/** Bytes in several buffers, one after the other. */

export function countBytes(chunks: readonly Uint8Array[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}

/** The first so many bytes, and those after them; nothing is copied. */
export function splitChunks(
  chunks: readonly Uint8Array[],
  bytes: number,
): readonly [readonly Uint8Array[], readonly Uint8Array[]] {
  let before = 0;
  for (const [index, chunk] of chunks.entries()) {
    const after = before + chunk.length;
    if (after > bytes) {
      const head = chunk.subarray(0, bytes - before);
      return [
        [...chunks.slice(0, index), head],
        [chunk.subarray(head.length), ...chunks.slice(index + 1)],
      ];
    }
    before = after;
  }
  return [chunks, []];
}
