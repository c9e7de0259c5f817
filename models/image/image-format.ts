/** What a file is, by its first bytes: the name it has and the name it was served under do not matter. */

export type ImageFormat = "JPEG" | "PNG" | "WebP" | "GIF";

/** Those whose pixels are known to come out as in Pillow. */
export function imageFormat(bytes: Buffer): ImageFormat | null {
  if (startsWith(bytes, "\xff\xd8\xff")) return "JPEG";
  if (startsWith(bytes, "\x89PNG\r\n\x1a\n")) return "PNG";
  if (startsWith(bytes, "RIFF") && startsWith(bytes, "WEBP", 8)) return "WebP";
  if (startsWith(bytes, "GIF87a") || startsWith(bytes, "GIF89a")) return "GIF";
  return null;
}

/** In words, for an error: what a file is that is none of the above, and what to do about it. */
export function describeOther(bytes: Buffer): { readonly found: string; readonly advice: string } {
  const image = otherImage(bytes);
  if (image !== null) return { found: `found ${image}`, advice: "Convert it to PNG" };
  const text = bytes.toString("latin1", 0, 256).trimStart();
  if (/^<(!doctype html|html)/i.test(text)) {
    return { found: "found a web page, probably an error message", advice: "Download it again" };
  }
  if (text.startsWith("version https://git-lfs")) {
    return { found: "found a Git LFS pointer", advice: "Fetch the file it stands for (git lfs pull)" };
  }
  const shown = JSON.stringify(text.slice(0, 12));
  return { found: `found a file that begins with ${shown}`, advice: "Is it an image? If so, convert it to PNG" };
}

function otherImage(bytes: Buffer): string | null {
  if (startsWith(bytes, "BM")) return "a BMP image";
  if (startsWith(bytes, "II*\0") || startsWith(bytes, "MM\0*")) return "a TIFF image";
  if (startsWith(bytes, "ftypavi", 4)) return "an AVIF image";
  if (startsWith(bytes, "ftyp", 4)) return "a HEIF image or a video";
  if (startsWith(bytes, "\0\0\0\x0cjP  ")) return "a JPEG 2000 image";
  if (/^\s*<(\?xml[^>]*>\s*<)?svg/i.test(bytes.toString("latin1", 0, 256))) return "an SVG drawing";
  return null;
}

function startsWith(bytes: Buffer, signature: string, at = 0): boolean {
  return bytes.toString("latin1", at, at + signature.length) === signature;
}
