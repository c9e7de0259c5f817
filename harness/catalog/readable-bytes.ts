/** A size for people, in the unit that suits it: `640.0 kB`, `12.5 MB`, `15.0 GB`. */
export function readableBytes(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
