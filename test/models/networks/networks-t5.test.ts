/** Each graph against the reference's activations, on the two bundled T5 checkpoints; and what the graphs are fed. */
import assert from "node:assert/strict";
import type { T5Config } from "../../../models/checkpoint/config.ts";
import { paddingMask } from "../../../models/generation/mask.ts";
import { qFormer } from "../../../models/networks/q-former.ts";
import { t5Embedding, t5Encoder } from "../../../models/networks/t5.ts";
import { visionTransformer } from "../../../models/networks/vision-transformer.ts";
import { decoderBuckets, encoderBuckets } from "../../../models/generation/relative-buckets.ts";
import { float32Tensor, floats, int32Tensor, int64Tensor, Session } from "../../../models/runtime.ts";
import { loadT5 } from "../../../models/generation/t5-language-model.ts";
import { assertClose, bundled, goldenGeneration, GoldenTensors, softPromptsOf } from "../../support/goldens.ts";

const runtime = { threads: 1 };

for (const name of ["shapes-t5-small", "shapes-t5-base"]) {
  describe(`networks of ${name}`, () => {
    it("image encoder — gives the reference's image tokens, query tokens and soft prompts", async () => {
      const goldens = await GoldenTensors.of(name);
      const { checkpoint, config, text, weights } = await bundledT5(name);
      const pixels = await goldens.floats("pixel_values");

      const vision = await Session.load(visionTransformer(weights.at("vision_model"), config.vision), runtime);
      const feeds = { pixels: float32Tensor(pixels, goldens.shape("pixel_values")) };
      const { image_tokens } = await vision.run(feeds, ["image_tokens"]);
      assertClose(floats(image_tokens), await goldens.floats("vision.last_hidden_state"), "image tokens");

      const queries = await Session.load(qFormer(weights, config.qFormer), runtime);
      const { query_output } = await queries.run({ image_tokens }, ["query_output"]);
      assertClose(floats(query_output), await goldens.floats("qformer.last_hidden_state"), "query output");

      const [images = 0] = goldens.shape("pixel_values");
      const softPrompts = await softPromptsOf({ checkpoint, weights, width: text.width }, split(pixels, images));
      assertClose(softPrompts, await goldens.floats("language_projection"), "soft prompts");
      for (const graph of [vision, queries]) await graph.release();
    });

    it("T5 encoder — gives the reference's hidden states, filling on the right or not", async () => {
      const goldens = await GoldenTensors.of(name);
      const { config, text, weights } = await bundledT5(name);
      const embedding = await Session.load(t5Embedding(weights.at("language_model"), text), runtime);
      const encoder = await Session.load(t5Encoder(weights.at("language_model"), text), runtime);
      const { queries } = config.qFormer;
      const softPrompts = split(await goldens.floats("language_projection"), 6);
      const { prompts } = goldenGeneration(name);

      const sources: Float32Array[] = [];
      for (const { image, input_ids } of prompts) {
        const words = input_ids.slice(queries);
        const { embeddings } = await embedding.run({ tokens: int64Tensor(words, [words.length]) }, ["embeddings"]);
        sources.push(Float32Array.of(...softPrompts[image]!, ...floats(embeddings)));
      }
      const encode = async (group: readonly Float32Array[]): Promise<readonly Float32Array[]> => {
        const longest = Math.max(...group.map((source) => source.length));
        const tokens = longest / text.width;
        const embeddings = new Float32Array(group.length * longest);
        for (const [index, source] of group.entries()) embeddings.set(source, index * longest);
        const mask = paddingMask(group.map((source) => source.length / text.width));
        const feeds = {
          embeddings: float32Tensor(embeddings, [group.length, tokens, text.width]),
          mask: float32Tensor(mask, [group.length, 1, 1, tokens]),
          buckets: int32Tensor(encoderBuckets(text, tokens), [tokens, tokens]),
        };
        const { hidden } = await encoder.run(feeds, ["hidden"]);
        return split(floats(hidden), group.length).map((row, index) => row.slice(0, group[index]!.length));
      };

      const together = await encode(sources);
      for (const [index, source] of sources.entries()) {
        const expected = await goldens.floats(`prompt${index}.encoder_last_hidden_state`);
        assertClose(together[index]!, expected, `hidden states of prompt ${index} in a batch`);
        const [alone] = await encode([source]);
        assertClose(alone!, expected, `hidden states of prompt ${index}`);
      }
      for (const graph of [embedding, encoder]) await graph.release();
    });

    it("T5 decoder — gives the reference's logits for every token of an answer", async () => {
      const goldens = await GoldenTensors.of(name);
      const { config, text, weights } = await bundledT5(name);
      const model = await loadT5(weights, config, text, runtime);
      const softPrompts = await goldens.floats("language_projection");
      const seen = await model.see(float32Tensor(softPrompts, goldens.shape("language_projection")));
      const { prompts, runs, batch } = goldenGeneration(name);
      const asked = prompts.map(({ image, input_ids }) => ({
        seen: seen[image]!,
        tokens: input_ids.slice(config.qFormer.queries),
      }));
      const logits = async (hidden: Float32Array): Promise<Float32Array> => {
        const rows = hidden.length / text.width;
        const feeds = { hidden: float32Tensor(hidden, [rows, text.width]), k: int64Tensor([1], [1]) };
        return floats((await model.head.session.run(feeds, ["logits"])).logits);
      };

      for (const [index, question] of asked.entries()) {
        // The reference was fed its greedy answer behind the start token; here token by token, from the cache.
        const greedy = runs.find(({ prompt, settings }) => prompt === index && settings.num_beams === 1)!;
        const expected = await goldens.floats(`prompt${index}.logits`);
        const [, length = 0] = goldens.shape(`prompt${index}.logits`);
        const start = await model.start([question], { beams: 1, newTokens: length });
        const steps = [await logits(start.hidden)];
        for (const token of greedy.outputs[0]!.new_tokens.slice(0, length - 1)) {
          steps.push(await logits(await start.batch.step([[{ parent: 0, token }]])));
        }
        for (const [step, row] of split(expected, length).entries()) {
          assertClose(steps[step]!, row, `logits of prompt ${index} behind ${step} tokens`);
        }
      }
      const questions = batch.prompts.map((index) => asked[index]!);
      const { hidden } = await model.start(questions, { beams: 5, newTokens: 10 });
      assertClose(await logits(hidden), await goldens.floats("batch.first_logits"), "first logits of the batch");
      await model.release();
    });

    it("T5 — refuses no prompt for its length, but bucket counts for which the formula has no value", async () => {
      const { config, text, weights } = await bundledT5(name);
      const model = await loadT5(weights, config, text, runtime);
      assert.equal(model.refuse(new Array<number>(100_000).fill(7), 1000), null);
      await model.release();
      await assert.rejects(loadT5(weights, config, { ...text, buckets: 32, maxDistance: 16 }, runtime), {
        name: "CheckpointError",
        message:
          `${name}: text_config.relative_attention_num_buckets 32 with relative_attention_max_distance 16, ` +
          "expected at least 4 buckets and a distance above 16.",
      });
    });
  });
}

