/** What a picture is between decoding and resizing. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  /** Rows from the top, pixels from the left, red green blue: height × width × 3 bytes. */
  readonly pixels: Uint8Array;
}
