/** Numbers for a matrix, the same at every run: most of them small, every so often one far out. */
export function testMatrix(length: number): Float32Array {
  return Float32Array.from(
    { length },
    (_, i) => Math.sin(i * 12.9898) * Math.cos(i * 78.233) * (i % 97 === 0 ? 4 : 0.1),
  );
}
