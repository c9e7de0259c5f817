/** Each graph against the reference's activations, on the two bundled OPT checkpoints. */
import assert from "node:assert/strict";
import { loadOpt } from "../../../models/generation/opt-language-model.ts";
import { visionTransformer } from "../../../models/networks/vision-transformer.ts";
import { qFormer } from "../../../models/networks/q-former.ts";
import { float32Tensor, floats, int64Tensor, Session } from "../../../models/runtime.ts";
import { assertClose, bundled, goldenGeneration, GoldenTensors, softPromptsOf } from "../../support/goldens.ts";

const runtime = { threads: 1 };

for (const name of ["shapes-opt-small", "shapes-opt-base"]) {
  describe(`networks of ${name}`, () => {
    it("vision transformer — gives the reference's image tokens", async () => {
      const goldens = await GoldenTensors.of(name);
      const { checkpoint, weights } = await bundled(name);
      const session = await Session.load(
        visionTransformer(weights.at("vision_model"), checkpoint.config.vision),
        runtime,
      );
      const pixels = float32Tensor(await goldens.floats("pixel_values"), goldens.shape("pixel_values"));
      const { image_tokens } = await session.run({ pixels }, ["image_tokens"]);
      assertClose(floats(image_tokens), await goldens.floats("vision.last_hidden_state"), "image tokens");
      await session.release();
    });

    it("Q-Former — reads the reference's image tokens into its query tokens", async () => {
      const goldens = await GoldenTensors.of(name);
      const { checkpoint, weights } = await bundled(name);
      const session = await Session.load(qFormer(weights, checkpoint.config.qFormer), runtime);
      const seen = "vision.last_hidden_state";
      const image_tokens = float32Tensor(await goldens.floats(seen), goldens.shape(seen));
      const { query_output } = await session.run({ image_tokens }, ["query_output"]);
      assertClose(floats(query_output), await goldens.floats("qformer.last_hidden_state"), "query output");
      await session.release();
    });

    it("image encoder — takes pixels to the soft prompt, and one image gives what a batch gives", async () => {
      const goldens = await GoldenTensors.of(name);
      const { checkpoint, weights } = await bundled(name);
      const { config } = checkpoint;
      assert.ok(config.kind === "generation" && config.text.family === "opt");
      const encoder = { checkpoint, weights, width: config.text.hidden };
      const images = split(await goldens.floats("pixel_values"), 6);
      const expected = await goldens.floats("language_projection");
      assertClose(await softPromptsOf(encoder, images), expected, "soft prompts");
      const [first] = split(expected, 6);
      assertClose(await softPromptsOf(encoder, images.slice(0, 1)), first!, "soft prompt");
    });

    it("OPT — gives the reference's logits behind every prompt, alone and in a batch", async () => {
      const goldens = await GoldenTensors.of(name);
      const { checkpoint, weights } = await bundled(name);
      const { config } = checkpoint;
      assert.ok(config.kind === "generation" && config.text.family === "opt");
      const model = await loadOpt(weights, config, config.text, runtime);
      const softPrompts = await goldens.floats("language_projection");
      const seen = await model.see(float32Tensor(softPrompts, goldens.shape("language_projection")));
      const { prompts, batch } = goldenGeneration(name);
      const asked = prompts.map(({ image, input_ids }) => ({
        seen: seen[image]!,
        tokens: input_ids.slice(config.qFormer.queries),
      }));
      const logits = async (questions: typeof asked): Promise<Float32Array> => {
        const { hidden } = await model.start(questions, { beams: 1, newTokens: 1 });
        const feeds = { hidden: float32Tensor(hidden, [questions.length, model.head.width]), k: int64Tensor([1], [1]) };
        return floats((await model.head.session.run(feeds, ["logits"])).logits);
      };

      for (const [index, question] of asked.entries()) {
        const all = await goldens.floats(`prompt${index}.logits`);
        assertClose(await logits([question]), all.slice(-model.head.vocabulary), `logits of prompt ${index}`);
      }
      const together = await logits(batch.prompts.map((index) => asked[index]!));
      assertClose(together, await goldens.floats("batch.last_logits"), "logits of the batch");
      await model.release();
    });
  });
}

function split(values: Float32Array, parts: number): Float32Array[] {
  const length = values.length / parts;
  return Array.from({ length: parts }, (_, part) => values.slice(part * length, (part + 1) * length));
}
