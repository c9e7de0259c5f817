/** OPT's generated tokens and scores against the reference's, for every decoding setting of the goldens. */
import assert from "node:assert/strict";
import { generate } from "../models/generation/generate.ts";
import type { Hypothesis } from "../models/generation/search.ts";
import type { LanguageModel } from "../models/generation/language-model.ts";
import type { Prefix } from "../models/generation/decoding-batch.ts";
import { loadOpt } from "../models/generation/opt-language-model.ts";
import { float32Tensor } from "../models/runtime.ts";
import { bundled, decodingOptions, goldenGeneration, GoldenTensors, withoutFilling } from "./goldens.ts";
import type { GoldenOutput, GoldenSettings } from "./goldens.ts";

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

/**
 * Tokens are equal; the sum of log-probabilities, which is what is computed, is within 1e-4. The score itself is that sum
 * divided by length ^ length penalty: with -1 and thirty tokens it is thirty times as large, and so is its rounding.
 */
function assertSame(
  actual: Hypothesis,
  expected: GoldenOutput,
  settings: GoldenSettings,
  endTokens: readonly number[],
): void {
  assert.deepEqual(actual.tokens, withoutFilling(expected.new_tokens, endTokens));
  if (expected.score === null) {
    assert.equal(actual.score, null);
    return;
  }
  const scale = actual.tokens.length ** (settings.length_penalty ?? 1);
  const difference = Math.abs(actual.score! - expected.score) * scale;
  assert.ok(difference <= 1e-4, `score ${String(actual.score)}, expected ${expected.score}`);
}
