/** The contents of the files that bench:pull fetches: this block of bytes, repeated. */
import { createHash } from "node:crypto";

const patternLength = 1 << 20;

export function patternBytes(): Uint8Array {
  const words = new Uint32Array(patternLength / 4);
  for (const [index] of words.entries()) words[index] = Math.imul(index, 2_654_435_761); // Knuth's multiplier
  return new Uint8Array(words.buffer);
}

export function patternSha256(sizeBytes: number): string {
  const pattern = patternBytes();
  const hash = createHash("sha256");
  for (let left = sizeBytes; left > 0; left -= pattern.length)
    hash.update(pattern.subarray(0, Math.min(left, pattern.length)));
  return hash.digest("hex");
}
