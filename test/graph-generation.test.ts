/** Generation in one graph: the reference's tokens and scores again, for every decoding setting of the goldens. */
import assert from "node:assert/strict";
import type { Hypothesis } from "../models/generation/search.ts";
import type { GraphLanguageModel } from "../models/generation/language-model.ts";
import { loadGraphOpt } from "../models/generation/opt-graph-language-model.ts";
import { float32Tensor } from "../models/runtime.ts";
import { assertSame, bundled, decodingOptions, goldenGeneration, GoldenTensors } from "./goldens.ts";
import type { GoldenSettings } from "./goldens.ts";

for (const name of ["shapes-opt-small", "shapes-opt-base"]) {
  describe(`generation of ${name} in one graph`, () => {
    let model: GraphLanguageModel<unknown>;
    let answer: (prompts: readonly number[], settings: GoldenSettings) => Promise<readonly (readonly Hypothesis[])[]>;
    const { prompts, runs, batch } = goldenGeneration(name);

    before(async () => {
      const goldens = await GoldenTensors.of(name);
      const { checkpoint, weights } = await bundled(name);
      const { config } = checkpoint;
      assert.ok(config.kind === "generation" && config.text.family === "opt");
      const own = await loadGraphOpt(weights, config, config.text, { threads: 1 });
      model = own;
      const softPrompts = await goldens.floats("language_projection");
      const seen = await own.see(float32Tensor(softPrompts, goldens.shape("language_projection")));
      answer = async (indices, settings) => {
        const options = decodingOptions(settings, () => 0); // min_length counts the prompt, which is longer: inert
        const asked = indices.map((index) => {
          const { image, input_ids } = prompts[index]!;
          return { seen: seen[image]!, tokens: input_ids.slice(config.qFormer.queries) };
        });
        return own.answer(asked, options);
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
