/** OPT's generated tokens and scores against the reference's, for every decoding setting of the goldens. */
import assert from "node:assert/strict";
import { generate } from "../../../models/generation/generate.ts";
import type { Hypothesis } from "../../../models/generation/search.ts";
import type { LanguageModel } from "../../../models/generation/language-model.ts";
import type { Prefix } from "../../../models/generation/sequence-cache.ts";
import { loadOpt } from "../../../models/generation/opt-language-model.ts";
import { float32Tensor } from "../../../models/runtime.ts";
import { assertSame, bundled, decodingOptions, goldenGeneration, GoldenTensors } from "../../support/goldens.ts";
import type { GoldenSettings } from "../../support/goldens.ts";

for (const name of ["shapes-opt-small", "shapes-opt-base"]) {
  describe(`generation of ${name}`, () => {
    let model: LanguageModel<Prefix>;
    let answer: (prompts: readonly number[], settings: GoldenSettings) => Promise<readonly (readonly Hypothesis[])[]>;
    const { prompts, runs, batch } = goldenGeneration(name);

    before(async () => {
      const goldens = await GoldenTensors.of(name);
      const { checkpoint, weights } = await bundled(name);
      const { config } = checkpoint;
      assert.ok(config.kind === "generation" && config.text.family === "opt");
      model = await loadOpt(weights, config, config.text, { threads: 1 });
      const softPrompts = await goldens.floats("language_projection");
      const seen = await model.see(float32Tensor(softPrompts, goldens.shape("language_projection")));
      answer = async (indices, settings) => {
        const options = decodingOptions(settings, () => 0); // min_length counts the prompt, which is longer: inert
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
