/** Image files → pixels, against transformers' own tensors, and what is said when a file cannot be used. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import sharp from "sharp";
import type { Sharp } from "sharp";
import * as z from "zod";
import { loadPixels, normalise, readImage } from "../../../models/image/image-processor.ts";
import { resizeBicubic } from "../../../models/image/pillow-resize.ts";
import { parsePreprocessorConfig } from "../../../models/image/preprocessor-config.ts";
import { readSafetensorsHeader } from "../../../models/checkpoint/safetensors.ts";
import type { TensorEntry } from "../../../models/checkpoint/safetensors.ts";
import { projectUrl } from "../../support/project.ts";

const root = projectUrl;
const fixtures = new URL("test/fixtures/preprocess/", root);
const goldens = new URL("../shared/goldens/", root);
const settings64 = parsePreprocessorConfig({ size: 64, rescale_factor: 0.00392156862745098 }, "test");

async function tensorBytes({ file, offset, byteLength }: TensorEntry): Promise<Buffer> {
  return (await readFile(file)).subarray(offset, offset + byteLength);
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

describe("image processor", () => {
  it("makes what transformers makes of awkward pictures, bit for bit at every stage", async () => {
    const tensors = await readSafetensorsHeader(fileURLToPath(new URL("tensors.safetensors", fixtures)));
    const names = z
      .array(z.object({ file: z.string() }))
      .parse(JSON.parse(await readFile(new URL("images.json", fixtures), "utf8")))
      .map(({ file }) => file);
    assert.equal(names.length, 12);

    for (const name of names) {
      const path = fileURLToPath(new URL(`images/${name}`, fixtures));
      const image = await readImage(path);
      const expectSame = async (tensor: string, bytes: Buffer): Promise<void> => {
        assert.ok((await tensorBytes(tensors.get(`${name}.${tensor}`)!)).equals(bytes), `${name}: ${tensor} differs`);
      };
      assert.deepEqual([image.height, image.width, 3], tensors.get(`${name}.rgb`)!.shape);
      await expectSame("rgb", bytesOf(image.pixels));
      await expectSame("resized64", bytesOf(resizeBicubic(image, 64, 64).pixels));
      if (tensors.has(`${name}.resized224`)) {
        await expectSame("resized224", bytesOf(resizeBicubic(image, 224, 224).pixels));
      }
      await expectSame("pixel_values64", bytesOf((await loadPixels(path, settings64)).values));
    }
  });

  it("makes what each tiny checkpoint was given, bit for bit", async function () {
    if (!existsSync(goldens)) this.skip(); // the reference's tensors lie beside a checkout, not in it
    for (const checkpoint of [
      "shapes-opt-small",
      "shapes-opt-base",
      "shapes-t5-small",
      "shapes-t5-base",
      "shapes-itm",
    ]) {
      const tensors = await readSafetensorsHeader(fileURLToPath(new URL(`${checkpoint}/tensors.safetensors`, goldens)));
      const expected = await tensorBytes(tensors.get("pixel_values")!);
      const found = await Promise.all(
        [108, 1177, 2132, 3007, 3827, 4921].map(async (id) => {
          const file = `datasets/bundled/val2014/COCO_val2014_${String(id).padStart(12, "0")}.jpg`;
          return bytesOf((await loadPixels(fileURLToPath(new URL(file, root)), settings64)).values);
        }),
      );
      assert.ok(Buffer.concat(found).equals(expected), `${checkpoint}: pixel_values differ`);
    }
  });

  it("normalises to planes of red, green and blue", () => {
    const image = { width: 2, height: 1, pixels: Uint8Array.of(0, 10, 20, 255, 110, 120) };
    const choices = { rescaleFactor: 0.5, mean: [1, 2, 3], standardDeviation: [2, 4, 0.5] } as const;
    assert.deepEqual([...normalise(image, choices)], [-0.5, 63.25, 0.75, 13.25, 14, 114]);
  });

  it("says how long reading, decoding and resizing took", async () => {
    const path = fileURLToPath(new URL("images/plain.jpg", fixtures));
    const { latencyMs } = await loadPixels(path, settings64);
    assert.deepEqual(Object.keys(latencyMs), ["imageRead", "imageDecode", "imageResize"]);
    assert.ok(Object.values(latencyMs).every((milliseconds) => milliseconds >= 0));
  });

  it("works in a worker thread", async () => {
    const path = fileURLToPath(new URL("images/plain.jpg", fixtures));
    const processor = new URL("dist/models/image/image-processor.js", projectUrl);
    const worker = new Worker(
      `const { parentPort, workerData } = require("node:worker_threads");
       import(workerData.processor).then(async ({ loadPixels }) => {
         parentPort.postMessage((await loadPixels(workerData.path, workerData.settings)).values);
       });`,
      { eval: true, workerData: { processor: processor.href, path, settings: settings64 } },
    );
    const values = await new Promise<unknown>((resolve, reject) =>
      worker.once("message", resolve).once("error", reject),
    );
    await worker.terminate();
    assert.deepEqual(values, (await loadPixels(path, settings64)).values);
  });
});

describe("an image that cannot be used", () => {
  let folder = "";
  before(async () => (folder = await mkdtemp(join(tmpdir(), "images-"))));
  after(async () => {
    await rm(folder, { recursive: true });
  });

  async function written(name: string, content: string | Uint8Array): Promise<string> {
    await writeFile(join(folder, name), content);
    return join(folder, name);
  }
  async function refuses(path: string, message: string | RegExp): Promise<void> {
    const expected = typeof message === "string" ? `${path}: ${message}` : message;
    await assert.rejects(readImage(path), { name: "ImageError", message: expected });
  }
  function blank(width: number, height: number): Sharp {
    return sharp({ create: { width, height, channels: 3, background: "teal" } });
  }

  it("is missing, a folder, empty, or out of reach", async () => {
    await refuses(join(folder, "none.jpg"), "no such file. Is this the folder of the images?");
    await refuses(folder, "this is a folder, expected an image file.");
    const empty = await written("empty.jpg", "");
    await refuses(empty, "the file is empty, expected an image. Download it again.");
    const beyond = "the file cannot be read (ENOTDIR). Check the path and its permissions.";
    await refuses(join(empty, "none.jpg"), beyond);
  });

  it("is no image, or of a kind that is not read", async () => {
    const of = (found: string, advice: string): string => `found ${found}, expected JPEG, PNG, WebP or GIF. ${advice}.`;
    const cases: [string, string | Uint8Array, string, string][] = [
      ["page.jpg", "\n<!DOCTYPE html><p>404", "a web page, probably an error message", "Download it again"],
      ["lfs.jpg", "version https://git-lfs", "a Git LFS pointer", "Fetch the file it stands for (git lfs pull)"],
      [
        "text.jpg",
        "Hello, world!",
        'a file that begins with "Hello, world"',
        "Is it an image? If so, convert it to PNG",
      ],
      ["a.bmp", "BM\0\0", "a BMP image", "Convert it to PNG"],
      ["a.tif", await blank(3, 3).tiff().toBuffer(), "a TIFF image", "Convert it to PNG"],
      ["a.avif", await blank(16, 16).avif().toBuffer(), "an AVIF image", "Convert it to PNG"],
      ["a.heic", "\0\0\0\x18ftypheic", "a HEIF image or a video", "Convert it to PNG"],
      ["a.jp2", "\0\0\0\x0cjP  \r\n", "a JPEG 2000 image", "Convert it to PNG"],
      ["a.svg", '<?xml version="1.0"?>\n<svg/>', "an SVG drawing", "Convert it to PNG"],
    ];
    for (const [name, content, found, advice] of cases) await refuses(await written(name, content), of(found, advice));
  });

  it("is cut, wherever", async () => {
    const noise = { type: "gaussian", mean: 128, sigma: 40 } as const;
    const picture = sharp({ create: { width: 40, height: 30, channels: 3, background: "teal", noise } });
    const files = new Map([
      ["cut.jpg", await picture.clone().jpeg().toBuffer()],
      ["cut-progressive.jpg", await picture.clone().jpeg({ progressive: true }).toBuffer()],
      ["cut.png", await picture.clone().png().toBuffer()],
      ["cut.webp", await picture.clone().webp().toBuffer()],
      ["cut.gif", await picture.clone().gif().toBuffer()],
    ]);
    for (const [name, content] of files) {
      await readImage(await written(name, content));
      // What only says that a file ends: 2 bytes of a JPEG, 12 of a PNG, 1 of a GIF. Pillow does without some of it.
      const least = { ".jpg": 3, ".png": 13, ".gif": 2 }[extname(name)] ?? 1;
      const losses = [1, 2, 3, 5, 8, 13, 100].filter((lost) => lost >= least);
      const lengths = losses.map((lost) => content.length - lost);
      for (const length of [...lengths, 20, Math.floor(content.length / 3)]) {
        const path = await written(name, content.subarray(0, length));
        await refuses(
          path,
          new RegExp(` file of ${length} bytes is truncated or damaged \\(.*\\)\\. Download it again\\.$`),
        );
      }
    }
  });

  it("is read in spite of bytes behind its end, or stray bytes before it, as in Pillow", async () => {
    const whole = await readFile(new URL("images/plain.jpg", fixtures));
    const expected = await readImage(await written("whole.jpg", whole));
    const followed = await written("followed.jpg", Buffer.concat([whole, Buffer.alloc(100)]));
    const stray = Buffer.concat([whole.subarray(0, -2), Buffer.alloc(3), whole.subarray(-2)]);
    assert.deepEqual(await readImage(followed), expected);
    assert.deepEqual(await readImage(await written("stray.jpg", stray)), expected);
  });

  it("is the single pixel that a failed download leaves", async () => {
    const found = "the image has 1 × 1 pixels: the placeholder of a failed download, not a picture. Download it again.";
    await refuses(await written("1.png", await blank(1, 1).png().toBuffer()), found);
    await refuses(await written("1.gif", await blank(1, 1).gif().toBuffer()), found);
    assert.equal((await readImage(await written("2.png", await blank(2, 1).png().toBuffer()))).width, 2);
  });

  it("is too large, by its header alone", async () => {
    const wide = await blank(20_000, 2).png().toBuffer();
    const found =
      "the image has 20000 × 2 pixels, expected at most 16384 a side. Scale it down, or allow more with --max-pixels.";
    await refuses(await written("wide.png", wide), found);
    await refuses(await written("wide.jpg", await blank(20_000, 2).jpeg().toBuffer()), found);
    await refuses(await written("header.png", wide.subarray(0, 300)), found);
    const many = await written("many.png", await blank(30, 20).png().toBuffer());
    await assert.rejects(readImage(many, { side: 30, pixels: 599 }), {
      message: `${many}: the image has 30 × 20 pixels, 600 in all, expected at most 599. Scale it down, or allow more with --max-pixels.`,
    });
    assert.equal((await readImage(many, { side: 30, pixels: 600 })).height, 20);
  });
});
