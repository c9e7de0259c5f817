/** Each graph of a retrieval checkpoint against the reference's activations, on the bundled shapes-itm. */
import assert from "node:assert/strict";
import type { RetrievalConfig } from "../../../models/checkpoint/config.ts";
import {
  imageKeyNames,
  qFormerImageKeys,
  qFormerMatching,
  qFormerText,
} from "../../../models/networks/q-former-text.ts";
import { qFormer } from "../../../models/networks/q-former.ts";
import { imageEmbedding, similarity } from "../../../models/networks/retrieval-heads.ts";
import { visionTransformer } from "../../../models/networks/vision-transformer.ts";
import type { Graph } from "../../../models/graph/graph.ts";
import { float32Tensor, floats, Session } from "../../../models/runtime.ts";
import type { Feeds } from "../../../models/runtime.ts";
import { textBatches, textMask } from "../../../models/text/text-batches.ts";
import type { TextBatch, TextTokens } from "../../../models/text/text-batches.ts";
import type { Weights } from "../../../models/checkpoint/weights.ts";
import { assertClose, bundled } from "../../support/goldens.ts";
import { ItmGoldens } from "../../support/goldens-itm.ts";

describe("networks of shapes-itm", () => {
  it("vision transformer — gives the reference's image tokens", async () => {
    const { goldens, weights, config } = await opened();
    const pixels = float32Tensor(await goldens.floats("pixel_values"), goldens.shape("pixel_values"));
    const graph = visionTransformer(weights.at("vision_model"), config.vision);
    const { image_tokens } = await run(graph, { pixels }, ["image_tokens"]);
    assertClose(floats(image_tokens), await goldens.floats("vision.last_hidden_state"), "image tokens");
  });

  it("Q-Former, queries only — gives the reference's image vectors", async () => {
    const { goldens, weights, config } = await opened();
    const image_tokens = await imageTokens(goldens);
    const { query_output } = await run(qFormer(weights, config.qFormer), { image_tokens }, ["query_output"]);
    const head = imageEmbedding(weights.at("vision_projection"), config);
    const { image_embedding } = await run(head, { query_output }, ["image_embedding"]);
    assertClose(floats(image_embedding), await goldens.floats("image_embeds"), "image vectors");
  });

  it("Q-Former, text only — gives the reference's text vectors and hidden states, filling left out", async () => {
    const { goldens, weights, config, texts } = await opened();
    const [batch] = textBatches(texts, { size: texts.length, pad: config.qFormer.pad });
    const feeds = { ...batch!.feeds, ...textMask(batch!) };
    const { text_output, text_embedding } = await run(qFormerText(weights, config), feeds, [
      "text_output",
      "text_embedding",
    ]);
    const { hidden, queries } = config.qFormer;
    const padded = goldens.shape("batch.input_ids")[1]! - queries;
    const states = rowsOf(await goldens.floats("itc.text_last_hidden_state"), texts.length);
    const vectors = rowsOf(await goldens.floats("text_embeds"), texts.length);
    for (const { row, place, length } of rowsIn(batch!)) {
      const found = rowsOf(floats(text_output), texts.length)[row]!.slice(0, length * hidden);
      assertClose(found, states[place]!.slice(0, length * hidden), `hidden states of text ${place} of ${padded}`);
      assertClose(rowsOf(floats(text_embedding), texts.length)[row]!, vectors[place]!, `vector of text ${place}`);
    }
  });

  it("similarity — is the best query's product, for every image and text", async () => {
    const { goldens, config } = await opened();
    const image_embedding = float32Tensor(await goldens.floats("image_embeds"), goldens.shape("image_embeds"));
    const text_embedding = float32Tensor(await goldens.floats("text_embeds"), goldens.shape("text_embeds"));
    const feeds = { image_embedding, text_embedding };
    const found = floats((await run(similarity(config), feeds, ["similarity"])).similarity);
    assertClose(found, await goldens.floats("itc.logits_per_image"), "similarity");
    const images = goldens.shape("image_embeds")[0]!;
    for (let pair = 0; pair < images; pair += 1) {
      assertClose(
        found.slice(pair * images + pair, pair * images + pair + 1),
        await goldens.floats(`pair${pair}.itc`),
        `pair ${pair}`,
      );
    }
    const transposed = Float32Array.from(found, (_, at) => found[(at % images) * images + Math.floor(at / images)]!);
    assertClose(transposed, await goldens.floats("itc.logits_per_text"), "similarity, texts first");
  });

  it("Q-Former, queries and text together — matches each image with its text and its neighbour's", async () => {
    const { goldens, weights, config, texts } = await opened();
    const { queries, hidden } = config.qFormer;
    const matcher = await Matcher.load(weights, config);
    const shown = rowsOf(await goldens.floats("vision.last_hidden_state"), texts.length);
    const states = rowsOf(await goldens.floats("itm.last_hidden_state"), texts.length);
    const matched = rowsOf(await goldens.floats("itm.logits_matched"), texts.length);
    const shifted = rowsOf(await goldens.floats("itm.logits_shifted"), texts.length);
    for (const [image, tokens] of shown.entries()) {
      const next = (image + 1) % texts.length; // "shifted" pairs text i with image i - 1
      const pairs = [texts[image]!, texts[next]!];
      const { logits, states: found } = await matcher.match(tokens, pairs);
      assertClose(logits[0]!, matched[image]!, `image ${image} with its text`);
      assertClose(logits[1]!, shifted[next]!, `image ${image} with text ${next}`);
      assertClose(found[0]!, states[image]!.slice(0, queries * hidden), `queries reading image and text ${image}`);
      const alone = await matcher.match(tokens, [texts[image]!]);
      assertClose(alone.logits[0]!, await goldens.floats(`pair${image}.itm_logits`), `pair ${image} alone`);
    }
    await matcher.release();
  });
});

