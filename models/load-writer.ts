/** From a checkpoint of the first stage to a model that writes: its Q-Former, with its head for image-grounded text generation. */
import { Blip2 } from "./blip2.ts";
import { checkNetworks } from "./check-networks.ts";
import type { Checkpoint } from "./checkpoint/checkpoint.ts";
import { prepareWeights } from "./checkpoint/quantized-weights.ts";
import { loadImageTokens } from "./features/load-image-tokens.ts";
import { isInGraph } from "./generation/generation-way.ts";
import type { GraphLanguageModel, LanguageModel } from "./generation/language-model.ts";
import { loadGraphQFormerWriter } from "./generation/q-former-graph-language-model.ts";
import { loadQFormerWriter } from "./generation/q-former-language-model.ts";
import { loadWriterEncoder } from "./image-encoder.ts";
import { readPixelSettings } from "./image/read-pixel-settings.ts";
import type { LoadOptions } from "./load-blip2.ts";
import type { VisionLanguageModel } from "./model.ts";
import { noNumbersReason } from "./no-numbers.ts";
import { inSmallerBatches } from "./smaller-batches.ts";
import { beginOfText, noTextHead } from "./text/begin-of-text.ts";
import { loadTokenizer } from "./text/tokenizer.ts";
import type { Tokenizer } from "./text/tokenizer.ts";

/** Throws a CheckpointError where the checkpoint has no head to write with, or no word that texts begin with. */
export async function loadWriterCheckpoint(checkpoint: Checkpoint, options: LoadOptions): Promise<VisionLanguageModel> {
  const { config, folder, name, notes } = checkpoint;
  if (config.kind !== "retrieval" || !config.qFormer.textHead) {
    throw noTextHead(name);
  }
  const onNote = (message: string): void => options.onPreparation?.({ kind: "note", message });
  notes.forEach(onNote);
  const pixels = await readPixelSettings(checkpoint, onNote);
  const { tokenizer, endTokens } = writingTokenizer(name, await loadTokenizer(folder, config, onNote));
  const weights = await prepareWeights(checkpoint, options);
  const assemble = async <Seen>(
    languageModel: LanguageModel<Seen> | GraphLanguageModel<Seen>,
  ): Promise<VisionLanguageModel> => {
    const images = await loadImageTokens(checkpoint, { weights, pixels, isFedOn: true }, options);
    const encoder = await loadWriterEncoder(config, { weights, images }, options);
    const weightsBytes = weights.readBytes; // of what writes: below, all networks of the checkpoint read theirs
    checkNetworks(weights, config);
    const model = new Blip2({
      name,
      family: "itg",
      weightsBytes,
      encoder,
      languageModel,
      tokenizer,
      positions: config.qFormer.queries + config.qFormer.maxPositions, // of words alone
      noNumbersReason: noNumbersReason(checkpoint, options.precision),
    });
    if (options.device === undefined || options.device.provider === "cpu") return model;
    return inSmallerBatches(model, { onNote });
  };
  if (isInGraph(options.generation ?? "auto", options.device)) {
    return assemble(await loadGraphQFormerWriter(weights, config.qFormer, endTokens, options));
  }
  return assemble(await loadQFormerWriter(weights, config.qFormer, endTokens, options));
}

/** The tokenizer with prompts as they are written on from: [DEC], then words without [CLS] and [SEP]. */
function writingTokenizer(
  checkpoint: string,
  tokenizer: Tokenizer,
): { readonly tokenizer: Tokenizer; readonly endTokens: readonly number[] } {
  const begin = beginOfText(checkpoint, tokenizer);
  const end = tokenizer.encode("", { specialTokens: true }).at(-1)!; // [SEP]; loadTokenizer has looked for both
  const encodePrompt: Tokenizer["encodePrompt"] = (prompt, { maxTokens } = { maxTokens: Infinity }) =>
    [begin, ...tokenizer.encode(prompt ?? "", { specialTokens: false })].slice(0, maxTokens);
  return { tokenizer: { ...tokenizer, encodePrompt }, endTokens: [end] };
}
