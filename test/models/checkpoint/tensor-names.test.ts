/** One name for each tensor, whatever the file calls it and however often it is stored. */
import assert from "node:assert/strict";
import path from "node:path";
import type { Checkpoint } from "../../../models/checkpoint/checkpoint.ts";
import { canonicalName } from "../../../models/checkpoint/tensor-names.ts";
import { assertRefused, temporaryFolder } from "../../support/temporary-files.ts";
import { config, numbers, open, weights } from "../../support/tiny-checkpoint.ts";

describe("older names of tensors", () => {
  const names: readonly (readonly [string, string])[] = [
    ["visual_encoder.cls_token", "vision_model.embeddings.class_embedding"],
    ["visual_encoder.pos_embed", "vision_model.embeddings.position_embedding"],
    ["visual_encoder.patch_embed.proj.weight", "vision_model.embeddings.patch_embedding.weight"],
    ["visual_encoder.blocks.11.norm2.bias", "vision_model.encoder.layers.11.layer_norm2.bias"],
    ["visual_encoder.blocks.3.attn.qkv.weight", "vision_model.encoder.layers.3.self_attn.qkv.weight"],
    ["visual_encoder.blocks.3.attn.q_bias", "vision_model.encoder.layers.3.self_attn.q_bias"],
    ["visual_encoder.blocks.3.attn.proj.bias", "vision_model.encoder.layers.3.self_attn.projection.bias"],
    ["visual_encoder.blocks.3.mlp.fc2.weight", "vision_model.encoder.layers.3.mlp.fc2.weight"],
    ["ln_vision.weight", "vision_model.post_layernorm.weight"],
    ["Qformer.bert.embeddings.LayerNorm.weight", "qformer.layernorm.weight"],
    ["Qformer.bert.embeddings.word_embeddings.weight", "embeddings.word_embeddings.weight"],
    ["Qformer.bert.embeddings.position_ids", "embeddings.position_ids"],
    [
      "Qformer.bert.encoder.layer.2.attention.self.query.bias",
      "qformer.encoder.layer.2.attention.attention.query.bias",
    ],
    [
      "Qformer.bert.encoder.layer.2.crossattention.self.key.weight",
      "qformer.encoder.layer.2.crossattention.attention.key.weight",
    ],
    ["Qformer.bert.encoder.layer.2.attention.output.dense.bias", "qformer.encoder.layer.2.attention.output.dense.bias"],
    ["Qformer.bert.encoder.layer.2.output_query.LayerNorm.bias", "qformer.encoder.layer.2.output_query.LayerNorm.bias"],
    ["Qformer.cls.predictions.bias", "qformer.cls.predictions.bias"],
    ["vision_proj.weight", "vision_projection.weight"],
    ["text_proj.bias", "text_projection.bias"],
    ["opt_proj.weight", "language_projection.weight"],
    ["t5_proj.bias", "language_projection.bias"],
    ["opt_model.lm_head.weight", "language_model.lm_head.weight"],
    ["t5_model.encoder.block.0.layer.0.layer_norm.weight", "language_model.encoder.block.0.layer.0.layer_norm.weight"],
    ["query_tokens", "query_tokens"],
    ["itm_head.weight", "itm_head.weight"],
  ];
  for (const [old, now] of names) {
    it(`${old} is ${now}`, () => {
      assert.equal(canonicalName(old), now);
      assert.equal(canonicalName(now), now);
    });
  }

  it("a qkv bias in two parts is joined around zeros", async () => {
    const attention = "visual_encoder.blocks.0.attn";
    const tensors = { [`${attention}.q_bias`]: [1, 2], [`${attention}.v_bias`]: [3, 4], other: [0] };
    const folder = temporaryFolder({ "config.json": config, "model.safetensors": weights(tensors) });
    const checkpoint = await open(folder);
    assert.deepEqual([...checkpoint.tensors.keys()], ["other"]);
    const [bias] = checkpoint.joined;
    assert.equal(bias?.name, "vision_model.encoder.layers.0.self_attn.qkv.bias");
    assert.deepEqual(bias.shape, [6]);
    assert.deepEqual(
      bias.parts.map((part) => part?.name ?? null),
      ["vision_model.encoder.layers.0.self_attn.q_bias", null, "vision_model.encoder.layers.0.self_attn.v_bias"],
    );
  });

  const biases: readonly (readonly [Readonly<Record<string, readonly number[]>>, string])[] = [
    [{ q_bias: [1] }, "has q_bias, expected q_bias and v_bias or qkv.bias alone."],
    [
      { q_bias: [1], v_bias: [1], "qkv.bias": [1, 0, 1] },
      "has q_bias and v_bias and qkv.bias, expected q_bias and v_bias or qkv.bias alone.",
    ],
    [
      { q_bias: [1], v_bias: [1, 2] },
      "has q_bias of shape [1] and v_bias of shape [2], expected two vectors of one length.",
    ],
  ];
  for (const [parts, message] of biases) {
    it(`refuses ${Object.keys(parts).join(", ")}`, async () => {
      const attention = "vision_model.encoder.layers.0.self_attn";
      const tensors = Object.fromEntries(
        Object.entries(parts).map(([name, values]) => [`${attention}.${name}`, values]),
      );
      const folder = temporaryFolder({ "config.json": config, "model.safetensors": weights(tensors) });
      await assertRefused(() => open(folder), `${path.basename(folder)}: "${attention}" ${message}`, folder);
    });
  }
});

describe("tensors stored twice", () => {
  const shared = "language_model.shared.weight";
  const encoder = "language_model.encoder.embed_tokens.weight";
  const decoder = "language_model.decoder.embed_tokens.weight";
  const optTable = "language_model.model.decoder.embed_tokens.weight";
  const head = "language_model.lm_head.weight";
  const opened = (tensors: Readonly<Record<string, readonly number[]>>): Promise<Checkpoint> =>
    open(temporaryFolder({ "config.json": config, "model.safetensors": weights(tensors) }));

  for (const names of [[shared], [encoder], [decoder], [encoder, decoder], [shared, encoder, decoder]]) {
    it(`T5's embeddings are "shared", stored as ${names.join(" and ")}`, async () => {
      const checkpoint = await opened(Object.fromEntries(names.map((name) => [name, [1, 2]])));
      assert.deepEqual([...checkpoint.tensors.keys()], [shared]);
      assert.deepEqual(await numbers(checkpoint, shared), [1, 2]);
    });
  }

  it("T5's embeddings that differ are refused", async () => {
    const message = /: tensors ".*shared.weight" and ".*encoder.embed_tokens.weight" differ, expected one table/;
    await assertRefused(() => opened({ [shared]: [1, 2], [encoder]: [1, 3] }), message);
    await assertRefused(() => opened({ [shared]: [1, 2], [encoder]: [1] }), message);
  });

  for (const table of [optTable, shared]) {
    it(`an output matrix equal to ${table} is left out, another is kept`, async () => {
      assert.deepEqual([...(await opened({ [table]: [1, 2], [head]: [1, 2] })).tensors.keys()], [table]);
      assert.deepEqual([...(await opened({ [table]: [1, 2], [head]: [1, 3] })).tensors.keys()].length, 2);
    });
  }
});
