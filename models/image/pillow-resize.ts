/**
 * The bicubic resize of 8-bit images in Pillow 13.0 (src/libImaging/Resample.c), bit for bit. An output pixel is a weighted
 * sum of the input pixels under a cubic kernel, which widens when the image shrinks so that it does not alias. Width and
 * height are resized one after the other, rounded to 8 bits in between, so their order shows in the last bits.
 */
import type { RgbImage } from "./image-decoder.ts";

/** Keys' cubic convolution with a = -0.5, as Pillow and LAVIS have it; OpenCV and PyTorch take -0.75. */
const SHARPNESS = -0.5;
/** The kernel is zero from 2 pixels on. */
const SUPPORT = 2;
/** 32-bit sums of 8-bit pixels leave 22 bits for the weight, 2 for overshoot and sign (Resample.c: PRECISION_BITS). */
const FRACTION_BITS = 22;
const ONE = 2 ** FRACTION_BITS;
const HALF = 2 ** (FRACTION_BITS - 1);

/** The resized image; `image` itself where the size does not change. */
export function resizeBicubic(image: RgbImage, width: number, height: number): RgbImage {
  return isHeightFirst(image, width, height)
    ? resizeWidth(resizeHeight(image, height), width)
    : resizeHeight(resizeWidth(image, width), height);
}

/** Since 13.0 (Pillow pull request 9549): where the height loses more than twice what the width loses. Before: never. */
function isHeightFirst(image: RgbImage, width: number, height: number): boolean {
  const lostHeight = image.height - height;
  return lostHeight > 0 && lostHeight > 2 * (image.width - width);
}

/** For each output position along one axis, the input positions it is made of and their weights. */
interface AxisWeights {
  /** The first input position of each output position. */
  readonly starts: Int32Array;
  /** How many input positions each has, at most `stride`. */
  readonly counts: Int32Array;
  /** Output position i has its weights from i * stride on, in units of 2^-22. */
  readonly weights: Int32Array;
  readonly stride: number;
}

function axisWeights(inputSize: number, outputSize: number): AxisWeights {
  const scale = inputSize / outputSize;
  const widening = Math.max(scale, 1);
  const support = SUPPORT * widening;
  const stride = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(outputSize);
  const counts = new Int32Array(outputSize);
  const weights = new Int32Array(outputSize * stride);
  const exact = new Float64Array(stride);

  for (let output = 0; output < outputSize; output++) {
    const center = (output + 0.5) * scale;
    const start = Math.max(Math.trunc(center - support + 0.5), 0);
    const count = Math.min(Math.trunc(center + support + 0.5), inputSize) - start;
    let sum = 0;
    for (let tap = 0; tap < count; tap++) {
      exact[tap] = cubic((tap + start - center + 0.5) * (1 / widening));
      sum += exact[tap]!;
    }
    for (let tap = 0; tap < count; tap++) weights[output * stride + tap] = fixedPoint(exact[tap]! / sum);
    starts[output] = start;
    counts[output] = count;
  }
  return { starts, counts, weights, stride };
}

/** Keys 1981, equation 15, in the order of operations that gives Pillow's last bit (Resample.c: bicubic_filter). */
function cubic(position: number): number {
  const x = Math.abs(position);
  if (x < 1) return ((SHARPNESS + 2) * x - (SHARPNESS + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * SHARPNESS;
  return 0;
}

/** The nearest integer, halves away from zero. */
function fixedPoint(weight: number): number {
  return Math.trunc(weight * ONE + (weight < 0 ? -0.5 : 0.5));
}

function resizeWidth(image: RgbImage, width: number): RgbImage {
  const { width: inputWidth, height, pixels } = image;
  if (inputWidth === width) return image;
  const { starts, counts, weights, stride } = axisWeights(inputWidth, width);
  const resized = new Uint8ClampedArray(height * width * 3); // clamps what overshoots 0 or 255
  for (let y = 0, out = 0; y < height; y++) {
    const row = y * inputWidth * 3;
    for (let x = 0; x < width; x++, out += 3) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let at = row + starts[x]! * 3;
      const end = x * stride + counts[x]!;
      for (let tap = x * stride; tap < end; tap++, at += 3) {
        const weight = weights[tap]!;
        red = (red + Math.imul(pixels[at]!, weight)) | 0;
        green = (green + Math.imul(pixels[at + 1]!, weight)) | 0;
        blue = (blue + Math.imul(pixels[at + 2]!, weight)) | 0;
      }
      resized[out] = red >> FRACTION_BITS;
      resized[out + 1] = green >> FRACTION_BITS;
      resized[out + 2] = blue >> FRACTION_BITS;
    }
  }
  return { width, height, pixels: new Uint8Array(resized.buffer) };
}

function resizeHeight(image: RgbImage, height: number): RgbImage {
  const { width, height: inputHeight, pixels } = image;
  if (inputHeight === height) return image;
  const { starts, counts, weights, stride } = axisWeights(inputHeight, height);
  const rowLength = width * 3;
  const resized = new Uint8ClampedArray(height * rowLength);
  const sums = new Int32Array(rowLength);
  for (let y = 0; y < height; y++) {
    sums.fill(HALF);
    const end = y * stride + counts[y]!;
    let row = starts[y]! * rowLength;
    let tap = y * stride;
    // Four rows at a time: a sum is read and written once for all of them, which halves the time.
    for (; tap + 4 <= end; tap += 4, row += 4 * rowLength) {
      const [first, second, third, fourth] = [weights[tap]!, weights[tap + 1]!, weights[tap + 2]!, weights[tap + 3]!];
      const [row2, row3, row4] = [row + rowLength, row + 2 * rowLength, row + 3 * rowLength];
      for (let x = 0; x < rowLength; x++) {
        const upper = Math.imul(pixels[row + x]!, first) + Math.imul(pixels[row2 + x]!, second);
        const lower = Math.imul(pixels[row3 + x]!, third) + Math.imul(pixels[row4 + x]!, fourth);
        sums[x] = sums[x]! + upper + lower;
      }
    }
    for (; tap < end; tap++, row += rowLength) {
      const weight = weights[tap]!;
      for (let x = 0; x < rowLength; x++) sums[x] = sums[x]! + Math.imul(pixels[row + x]!, weight);
    }
    for (let x = 0; x < rowLength; x++) resized[y * rowLength + x] = sums[x]! >> FRACTION_BITS;
  }
  return { width, height, pixels: new Uint8Array(resized.buffer) };
}
