/**
 * Which file says how a checkpoint's images become pixels. transformers 5.12.1 takes `image_processor` in
 * processor_config.json and, only where there is none, preprocessor_config.json (image_processing_base.py:321); they are not
 * merged.
 */
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { Checkpoint } from "../checkpoint/checkpoint.ts";
import { readJsonFile } from "../checkpoint/json-section.ts";
import { CheckpointError } from "../model.ts";
import { parsePreprocessorConfig } from "./preprocessor-config.ts";
import type { PixelSettings } from "./preprocessor-config.ts";

/** `onNote` is told of a file that is not followed. */
export async function readPixelSettings(
  { name, folder, config }: Pick<Checkpoint, "name" | "folder" | "config">,
  onNote?: (message: string) => void,
): Promise<PixelSettings> {
  const [newer, older] = ["processor_config.json", "preprocessor_config.json"].map((file) => path.join(folder, file));
  const nested = (await readJsonFile(newer!))?.value["image_processor"] ?? null;
  const flat = (await readJsonFile(older!))?.value ?? null;
  if (nested === null && flat === null) {
    throw new CheckpointError(
      `${newer} with an image_processor, or ${older}: no such file. Is ${folder} a checkpoint, and complete?`,
    );
  }
  const [file, found] = nested === null ? [older!, flat] : [newer!, nested];
  const settings = parsePreprocessorConfig(found, file);
  if (nested !== null && flat !== null && !saysTheSame(flat, older!, settings)) {
    onNote?.(`${older}: ignored, for the image_processor in processor_config.json says otherwise, and comes first.`);
  }
  const { imageSize } = config.vision;
  if (settings.width === imageSize && settings.height === imageSize) return settings;
  throw new CheckpointError(
    `${name}: the image processor makes ${settings.width}x${settings.height} pixels, the image encoder takes ` +
      `${imageSize}x${imageSize}. Is ${file} that of another checkpoint?`,
  );
}

/** A file that could not be followed says something else. */
function saysTheSame(flat: unknown, file: string, settings: PixelSettings): boolean {
  try {
    return isDeepStrictEqual(parsePreprocessorConfig(flat, file), settings);
  } catch (error) {
    if (error instanceof CheckpointError) return false;
    throw error;
  }
}
