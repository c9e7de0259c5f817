/** Archives and images as forms. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { crc32 } from "node:zlib";
import { DatasetError } from "../../../datasets/dataset.ts";
import { membersTogether, readMembers } from "../../../harness/official-data/zip-members.ts";
import { readImage } from "../../../models/image/image-processor.ts";
import { inspectImage } from "../../../models/image/inspect-image.ts";
import { ImageError } from "../../../models/model.ts";
import { readZipDirectory } from "../../../models/pytorch/zip-directory.ts";
import { projectRoot } from "../project.ts";
import { temporaryFolder } from "../temporary-files.ts";
import { zipBytes } from "../zip-archive.ts";
import type { Form } from "./form.ts";

const images = path.join(projectRoot, "test", "fixtures", "decode", "images");

function image(name: string, originals: readonly string[], repair?: Form["repair"]): Form {
  const file = path.join(temporaryFolder(), `image.${name}`);
  return {
    name,
    originals: originals.map((each) => readFileSync(path.join(images, each))),
    file,
    read: async () => {
      await inspectImage(file);
      const { width, height, pixels } = await readImage(file, { side: 2000, pixels: 1 << 20 });
      if (pixels.length !== 3 * width * height)
        throw new Error(`${pixels.length} bytes of ${width} × ${height} pixels`);
    },
    refusals: [ImageError],
    ...(repair !== undefined && { repair }),
  };
}

/** Of chunks whose length is right. */
function withPngSums(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let at = 8; at + 12 <= copy.length;) {
    const end = at + 8 + copy.readUInt32BE(at);
    if (end + 4 > copy.length) break;
    copy.writeUInt32BE(crc32(copy.subarray(at + 4, end)), end);
    at = end + 4;
  }
  return copy;
}

function zip(): Form {
  const file = path.join(temporaryFolder(), "a.zip");
  const members = [
    { name: "val2014/", bytes: new Uint8Array(0) },
    { name: "val2014/a.txt", bytes: Buffer.from("first") },
    { name: "val2014/b.txt", bytes: Buffer.from("abc".repeat(400)), isDeflated: true },
  ];
  return {
    name: "zip",
    originals: [zipBytes(members), zipBytes(members, { isZip64: true }), zipBytes(members, { comment: "a comment" })],
    file,
    read: async () => {
      const bytes = readFileSync(file);
      const source = {
        name: file,
        sizeBytes: bytes.length,
        refusal: (message: string) => new DatasetError(message),
        read: (begin: number, end: number) => Promise.resolve(new Uint8Array(bytes.subarray(begin, end))),
      };
      for (const run of membersTogether(await readZipDirectory(source))) await readMembers(source, run);
    },
    refusals: [DatasetError],
  };
}

export const binaryForms = (): readonly Form[] => [
  zip(),
  image("jpeg", ["420.jpg", "444-progressive.jpg", "cmyk.jpg", "rotated.jpg"]),
  image("png", ["color-8-interlaced.png", "palette-4.png", "grey-16-transparent.png", "profile.png"], withPngSums),
  image("webp", ["lossy.webp", "lossless-alpha.webp", "animated.webp"]),
  image("gif", ["plain.gif", "transparent.gif", "animated.gif", "interlaced.gif"]),
];
