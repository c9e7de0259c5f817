/**
 * File names of COCO's images: in the 2014 archives, in the re-split of 2017, and in files that name images by number.
 */

/** COCO 2014 image names, as in VQA: `COCO_val2014_000000262148.jpg`. */
export function cocoFileName(part: string, imageId: number): string {
  return `COCO_${part}_${String(imageId).padStart(12, "0")}.jpg`;
}

/** COCO_val2014_000000391895.jpg → 391895, the id captions are scored by; null for a name without such a number. */
export function numberAtEnd(fileName: string): number | null {
  const digits = /(\d+)\.[A-Za-z]+$/.exec(fileName)?.[1];
  return digits === undefined ? null : Number(digits);
}

/**
 * The file name of a 2014 image in the 2017 re-split of COCO: `000000262148.jpg`. Other names are returned unchanged.
 */
export function cocoName2017(fileName: string): string {
  return fileName.replace(/^COCO_[a-z]+\d{4}_(?=\d{12}\.)/, "");
}
