/**
 * From a checkpoint to a model that answers: weights, graphs, tokenizer and image settings, checked against each other.
 */
import { Blip2 } from "./blip2.ts";
import { openCheckpoint } from "./checkpoint/checkpoint.ts";
import type { Checkpoint, CheckpointOptions } from "./checkpoint/checkpoint.ts";
import { prepareWeights } from "./checkpoint/quantized-weights.ts";
import { loadImageTokens } from "./features/load-image-tokens.ts";
import type { ImageTokensOptions } from "./features/load-image-tokens.ts";
import { loadImageEncoder } from "./image-encoder.ts";
import { isInGraph } from "./generation/generation-way.ts";
import type { GenerationWay } from "./generation/generation-way.ts";
import type { GraphLanguageModel, LanguageModel } from "./generation/language-model.ts";
import { CheckpointError } from "./model.ts";
import type { VisionLanguageModel } from "./model.ts";
import { noNumbersReason } from "./no-numbers.ts";
import { loadGraphOpt } from "./generation/opt-graph-language-model.ts";
import { loadOpt } from "./generation/opt-language-model.ts";
import { readPixelSettings } from "./image/read-pixel-settings.ts";
import { loadGraphT5 } from "./generation/t5-graph-language-model.ts";
import { loadT5 } from "./generation/t5-language-model.ts";
import { inSmallerBatches } from "./smaller-batches.ts";
import { loadTokenizer } from "./text/tokenizer.ts";
import { checkAllUsed } from "./checkpoint/unused-tensors.ts";

export interface LoadOptions extends CheckpointOptions, ImageTokensOptions {
  /** Unset: auto. */
  readonly generation?: GenerationWay;
  /** Of a checkpoint of the first stage: its Q-Former is to write, instead of ranking; unset: no. */
  readonly writes?: boolean;
}

/** `where`: a folder, or a name in the Hugging Face cache. */
export async function loadBlip2(where: string, options: LoadOptions): Promise<VisionLanguageModel> {
  return loadGenerationCheckpoint(await openCheckpoint(where, options), options);
}

export async function loadGenerationCheckpoint(
  checkpoint: Checkpoint,
  options: LoadOptions,
): Promise<VisionLanguageModel> {
  const { config, folder, name } = checkpoint;
  if (config.kind !== "generation") {
    throw new CheckpointError(`${name}: a checkpoint for image-text retrieval, which generates no text.`);
  }
  const { text } = config;
  const onNote = (message: string): void => options.onPreparation?.({ kind: "note", message });
  checkpoint.notes.forEach(onNote);
  if (text.family === "t5" && options.precision?.language === "fp16") {
    onNote(`${name}: fp16 leaves T5's hidden states, norms and wo in fp32, for they outgrow it.`);
  }
  const pixels = await readPixelSettings(checkpoint, onNote);
  const tokenizer = await loadTokenizer(folder, config, onNote);
  const weights = await prepareWeights(checkpoint, options);
  const assemble = async <Seen>(
    languageModel: LanguageModel<Seen> | GraphLanguageModel<Seen>,
    width: number,
  ): Promise<VisionLanguageModel> => {
    const images = await loadImageTokens(checkpoint, { weights, pixels, isFedOn: true }, options);
    const encoder = await loadImageEncoder(config, { weights, images, width }, options);
    checkAllUsed(weights, config);
    const weightsBytes = weights.readBytes;
    const positions = text.family === "opt" ? text.maxPositions : null;
    const model = new Blip2({
      name,
      family: text.family,
      weightsBytes,
      encoder,
      languageModel,
      tokenizer,
      positions,
      noNumbersReason: noNumbersReason(checkpoint, options.precision),
    });
    if (options.device === undefined || options.device.provider === "cpu") return model;
    return inSmallerBatches(model, { onNote });
  };
  // ONNX Runtime holds a matrix twice while it lays it out anew. The largest, the vocabulary's, is a language model's: that
  // one comes first, while there is room, and memory never rises above the finished model's.
  if (isInGraph(options.generation ?? "auto", options.device)) {
    if (text.family === "opt") return assemble(await loadGraphOpt(weights, config, text, options), text.hidden);
    return assemble(await loadGraphT5(weights, config, text, options), text.width);
  }
  if (text.family === "opt") return assemble(await loadOpt(weights, config, text, options), text.hidden);
  return assemble(await loadT5(weights, config, text, options), text.width);
}