/** FlanT5's: 32 buckets up to a distance of 128. The expected ones were printed by the reference (modeling_t5.py:176). */
describe("relative buckets", () => {
  const flan = { buckets: 32, maxDistance: 128 };

  it("encoder — has a half of the buckets for keys before, and one for keys behind", () => {
    const tokens = 140;
    const buckets = encoderBuckets(flan, tokens);
    // The distance at which each bucket begins.
    const begins = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 23, 32, 46, 64, 91];
    for (let distance = 0; distance < tokens; distance += 1) {
      const expected = begins.findLastIndex((begin) => distance >= begin);
      assert.equal(buckets[(tokens - 1) * tokens + tokens - 1 - distance], expected, `${distance} before`);
      if (distance > 0) assert.equal(buckets[distance], 16 + expected, `${distance} behind`);
    }
  });

  it("decoder — counts only backwards, from the text position of each place of the cache", () => {
    const begins = [...Array.from({ length: 17 }, (_, distance) => distance)].concat([
      19, 21, 24, 27, 31, 35, 40, 46, 52, 59, 67, 77, 87, 99, 113,
    ]);
    const places = Array.from({ length: 140 }, (_, place) => place);
    const buckets = decoderBuckets(flan)({ tokens: [140, 140], places: [places], past: 150 });
    assert.equal(buckets.length, 2 * 152);
    for (const row of [0, 1]) {
      for (const place of places) {
        const expected = begins.findLastIndex((begin) => 140 - place >= begin);
        assert.equal(buckets[row * 152 + place], expected, `a distance of ${140 - place}`);
      }
      assert.deepEqual([...buckets.subarray(row * 152 + 150, (row + 1) * 152)], [0, 0]);
    }
  });

  it("decoder — looks at each sequence's own places", () => {
    const feeds = {
      tokens: [3, 4, 2, 2],
      places: [
        [0, 1, 2],
        [0, 1, 1],
      ],
      past: 4,
    };
    assert.deepEqual(
      [...decoderBuckets(flan)(feeds)],
      [
        [3, 2, 1, 0, 0, 0], // a key ahead is as near as the token itself, and masked
        [4, 3, 2, 0, 1, 0],
        [2, 1, 1, 0, 0, 0],
        [2, 1, 1, 0, 0, 0],
      ].flat(),
    );
  });
});

async function bundledT5(name: string) {
  const { checkpoint, weights } = await bundled(name);
  const { config } = checkpoint;
  assert.ok(config.kind === "generation" && config.text.family === "t5");
  const text: T5Config = config.text;
  return { checkpoint, config, text, weights };
}

function split(values: Float32Array, parts: number): Float32Array[] {
  const length = values.length / parts;
  return Array.from({ length: parts }, (_, part) => values.slice(part * length, (part + 1) * length));
}
