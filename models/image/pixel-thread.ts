/** A thread of PixelThreads: file bytes in, pixels out, by the code of image-processor.ts. */
import { parentPort } from "node:worker_threads";
import { ImageError } from "../model.ts";
import type { StageLatency } from "../model.ts";
import { StageClock } from "../stage-clock.ts";
import { pixelsOf } from "./image-processor.ts";
import type { ImageLimits } from "./image-processor.ts";
import type { PixelSettings } from "./preprocessor-config.ts";

export interface PixelWork {
  readonly id: number;
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly settings: PixelSettings;
  readonly limits: ImageLimits;
}

export type PixelResult =
  | { readonly id: number; readonly kind: "pixels"; readonly values: Float32Array; readonly latencyMs: StageLatency }
  | { readonly id: number; readonly kind: "refused"; readonly message: string }
  | { readonly id: number; readonly kind: "broken"; readonly error: unknown };

async function perform({ id, path, bytes, settings, limits }: PixelWork): Promise<PixelResult> {
  const clock = new StageClock();
  try {
    const values = await pixelsOf({ path, bytes: Buffer.from(bytes.buffer) }, settings, { clock, limits });
    return { id, kind: "pixels", values, latencyMs: clock.shares(1) };
  } catch (error) {
    return error instanceof ImageError
      ? { id, kind: "refused", message: error.message }
      : { id, kind: "broken", error };
  }
}

parentPort?.on("message", (work: PixelWork) => {
  void perform(work).then((result) => {
    parentPort?.postMessage(result, result.kind === "pixels" ? [result.values.buffer as ArrayBuffer] : []);
  });
});
