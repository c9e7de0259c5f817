/** Generation in one graph: the reference's tokens and scores again, for every decoding setting of the goldens. */
import assert from "node:assert/strict";
import path from "node:path";
import { readRunConfig } from "../../support/run-config.ts";
import { parsePrecision } from "../../../models/checkpoint/precision.ts";
import { providerNames } from "../../../models/device/device.ts";
import type { ProviderName } from "../../../models/device/device.ts";
import { doesWayMatter, isInGraph } from "../../../models/generation/generation-way.ts";
import { loadBlip2 } from "../../../models/load-blip2.ts";
import { CheckpointError } from "../../../models/model.ts";
import { cacheFolder, projectRoot } from "../../support/project.ts";
import type { Hypothesis } from "../../../models/generation/search.ts";
import type { GraphLanguageModel } from "../../../models/generation/language-model.ts";
import { loadGraphOpt } from "../../../models/generation/opt-graph-language-model.ts";
import { loadGraphT5 } from "../../../models/generation/t5-graph-language-model.ts";
import { float32Tensor } from "../../../models/runtime.ts";
import { assertSame, bundled, decodingOptions, goldenGeneration, GoldenTensors } from "../../support/goldens.ts";
import type { GoldenSettings } from "../../support/goldens.ts";

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

    it("refuses beams for which the vocabulary has too few tokens", async () => {
      const settings = { num_beams: 20000, max_new_tokens: 2 };
      await assert.rejects(model.answer([0], settings), (error: Error) => {
        assert.ok(error instanceof CheckpointError);
        assert.match(error.message, /--beams 20000 looks at 40000 tokens a step, and the vocabulary has \d+\. Use/);
        return true;
      });
    });

    it("questions of different lengths in one batch", async () => {
      const answers = await model.answer(batch.prompts, batch.settings);
      for (const [index, output] of batch.outputs.entries()) {
        assertSame(answers[index]![0]!, output, batch.settings, model.endTokens);
      }
    });
  });
}

describe("the loop's place", () => {
  it("is no part of a run unless it can change answers: under int8, whose scales are of all rows at once", () => {
    assert.equal(doesWayMatter("graph", parsePrecision("fp32")), false);
    assert.equal(doesWayMatter("graph", parsePrecision("int4,head=fp32")), false);
    assert.equal(doesWayMatter("graph", parsePrecision("vision=int8")), false);
    assert.equal(doesWayMatter("graph", parsePrecision("language=int8")), true);
    assert.equal(doesWayMatter("auto", parsePrecision("int8")), false);
  });

  it("is chosen where keys and values would have to leave the device at every step", () => {
    const on = (provider: ProviderName): boolean => isInGraph("auto", { provider, id: 0 });
    assert.deepEqual(providerNames.filter(on), ["cuda", "coreml", "dml"]);
    assert.equal(isInGraph("stepwise", { provider: "cuda", id: 0 }), false);
    assert.equal(isInGraph("graph", { provider: "webgpu", id: 0 }), true);
  });

  it("is told by --generation, and nothing else is taken", () => {
    assert.throws(
      () => readRunConfig({ generation: "loop" }, { models: [], tasks: [], output: "x", threads: 1, cache: "x" }),
      /^UsageError: --generation: found "loop", expected auto, graph or stepwise\.$/,
    );
  });
});

describe("a window of questions", () => {
  for (const name of ["shapes-opt-small", "shapes-t5-small"]) {
    it(`gets the same answers from ${name} in one graph, in groups and with words shared`, async () => {
      const { prompts } = goldenGeneration(name);
      const options = { hubCache: "/nowhere", cacheFolder, threads: 1 };
      const images = path.join(projectRoot, "datasets", "bundled", "val2014");
      const decoding = decodingOptions({ num_beams: 3, max_new_tokens: 5, length_penalty: 0 }, () => 0);
      const requests = prompts.slice(0, 7).map(({ image_file, text }) => ({
        image: { id: image_file, path: path.join(images, image_file) },
        prompt: text,
      }));
      const answers: unknown[] = [];
      for (const generation of ["stepwise", "graph"] as const) {
        const folder = path.join(projectRoot, "models", "bundled", name);
        const model = await loadBlip2(folder, { ...options, generation });
        const batching = { size: 3, refill: true, sharePrompt: generation === "graph" };
        const given = await model.generate(requests, decoding, batching);
        answers.push(
          given.map((answer) => (answer.status === "predicted" ? answer.tokens : assert.fail(answer.error))),
        );
        await model.release();
      }
      assert.deepEqual(answers[1], answers[0]);
    });
  }
});

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