interface Opened {
  readonly goldens: ItmGoldens;
  readonly weights: Weights;
  readonly config: RetrievalConfig;
  /** [CLS] … [SEP] of each pair's text. */
  readonly texts: readonly TextTokens[];
}

async function opened(): Promise<Opened> {
  const goldens = await ItmGoldens.of("tensors");
  const { checkpoint, weights } = await bundled("shapes-itm");
  const { config } = checkpoint;
  assert.ok(config.kind === "retrieval");
  const texts: TextTokens[] = [];
  for (let pair = 0; pair < goldens.shape("image_embeds")[0]!; pair += 1) {
    texts.push(Array.from((await goldens.integers(`pair${pair}.input_ids`)).slice(config.qFormer.queries)));
  }
  return { goldens, weights, config, texts };
}

async function imageTokens(goldens: ItmGoldens) {
  return float32Tensor(await goldens.floats("vision.last_hidden_state"), goldens.shape("vision.last_hidden_state"));
}

async function run<Name extends string>(graph: Graph, feeds: Feeds, fetch: readonly Name[]) {
  const session = await Session.load(graph, { threads: 1 });
  const outputs = await session.run(feeds, fetch);
  await session.release();
  return outputs;
}

class Matcher {
  readonly #config: RetrievalConfig;
  readonly #keys: Session;
  readonly #matching: Session;

  private constructor(config: RetrievalConfig, keys: Session, matching: Session) {
    this.#config = config;
    this.#keys = keys;
    this.#matching = matching;
  }

  static async load(weights: Weights, config: RetrievalConfig): Promise<Matcher> {
    const keys = await Session.load(qFormerImageKeys(weights, config.qFormer), { threads: 1 });
    const matching = await Session.load(qFormerMatching(weights, config.qFormer), { threads: 1 });
    return new Matcher(config, keys, matching);
  }

  /** Logits and query states of each text, in the order of the texts. */
  async match(tokens: Float32Array, texts: readonly TextTokens[]) {
    const { vision, pad, queries } = this.#config.qFormer;
    const image_tokens = float32Tensor(tokens, [1, tokens.length / vision, vision]);
    const names = imageKeyNames(this.#config.qFormer);
    const seen = await this.#keys.run({ image_tokens }, names);
    const [batch] = textBatches(texts, { size: texts.length, pad });
    const feeds = { ...batch!.feeds, ...textMask(batch!, queries), ...seen };
    const { matching, query_output } = await this.#matching.run(feeds, ["matching", "query_output"]);
    const rowOf = new Map(rowsIn(batch!).map(({ row, place }) => [place, row]));
    const inOrder = (values: Float32Array) => texts.map((_, place) => rowsOf(values, texts.length)[rowOf.get(place)!]!);
    return { logits: inOrder(floats(matching)), states: inOrder(floats(query_output)) };
  }

  async release(): Promise<void> {
    await this.#keys.release();
    await this.#matching.release();
  }
}

function rowsIn({ places, lengths }: TextBatch) {
  return places.flatMap((all, row) => all.map((place) => ({ row, place, length: lengths[row]! })));
}

function rowsOf(values: Float32Array, count: number): Float32Array[] {
  const length = values.length / count;
  return Array.from({ length: count }, (_, row) => values.subarray(row * length, (row + 1) * length));
}
