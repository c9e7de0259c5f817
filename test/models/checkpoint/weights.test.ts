/** Weights as networks read them: by path, of one shape, each once at least. */
import assert from "node:assert/strict";
import { readBlip2Config } from "../../../models/checkpoint/config-file.ts";
import type { TensorEntry } from "../../../models/checkpoint/safetensors.ts";
import { checkAllUsed, unusedTensors } from "../../../models/checkpoint/unused-tensors.ts";
import { Weights } from "../../../models/checkpoint/weights.ts";
import { assertRefused } from "../../support/temporary-files.ts";

function entry(name: string, shape: readonly number[], dtype: TensorEntry["dtype"] = "F32"): [string, TensorEntry] {
  return [name, { name, dtype, shape, file: "/f", offset: 8, byteLength: 0 }];
}

const weightsOf = (...names: readonly string[]): Weights =>
  Weights.of("tiny", new Map(names.map((name) => entry(name, [1]))));

const kind = (architecture: string, textInput: boolean) =>
  readBlip2Config(
    JSON.stringify({
      architectures: [architecture],
      model_type: "blip-2",
      image_token_index: 5,
      qformer_config: { use_qformer_text_input: textInput },
    }),
    "config.json",
  );
const generation = kind("Blip2ForConditionalGeneration", false);
const retrieval = kind("Blip2ForImageTextRetrieval", true);

describe("weights", () => {
  it("are found below a path, in one step or several", () => {
    const weights = Weights.of("tiny", new Map([entry("a.b.weight", [2, 3])]));
    assert.equal(weights.at("a").at("b").tensor("weight", [2, 3]).name, "a.b.weight");
    assert.equal(weights.at("a.b").tensor("weight", [2, 3]).name, "a.b.weight");
    assert.equal(weights.name, "tiny");
    assert.ok(weights.at("a").has("b.weight"));
    assert.ok(!weights.at("a").has("weight"));
  });

  it("say which tensor is missing", async () => {
    await assertRefused(
      () => weightsOf("a.weight").at("a").tensor("bias", [4]),
      'tiny: no tensor "a.bias", expected one of shape [4]. ' +
        "Is a shard missing, or is this the config of another checkpoint?",
    );
  });

  const shapes: readonly (readonly [string, string])[] = [
    ["language_model.model.decoder.layers.3.fc1.weight", "Is this the config of another OPT size?"],
    ["language_model.encoder.final_layer_norm.weight", "Is this the config of another T5 size?"],
    [
      "vision_model.embeddings.position_embedding",
      "Is image_size in config.json the one the checkpoint was trained with?",
    ],
    ["query_tokens", "Is this the config of another checkpoint?"],
  ];
  for (const [name, question] of shapes) {
    it(`say what shape ${name} has and should have`, async () => {
      const weights = Weights.of("blip2-opt-2.7b", new Map([entry(name, [10240, 2048])]));
      const message = `blip2-opt-2.7b: tensor "${name}" has shape [10240, 2048], expected [10240, 2560]. ${question}`;
      await assertRefused(() => weights.tensor(name, [10240, 2560]), message);
      await assertRefused(() => weights.tensor(name, [10240, 2048, 1]), /has shape \[10240, 2048\], expected/);
    });
  }

  it("refuse a tensor that is no float", async () => {
    const weights = Weights.of("tiny", new Map([entry("a", [1], "I64")]));
    const message = 'tiny: tensor "a" is stored as I64, expected F64, F32, F16, BF16.';
    await assertRefused(() => weights.tensor("a", [1]), message);
  });
});

describe("unused tensors", () => {
  it("are those nobody read, through any path", () => {
    const weights = weightsOf("a.x", "a.y", "b");
    weights.at("a").tensor("x", [1]);
    assert.deepEqual(weights.at("a").unread(), ["a.y", "b"]);
    assert.deepEqual(unusedTensors(weights, generation), ["a.y", "b"]);
  });

  it("are refused by name", async () => {
    const weights = weightsOf("a", "b", "c", "d", "e");
    weights.tensor("e", [1]);
    await assertRefused(() => {
      checkAllUsed(weights, generation);
    }, 'tiny: tensors "a", "b", "c" and 1 more of the checkpoint would not be used. ' + "Does config.json name fewer layers than there are?");
  });

  it("may be what training left behind", () => {
    const left = [
      "temp",
      "qformer.cls.predictions.bias",
      "embeddings.position_ids",
      "qformer.embeddings.position_ids",
      "language_model.decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",
    ];
    checkAllUsed(weightsOf(...left), generation);
    checkAllUsed(weightsOf(...left), retrieval);
  });

  it("may be the text side of a Q-Former in front of a language model, but not in a retrieval checkpoint", () => {
    const textSide = [
      "embeddings.word_embeddings.weight",
      "embeddings.position_embeddings.weight",
      "qformer.encoder.layer.11.intermediate.dense.weight",
      "qformer.encoder.layer.11.output.LayerNorm.bias",
      "vision_projection.weight",
      "text_projection.bias",
      "itm_head.weight",
    ];
    checkAllUsed(weightsOf(...textSide), generation);
    assert.deepEqual(unusedTensors(weightsOf(...textSide), retrieval), textSide);
  });

  it("may be a language model beside a retrieval checkpoint, but not in one that generates", () => {
    const languageSide = ["language_projection.weight", "language_model.lm_head.weight"];
    checkAllUsed(weightsOf(...languageSide), retrieval);
    assert.deepEqual(unusedTensors(weightsOf(...languageSide), generation), languageSide);
  });

  it("may not be the feed-forward of queries", () => {
    const name = "qformer.encoder.layer.0.intermediate_query.dense.weight";
    assert.deepEqual(unusedTensors(weightsOf(name), generation), [name]);
  });
});
