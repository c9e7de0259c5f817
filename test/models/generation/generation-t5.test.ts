/** T5's generated tokens and scores against the reference's, for every decoding setting of the goldens. */
import assert from "node:assert/strict";
import { generate } from "../../../models/generation/generate.ts";
import type { Hypothesis } from "../../../models/generation/search.ts";
import { SourceCache } from "../../../models/generation/source-cache.ts";
import type { LanguageModel } from "../../../models/generation/language-model.ts";
import { float32Tensor, floats } from "../../../models/runtime.ts";
import { loadT5 } from "../../../models/generation/t5-language-model.ts";
import type { SoftPrompt } from "../../../models/generation/t5-source.ts";
import { assertSame, bundled, decodingOptions, goldenGeneration, GoldenTensors } from "../../support/goldens.ts";
import type { GoldenSettings } from "../../support/goldens.ts";

for (const name of ["shapes-t5-small", "shapes-t5-base"]) {
  describe(`generation of ${name}`, () => {
    let model: LanguageModel<SoftPrompt>;
    let answer: (prompts: readonly number[], settings: GoldenSettings) => Promise<readonly (readonly Hypothesis[])[]>;
    const { prompts, runs, batch } = goldenGeneration(name);

    before(async () => {
      const goldens = await GoldenTensors.of(name);
      const { checkpoint, weights } = await bundled(name);
      const { config } = checkpoint;
      assert.ok(config.kind === "generation" && config.text.family === "t5");
      model = await loadT5(weights, config, config.text, { threads: 1 });
      const softPrompts = await goldens.floats("language_projection");
      const seen = await model.see(float32Tensor(softPrompts, goldens.shape("language_projection")));
      answer = async (indices, settings) => {
        const options = decodingOptions(settings, (minLength) => minLength - 1); // min_length counts the start token
        const asked = indices.map((index) => {
          const { image, input_ids } = prompts[index]!;
          return { seen: seen[image]!, tokens: input_ids.slice(config.qFormer.queries) };
        });
        const start = await model.start(asked, { beams: options.beams, newTokens: options.newTokens.max });
        return generate(model.head, start, options, model.endTokens);
      };
    });

    after(() => model.release());

    for (const { settings, prompt, outputs } of runs) {
      it(`prompt ${prompt} with ${JSON.stringify(settings)}`, async () => {
        const [hypotheses] = await answer([prompt], settings);
        for (const [index, output] of outputs.entries())
          assertSame(hypotheses![index]!, output, settings, model.endTokens);
      });
    }

    it("questions of different lengths in one batch", async () => {
      const answers = await answer(batch.prompts, batch.settings);
      for (const [index, output] of batch.outputs.entries()) {
        assertSame(answers[index]![0]!, output, batch.settings, model.endTokens);
      }
    });
  });
}

describe("source cache", () => {
  it("lets the last sequence take the place of one that leaves", () => {
    const keys = float32Tensor(Float32Array.of(0, 0, 1, 1, 2, 2), [3, 1, 2, 1]);
    const mask = float32Tensor(Float32Array.of(0, 1, 2), [3, 1, 1, 1]);
    const cache = new SourceCache({ keys, mask }, 3);
    const now = () => Object.values(cache.feeds()).map((tensor) => [tensor.dims[0], ...floats(tensor)]);
    cache.remove(0);
    assert.deepEqual(now(), [
      [2, 2, 2, 1, 1],
      [2, 2, 1],
    ]);
    assert.equal(cache.feeds(), cache.feeds());
    cache.remove(1);
    assert.deepEqual(now(), [
      [1, 2, 2],
      [1, 2],
    ]);
  });
});
