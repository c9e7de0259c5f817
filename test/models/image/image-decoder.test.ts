/** Every kind of picture, decoded to the bytes that Pillow gives. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { readImage } from "../../../models/image/image-processor.ts";
import { projectUrl } from "../../support/project.ts";

const fixtures = new URL("test/fixtures/decode/", projectUrl);
const casesSchema = z.object({
  decoded: z.array(z.object({ file: z.string(), width: z.int(), height: z.int(), sha256: z.string() })),
});

describe("image decoding", () => {
  it("gives Pillow's bytes for every JPEG, PNG, WebP and GIF", async () => {
    const { decoded } = casesSchema.parse(JSON.parse(await readFile(new URL("expected.json", fixtures), "utf8")));
    assert.ok(decoded.length > 60);
    const found = await Promise.all(
      decoded.map(async ({ file }) => {
        const { width, height, pixels } = await readImage(fileURLToPath(new URL(`images/${file}`, fixtures)));
        return { file, width, height, sha256: createHash("sha256").update(pixels).digest("hex") };
      }),
    );
    assert.deepEqual(found, decoded);
  });
});

describe("a broken GIF", () => {
  let folder = "";
  before(async () => (folder = await mkdtemp(join(tmpdir(), "gif-"))));
  after(async () => {
    await rm(folder, { recursive: true });
  });

  /** Two pixels, black and white; `codes` are three bits each: 4 clears the table, 5 is the end. */
  function gif({ codes = [4, 0, 1, 5], width = 2, indexBits = 2, frame = true }): Buffer {
    const packed = codes.reduce((bits, code, index) => bits + code * 8 ** index, 0);
    const data = [Math.ceil((codes.length * 3) / 8), packed & 255, packed >> 8];
    return Buffer.concat([
      Buffer.from("GIF89a"),
      Buffer.of(width, 0, 1, 0, 0x80, 0, 0, ...[0, 0, 0, 255, 255, 255]),
      frame
        ? Buffer.of(0x2c, 0, 0, 0, 0, width, 0, 1, 0, 0, indexBits, ...data.slice(0, data[0]! + 1), 0)
        : Buffer.of(),
      Buffer.from(";"),
    ]);
  }
  async function refuses(bytes: Buffer, reason: string): Promise<void> {
    const path = join(folder, "broken.gif");
    await writeFile(path, bytes);
    const message = `${path}: the GIF file of ${bytes.length} bytes is truncated or damaged (${reason}). Download it again.`;
    await assert.rejects(readImage(path), { name: "ImageError", message });
  }

  it("is refused with what is wrong", async () => {
    const path = join(folder, "whole.gif");
    await writeFile(path, gif({}));
    assert.deepEqual([...(await readImage(path)).pixels], [0, 0, 0, 255, 255, 255]);
    await refuses(gif({ codes: [4, 0, 5] }), "it ends after 1 of 2 pixels");
    await refuses(gif({ codes: [4, 0] }), "it ends after 1 of 2 pixels");
    await refuses(gif({ codes: [4, 7] }), "code 7 after 0 pixels was never defined");
    await refuses(gif({ codes: [4, 0, 7] }), "code 7 after 1 pixels was never defined");
    await refuses(gif({ indexBits: 9 }), "its pixels have 9 bits, expected 1 to 8");
    await refuses(gif({ frame: false }), "it has no image");
    await refuses(gif({}).subarray(0, -1), "it ends at byte 34, within its blocks");
    await refuses(gif({}).subarray(0, 15), "it ends within its colour table");
  });

  it("is refused where it has no size", async () => {
    const path = join(folder, "none.gif");
    await writeFile(path, gif({ width: 0 }));
    const message = `${path}: the image has 0 × 1 pixels, expected at least one. Download it again.`;
    await assert.rejects(readImage(path), { name: "ImageError", message });
  });
});
