/** A program: stages of the bundled checkpoint it is given, on WebGPU; prints the largest difference from the reference, by stage. */
import assert from "node:assert/strict";
import { loadOpt } from "../../models/generation/opt-language-model.ts";
import type { LanguageModel } from "../../models/generation/language-model.ts";
import { loadT5 } from "../../models/generation/t5-language-model.ts";
import { loadRetrievalSessions } from "../../models/load-blip2-retrieval.ts";
import { languageProjection } from "../../models/networks/language-projection.ts";
import { imageKeyNames } from "../../models/networks/q-former-text.ts";
import { qFormer } from "../../models/networks/q-former.ts";
import { visionTransformer } from "../../models/networks/vision-transformer.ts";
import { float32Tensor, floats, freeOnDevice, int64Tensor, Session } from "../../models/runtime.ts";
import { textBatches, textMask } from "../../models/text/text-batches.ts";
import { bundled, goldenGeneration, GoldenTensors, largestDifference } from "./goldens.ts";
import { ItmGoldens } from "./goldens-itm.ts";

const runtime = { threads: 1, device: { provider: "webgpu", id: 0 } } as const;
const differences: Record<string, number> = {};
const [, , name = ""] = process.argv;
const { checkpoint, weights } = await bundled(name);
const { config } = checkpoint;
if (config.kind === "retrieval") await retrieval();
else await generation();
process.stdout.write(JSON.stringify(differences));

/** The graphs as they stand behind each other, fed by the reference where a stage's own input is at hand. */
async function generation(): Promise<void> {
  assert.ok(config.kind === "generation");
  const goldens = await GoldenTensors.of(name);
  const tensor = async (of: string) => float32Tensor(await goldens.floats(of), goldens.shape(of));
  const compare = async (stage: string, found: Float32Array, of: string): Promise<void> => {
    differences[stage] = largestDifference(found, await goldens.floats(of));
  };
  const vision = await Session.load(visionTransformer(weights.at("vision_model"), config.vision), runtime);
  const { image_tokens } = await vision.run({ pixels: await tensor("pixel_values") }, ["image_tokens"]);
  await compare("vision", floats(image_tokens), "vision.last_hidden_state");
  const queries = await Session.load(qFormer(weights, config.qFormer), runtime);
  const { query_output } = await queries.run({ image_tokens }, ["query_output"]);
  await compare("Q-Former", floats(query_output), "qformer.last_hidden_state");
  const width = config.text.family === "opt" ? config.text.hidden : config.text.width;
  const head = languageProjection(weights.at("language_projection"), config.qFormer, width);
  const projection = await Session.load(head, runtime);
  const { soft_prompt } = await projection.run({ query_output }, ["soft_prompt"]);
  await compare("projection", floats(soft_prompt), "language_projection");
  const { text } = config;
  if (text.family === "opt") {
    const model = await loadOpt(weights, config, text, runtime);
    await compare(
      "OPT",
      await firstLogits(model, float32Tensor(floats(soft_prompt), soft_prompt.dims)),
      "batch.last_logits",
    );
  } else {
    const model = await loadT5(weights, config, text, runtime);
    await compare(
      "T5",
      await firstLogits(model, float32Tensor(floats(soft_prompt), soft_prompt.dims)),
      "batch.first_logits",
    );
  }
}

/** Of the reference's batch of questions: the logits behind each prompt. */
async function firstLogits<Seen>(
  model: LanguageModel<Seen>,
  softPrompts: ReturnType<typeof float32Tensor>,
): Promise<Float32Array> {
  const { prompts, batch } = goldenGeneration(name);
  const seen = await model.see(softPrompts);
  const questions = batch.prompts.map((index) => {
    const { image, input_ids } = prompts[index]!;
    return { seen: seen[image]!, tokens: input_ids.slice(softPrompts.dims[1]) };
  });
  const { hidden } = await model.start(questions, { beams: 5, newTokens: 10 });
  const rows = hidden.length / model.head.width;
  const feeds = { hidden: float32Tensor(hidden, [rows, model.head.width]), k: int64Tensor([1], [1]) };
  return floats((await model.head.session.run(feeds, ["logits"])).logits);
}

async function retrieval(): Promise<void> {
  assert.ok(config.kind === "retrieval");
  const goldens = await ItmGoldens.of("tensors");
  const tensor = async (of: string) => float32Tensor(await goldens.floats(of), goldens.shape(of));
  const vision = await Session.load(visionTransformer(weights.at("vision_model"), config.vision), runtime);
  const { image_tokens } = await vision.run({ pixels: await tensor("pixel_values") }, ["image_tokens"]);
  differences["vision"] = largestDifference(floats(image_tokens), await goldens.floats("vision.last_hidden_state"));

  const sessions = await loadRetrievalSessions(weights, config, runtime);
  const { query_output } = await sessions.qFormer.run({ image_tokens }, ["query_output"]);
  const { image_embedding } = await sessions.imageEmbedding.run({ query_output }, ["image_embedding"]);
  freeOnDevice([query_output]);
  differences["image vectors"] = largestDifference(floats(image_embedding), await goldens.floats("image_embeds"));

  const { queries, vision: width, pad } = config.qFormer;
  const [images = 0, tokens = 0] = image_tokens.dims;
  const ids = await Promise.all(Array.from({ length: images }, (_, pair) => goldens.integers(`pair${pair}.input_ids`)));
  const texts = ids.map((all) => Array.from(all.slice(queries)));
  const matched = await goldens.floats("itm.logits_matched");
  const similarities = await goldens.floats("itc.logits_per_image");
  for (const [image, text] of texts.entries()) {
    const [batch] = textBatches([text], { size: 1, pad });
    const { text_embedding } = await sessions.text.run({ ...batch!.feeds, ...textMask(batch!) }, ["text_embedding"]);
    const { similarity } = await sessions.similarity.run({ image_embedding, text_embedding }, ["similarity"]);
    const expected = Float32Array.from({ length: images }, (_, other) => similarities[other * images + image]!);
    note("ITC", largestDifference(floats(similarity), expected));

    const own = floats(image_tokens).slice(image * tokens * width, (image + 1) * tokens * width);
    const shown = float32Tensor(own, [1, tokens, width]);
    const seen = await sessions.imageKeys.run({ image_tokens: shown }, imageKeyNames(config.qFormer));
    const feeds = { ...batch!.feeds, ...textMask(batch!, queries), ...seen };
    const { matching } = await sessions.matching.run(feeds, ["matching"]);
    freeOnDevice(seen);
    note("ITM", largestDifference(floats(matching), matched.slice(2 * image, 2 * image + 2)));
  }
}

function note(stage: string, difference: number): void {
  differences[stage] = Math.max(differences[stage] ?? 0, difference);
}
