/** The bicubic resize against Pillow's own bytes, and against the plain sum it is a fast form of. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import * as z from "zod";
import { resizeBicubic } from "../../../models/image/pillow-resize.ts";
import type { RgbImage } from "../../../models/image/image-decoder.ts";
import { projectUrl } from "../../support/project.ts";

const size = z.tuple([z.int(), z.int()]);
const casesSchema = z.object({ resized: z.array(z.object({ from: size, to: size, sha256: z.string() })) });

/** Noise, as make.py generates it: the top byte of a linear congruential generator. */
function generated(width: number, height: number): RgbImage {
  let state = 1;
  const next = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state >>> 24;
  };
  return { width, height, pixels: Uint8Array.from({ length: width * height * 3 }, next) };
}

/** One output pixel at a time, straight from the definition of the filter; `axis` 0 is the width. */
function plainPass(image: RgbImage, axis: 0 | 1, outputSize: number): RgbImage {
  const inputSize = axis === 0 ? image.width : image.height;
  if (inputSize === outputSize) return image;
  const [width, height] = axis === 0 ? [outputSize, image.height] : [image.width, outputSize];
  const pixels = new Uint8Array(width * height * 3);
  const scale = inputSize / outputSize;
  const widening = Math.max(scale, 1);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const center = ((axis === 0 ? x : y) + 0.5) * scale;
      const inputs = Array.from({ length: inputSize }, (_, index) => index).filter(
        (index) => index >= Math.trunc(center - 2 * widening + 0.5) && index < Math.trunc(center + 2 * widening + 0.5),
      );
      const kernel = inputs.map((index) => keys((index - center + 0.5) * (1 / widening)));
      const total = kernel.reduce((sum, weight) => sum + weight, 0);
      for (let channel = 0; channel < 3; channel++) {
        const sum = inputs.reduce((partial, index, tap) => {
          const at = axis === 0 ? y * image.width + index : index * image.width + x;
          const scaled = (kernel[tap]! / total) * 2 ** 22;
          return partial + image.pixels[at * 3 + channel]! * Math.trunc(scaled + Math.sign(scaled) / 2);
        }, 2 ** 21);
        pixels[(y * width + x) * 3 + channel] = Math.min(Math.max(Math.floor(sum / 2 ** 22), 0), 255);
      }
    }
  }
  return { width, height, pixels };
}

function keys(position: number): number {
  const x = Math.abs(position);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

describe("bicubic resize", () => {
  it("gives Pillow's bytes: up, down, either way first, and where one side or both stay", async () => {
    const file = new URL("test/fixtures/decode/expected.json", projectUrl);
    const { resized } = casesSchema.parse(JSON.parse(await readFile(file, "utf8")));
    assert.ok(resized.length > 70);
    const differing = resized.filter(({ from, to, sha256 }) => {
      const { width, height, pixels } = resizeBicubic(generated(...from), ...to);
      return width !== to[0] || height !== to[1] || createHash("sha256").update(pixels).digest("hex") !== sha256;
    });
    assert.deepEqual(differing, []);
  });

  it("is the plain weighted sum, width first", () => {
    for (const [width, height, to] of [[30, 20, 9] as const, [5, 7, 16] as const, [33, 2, 12] as const]) {
      const image = generated(width, height);
      assert.deepEqual(resizeBicubic(image, to, to), plainPass(plainPass(image, 0, to), 1, to));
    }
  });

  it("is the plain weighted sum, height first, where the height loses more than twice what the width loses", () => {
    for (const [width, height, to] of [[12, 40, 9] as const, [5, 21, 16] as const]) {
      const image = generated(width, height);
      assert.deepEqual(resizeBicubic(image, to, to), plainPass(plainPass(image, 1, to), 0, to));
    }
  });

  it("keeps a plain colour, and gives the image itself where the size does not change", () => {
    const plain = { width: 9, height: 5, pixels: new Uint8Array(9 * 5 * 3).fill(200) };
    assert.deepEqual(new Set(resizeBicubic(plain, 32, 3).pixels), new Set([200]));
    assert.equal(resizeBicubic(plain, 9, 5), plain);
  });
});
