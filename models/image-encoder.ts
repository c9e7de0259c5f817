/**
 * Everything BLIP-2 does before its language model: pixels → image tokens → query tokens → soft prompt, figure 3.
 *
 *   pixels [images, 3, 224, 224] → image tokens [images, 257, 1408] → query tokens [images, 32, 768] → [images, 32, width]
 */
import type { Tensor } from "onnxruntime-node";
import type { Blip2Config } from "./checkpoint/config.ts";
import type { ImageTokens, LoadedImage } from "./features/image-tokens.ts";
import { languageProjection } from "./networks/language-projection.ts";
import { qFormer } from "./networks/q-former.ts";
import { writerKeys } from "./networks/q-former-writer.ts";
import type { FailedImage, ImageFile, StageLatency } from "./model.ts";
import { freeOnDevice, Session } from "./runtime.ts";
import type { RuntimeOptions } from "./runtime.ts";
import { StageClock } from "./stage-clock.ts";
import type { Weights } from "./checkpoint/weights.ts";

/** What is shown of one image: to a Q-Former that reads the prompt, too, in the light of it. */
export interface ShownImage {
  readonly image: LoadedImage;
  readonly prompt: string | null;
}

export interface ImageEncoder {
  /** false: the Q-Former reads the image alone (BLIP-2), so it is encoded once for all prompts. true: once for each of them. */
  readonly readsPrompt: boolean;
  /** Decodes and resizes an image file, or reads what was kept of it. */
  readonly load: (image: Omit<ImageFile, "id">) => Promise<LoadedImage | FailedImage>;
  /** Soft prompts [images, queries, width], and what each image took, loading included. */
  readonly encode: (
    shown: readonly ShownImage[],
  ) => Promise<{ readonly softPrompts: Tensor; readonly latencyMs: readonly StageLatency[] }>;
  readonly release: () => Promise<void>;
}

export interface ImageEncoderParts {
  /** The whole checkpoint's. */
  readonly weights: Weights;
  readonly images: ImageTokens;
  /** Of the language model's layers. */
  readonly width: number;
}

/** For a frozen language model: the Q-Former, then its projection. */
export async function loadImageEncoder(
  config: Blip2Config,
  { weights, images, width }: ImageEncoderParts,
  runtime: RuntimeOptions,
): Promise<ImageEncoder> {
  const queries = await Session.load(qFormer(weights, config.qFormer), runtime, { onDevice: ["query_output"] });
  const projectionGraph = languageProjection(weights.at("language_projection"), config.qFormer, width);
  const projection = await Session.load(projectionGraph, runtime);
  return encoderOf(images, [
    { name: "qFormer", session: queries, from: "image_tokens", to: "query_output" },
    { name: "projection", session: projection, from: "query_output", to: "soft_prompt" },
  ]);
}

/** For the Q-Former itself, when it writes: what its words see of the queries. */
export async function loadWriterEncoder(
  config: Blip2Config,
  { weights, images }: Omit<ImageEncoderParts, "width">,
  runtime: RuntimeOptions,
): Promise<ImageEncoder> {
  const session = await Session.load(writerKeys(weights, config.qFormer), runtime);
  return encoderOf(images, [{ name: "qFormer", session, from: "image_tokens", to: "soft_prompt" }]);
}

/** A graph between image tokens and soft prompt: what it reads, and what it gives. */
interface EncoderStage {
  readonly name: string;
  readonly session: Session;
  readonly from: string;
  readonly to: string;
}

function encoderOf(images: ImageTokens, stages: readonly EncoderStage[]): ImageEncoder {
  return {
    load: (image) => images.load(image),
    readsPrompt: false,
    encode: async (shown) => {
      const loaded = shown.map(({ image }) => image);
      const { image_tokens, latencyMs } = await images.encode(loaded);
      const clock = new StageClock();
      let made = image_tokens;
      for (const { name, session, from, to } of stages) {
        const read = made;
        const outputs = await clock
          .time(name, () => session.run({ [from]: read }, [to]))
          .finally(() => {
            freeOnDevice([read]);
          });
        made = outputs[to]!;
      }
      const shares = clock.shares(loaded.length);
      return { softPrompts: made, latencyMs: latencyMs.map((own) => ({ ...own, ...shares })) };
    },
    release: async () => {
      for (const part of [images, ...stages.map(({ session }) => session)]) await part.release();
    },
  };
}
