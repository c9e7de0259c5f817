/** Every kind of picture, decoded to the bytes that Pillow gives. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { readImage } from "../models/image-processor.ts";

const fixtures = new URL("../../test/fixtures/decode/", import.meta.url);
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
