/** Generation in one graph: the reference's tokens and scores again, for every decoding setting of the goldens. */
import assert from "node:assert/strict";
import type { Hypothesis } from "../models/generation/search.ts";
import type { GraphLanguageModel } from "../models/generation/language-model.ts";
import { loadGraphOpt } from "../models/generation/opt-graph-language-model.ts";
import { loadGraphT5 } from "../models/generation/t5-graph-language-model.ts";
import { float32Tensor } from "../models/runtime.ts";
import { assertSame, bundled, decodingOptions, goldenGeneration, GoldenTensors } from "./goldens.ts";
import type { GoldenSettings } from "./goldens.ts";

interface Answering {
  readonly endTokens: readonly number[];
  readonly answer: (
    prompts: readonly number[],
    settings: GoldenSettings,
  ) => Promise<readonly (readonly Hypothesis[])[]>;
  readonly release: () => Promise<void>;
}

for (const name of ["shapes-opt-small", "shapes-opt-base", "shapes-t5-small", "shapes-t5-base"]) {
  describe(`generation of ${name} in one graph`, () => {
    let model: Answering;
    const { runs, batch } = goldenGeneration(name);

    before(async () => {
      const { checkpoint, weights } = await bundled(name);
      const { config } = checkpoint;
      assert.ok(config.kind === "generation");
      const { text } = config;
      const { queries } = config.qFormer;
      const runtime = { threads: 1 };
      // min_length counts OPT's prompt, which is longer, so that it is inert; and T5's start token.
      if (text.family === "opt") {
        model = await answering(name, await loadGraphOpt(weights, config, text, runtime), { queries, least: () => 0 });
      } else {
        const least = (length: number): number => length - 1;
        model = await answering(name, await loadGraphT5(weights, config, text, runtime), { queries, least });
      }
    });

    after(() => model.release());

    for (const [settings, own] of bySettings(runs)) {
      it(settings, async () => {
        for (const { settings, prompt, outputs } of own) {
          const [hypotheses] = await model.answer([prompt], settings);
          for (const [index, output] of outputs.entries())
            assertSame(hypotheses![index]!, output, settings, model.endTokens);
        }
      });
    }

    it("questions of different lengths in one batch", async () => {
      const answers = await model.answer(batch.prompts, batch.settings);
      for (const [index, output] of batch.outputs.entries()) {
        assertSame(answers[index]![0]!, output, batch.settings, model.endTokens);
      }
    });
  });
}

type Runs = ReturnType<typeof goldenGeneration>["runs"];

/** Greedy search last: its graph takes the other's place. */
function bySettings(runs: Runs): readonly (readonly [string, Runs])[] {
  const names = [...new Set(runs.map(({ settings }) => JSON.stringify(settings)))];
  const greedyLast = [...names].sort((a, b) => Number(isGreedy(a)) - Number(isGreedy(b)));
  return greedyLast.map((name) => [name, runs.filter(({ settings }) => JSON.stringify(settings) === name)]);
}

function isGreedy(settings: string): boolean {
  return settings.includes('"num_beams":1,');
}

async function answering<Seen>(
  name: string,
  model: GraphLanguageModel<Seen>,
  { queries, least }: { readonly queries: number; readonly least: (minLength: number) => number },
): Promise<Answering> {
  const { prompts } = goldenGeneration(name);
  const goldens = await GoldenTensors.of(name);
  const softPrompts = await goldens.floats("language_projection");
  const seen = await model.see(float32Tensor(softPrompts, goldens.shape("language_projection")));
  return {
    endTokens: model.endTokens,
    answer: (indices, settings) => {
      const asked = indices.map((index) => {
        const { image, input_ids } = prompts[index]!;
        return { seen: seen[image]!, tokens: input_ids.slice(queries) };
      });
      return model.answer(asked, decodingOptions(settings, least));
    },
    release: model.release,
  };
}
