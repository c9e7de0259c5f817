/** Every kind of picture, whole and damaged, decoded to the bytes that Pillow gives. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { readImage } from "../../../models/image/image-processor.ts";
import { inspectImage, noteOf } from "../../../models/image/inspect-image.ts";
import { ImageError } from "../../../models/model.ts";
import { projectUrl } from "../../support/project.ts";

const fixtures = new URL("test/fixtures/decode/", projectUrl);
const wholeSchema = z.object({
  decoded: z.array(z.object({ file: z.string(), width: z.int(), height: z.int(), sha256: z.string() })),
});
/** null: Pillow refuses it. */
const damagedSchema = z.array(z.object({ file: z.string(), sha256: z.string().nullable() }));

/** Colours that libvips does not tell: of transparent pixels, of a canvas beyond its frame, of a picture without colours. */
const otherColors = ["transparent.gif", "small-frame.gif", "small-frame-transparent.gif", "no-colors.gif"];
/** Not as in Pillow; the README of the fixtures says why. */
const onlyInPillow = [
  "no-palette.png",
  "third-of-a-color.png",
  "pixel-checksum-missing.png",
  "cut-in-sum-of-pixels.png",
  "unknown-critical-chunk.png",
  "plain-without-end-of-pixels.gif",
];
const onlyHere = ["wrong-text-checksum.png", "cut-in-text-behind-pixels.png"];

const pathOf = (file: string): string => fileURLToPath(new URL(file, fixtures));
const read = async (file: string): Promise<unknown> => JSON.parse(await readFile(pathOf(file), "utf8"));
const sha256Of = (pixels: Uint8Array): string => createHash("sha256").update(pixels).digest("hex");

describe("image decoding", () => {
  it("gives Pillow's bytes for every JPEG, PNG, WebP and GIF", async () => {
    const { decoded } = wholeSchema.parse(await read("expected.json"));
    assert.ok(decoded.length > 60);
    const found = await Promise.all(
      decoded.map(async ({ file }) => {
        const { width, height, pixels } = await readImage(pathOf(`images/${file}`));
        return { file, width, height, sha256: sha256Of(pixels) };
      }),
    );
    const asInPillow = ({ file }: { readonly file: string }): boolean => !otherColors.includes(file);
    assert.deepEqual(found.filter(asInPillow), decoded.filter(asInPillow));
    const sizes = (list: typeof decoded): unknown => list.map(({ file, width, height }) => [file, width, height]);
    assert.deepEqual(sizes(found), sizes(decoded));
  });

  it("takes damaged files that Pillow takes, with its bytes, and refuses the others", async () => {
    const damaged = damagedSchema.parse(await read("damaged.json"));
    assert.ok(damaged.filter(({ sha256 }) => sha256 !== null).length > 40);
    assert.ok(damaged.filter(({ sha256 }) => sha256 === null).length > 20);
    const found = new Map<string, string | null>();
    for (const { file } of damaged) {
      const image = await readImage(pathOf(`damaged/${file}`)).catch((error: unknown) => {
        assert.ok(error instanceof ImageError, String(error));
        assert.match(error.message, / is truncated or damaged \([^()]+(\(.*\))?\)\. Download it again\.$/);
        assert.doesNotMatch(error.message, /unknown error/i);
        return null;
      });
      found.set(file, image && sha256Of(image.pixels));
    }
    const isDecided = (file: string): boolean => onlyInPillow.includes(file) || onlyHere.includes(file);
    for (const { file, sha256 } of damaged) if (!isDecided(file)) assert.equal(found.get(file), sha256, file);
    for (const file of onlyInPillow) assert.equal(found.get(file), null, file);
    const whole = sha256Of((await readImage(pathOf("images/color-8.png"))).pixels);
    for (const file of onlyHere) assert.equal(found.get(file), whole, file);
  });
});

describe("what a user is told of an image", () => {
  it("is that transparent pixels of a GIF are black, and that one frame of many counts", async () => {
    const noteFor = async (file: string): Promise<string | null> =>
      noteOf(await inspectImage(pathOf(`images/${file}`)));
    const transparent = "a GIF with transparent pixels, which are taken as black.";
    assert.equal(await noteFor("transparent.gif"), transparent);
    assert.equal(await noteFor("small-frame-transparent.gif"), transparent);
    assert.equal(await noteFor("animated.gif"), "an animation of 2 frames; the first is looked at.");
    assert.equal(await noteFor("animated.webp"), "an animation of 2 frames; the first is looked at.");
    for (const file of ["plain.gif", "color-alpha-8.png", "lossy-alpha.webp", "420.jpg"]) {
      assert.equal(await noteFor(file), null, file);
    }
    const { pixels } = await readImage(pathOf("images/small-frame-transparent.gif"));
    assert.deepEqual([...pixels.subarray(0, 3)], [0, 0, 0]);
  });
});
