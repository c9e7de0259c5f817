/**
 * preprocessor_config.json → how an image becomes pixels: the keys and defaults of transformers 5.12.1
 * (image_processing_pil_blip.py). read-pixel-settings.ts says where newer checkpoints have the same keys. BLIP-2 neither crops nor pads; a file that asks for anything else than resize, rescale, normalise is refused.
 */
import * as z from "zod";
import { CheckpointError } from "../model.ts";

/** Red, green, blue. */
export type PerChannel = readonly [number, number, number];

export interface PixelSettings {
  readonly width: number;
  readonly height: number;
  readonly resample: "bicubic";
  /** What a byte is multiplied by: 1/255. */
  readonly rescaleFactor: number;
  /** Of the rescaled values. */
  readonly mean: PerChannel;
  readonly standardDeviation: PerChannel;
}

/** Those of CLIP's training images (transformers, OPENAI_CLIP_MEAN and OPENAI_CLIP_STD). */
const clipMean: PerChannel = [0.48145466, 0.4578275, 0.40821073];
const clipStandardDeviation: PerChannel = [0.26862954, 0.26130258, 0.27577711];

/** Pillow's numbers for its filters (Image.Resampling). */
const filterNames = ["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"];
const BICUBIC = 3;

const side = z.int().positive();
/** A single number is both sides: the reference would keep the aspect ratio for shortest_edge, which no BLIP-2 can take. */
const sizeSchema = z.union([
  side.transform((both) => ({ width: both, height: both })),
  z.strictObject({ height: side, width: side }),
  z
    .strictObject({ shortest_edge: side })
    .transform(({ shortest_edge }) => ({ width: shortest_edge, height: shortest_edge })),
  z.tuple([side, side]).transform(([height, width]) => ({ width, height })),
]);

const factor = z.number().positive();
const settingsSchema = z.looseObject({
  size: z.unknown().optional(),
  resample: z.int().nullish(),
  rescale_factor: factor.nullish(),
  image_mean: z.tuple([z.number(), z.number(), z.number()]).nullish(),
  image_std: z.tuple([factor, factor, factor]).nullish(),
});

/** Steps that BLIP-2 always takes, and those it never does. */
const steps = new Map([
  ["do_convert_rgb", true],
  ["do_resize", true],
  ["do_rescale", true],
  ["do_normalize", true],
  ["do_center_crop", false],
  ["do_pad", false],
]);

/** `json`: the parsed file; `where` names it in errors. Throws CheckpointError. */
export function parsePreprocessorConfig(json: unknown, where: string): PixelSettings {
  const file = z.record(z.string(), z.unknown()).safeParse(json);
  if (!file.success) throw new CheckpointError(`${where}: expected a JSON object. Download the file again.`);
  const parsed = settingsSchema.safeParse(file.data);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new CheckpointError(`${where}: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}.`);
  }
  const { size, resample, rescale_factor, image_mean, image_std, ...others } = parsed.data;

  for (const [step, expected] of steps) {
    const found = others[step] ?? expected;
    if (found !== expected) {
      const value = JSON.stringify(found);
      throw new CheckpointError(`${where}: ${step} is ${value}, expected ${expected}. Is this a BLIP-2 checkpoint?`);
    }
  }
  const filter = resample ?? BICUBIC;
  if (filter !== BICUBIC) {
    const name = filterNames[filter] ?? "unknown";
    throw new CheckpointError(
      `${where}: resample is ${filter} (${name}), expected ${BICUBIC} (bicubic), as BLIP-2 was trained.`,
    );
  }
  return {
    ...readSize(size, where),
    resample: "bicubic",
    rescaleFactor: rescale_factor ?? 1 / 255,
    mean: image_mean ?? clipMean,
    standardDeviation: image_std ?? clipStandardDeviation,
  };
}

function readSize(size: unknown, where: string): { readonly width: number; readonly height: number } {
  if (size === null || size === undefined) {
    throw new CheckpointError(
      `${where}: no size. Give it as {"height": 224, "width": 224}; the checkpoint was trained at one.`,
    );
  }
  const parsed = sizeSchema.safeParse(size);
  if (parsed.success) return parsed.data;
  const found = JSON.stringify(size);
  throw new CheckpointError(
    `${where}: size is ${found}, expected a positive number, {height, width} or {shortest_edge}.`,
  );
}
