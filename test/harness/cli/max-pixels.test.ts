/** --max-pixels, in every command that reads images. */
import assert from "node:assert/strict";
import { join } from "node:path";
import sharp from "sharp";
import { assertFails, inProcess } from "../../support/command-process.ts";
import { projectRoot } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";

const refused = / pixels, \d+ in all, expected at most 10\. Scale it down, or allow more with --max-pixels\./;
const image = join(projectRoot, "datasets", "bundled", "val2014", "COCO_val2014_000000000108.jpg");
const some = ["--limit", "2", "-o", "out"];
const generating = ["-m", "shapes-opt-small", "-t", "vqav2"];
const retrieving = ["-m", "shapes-itm", "-t", "flickr30k-retrieval"];
const commands: readonly (readonly string[])[] = [
  ["run", ...generating, ...some],
  ["run", ...generating, ...some, "--image-threads", "1"],
  ["run", ...generating, ...some, "--workers", "2"],
  ["run", ...retrieving, ...some],
  ["run", ...retrieving, ...some, "--workers", "2"],
  ["bench", ...generating, ...some, "--quick", "--restarts", "1", "--scenarios", "offline"],
  ["caption", image, "-q"],
  ["ask", image, "What is it?", "-q"],
  ["match", image, "a circle", "a square", "-q"],
];

describe("--max-pixels", () => {
  for (const words of commands) {
    it(`is what ${words.filter((word) => word !== image).join(" ")} obeys, and names where an image is too large`, async () => {
      const folder = temporaryFolder();
      const { code, out, err } = await inProcess(folder, ...words, "--max-pixels", "10");
      assert.notEqual(code, 0);
      assert.match(out + err, refused);
    });
  }

  it("takes what is larger than usual where it allows that", async () => {
    const folder = temporaryFolder();
    const wide = { create: { width: 17_000, height: 2, channels: 3, background: "teal" } } as const;
    await sharp(wide).png().toFile(join(folder, "wide.png"));
    const message =
      "wide.png: the image has 17000 × 2 pixels, expected at most 16384 a side. Scale it down, or allow more with --max-pixels.";
    assertFails(await inProcess(folder, "caption", "wide.png", "-q"), 2, message);
    const { code, err } = await inProcess(folder, "caption", "wide.png", "-q", "--max-pixels", "34000");
    assert.equal(code, 0, err);
  });

  it("is a number, wherever it is given", async () => {
    const folder = temporaryFolder();
    for (const command of ["run", "reproduce", "bench", "audit", "caption", "try"]) {
      const words = command === "caption" ? [command, image] : [command, "-m", "shapes-opt-small"];
      const { code, err } = await inProcess(folder, ...words, "--max-pixels", "0");
      assert.equal(code, 2, err);
      assert.match(err, /^error: --max-pixels: found "0", expected a whole number from 1\.$/m, command);
    }
  });
});
