/** config.json: the defaults a hub file leaves out, and what its values mean. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { clipVisionKeys, readBlip2Config } from "../../../models/checkpoint/config-file.ts";
import { changed, itmFile, optFile, read, t5File } from "../../support/hub-configs.ts";
import type { Json } from "../../support/hub-configs.ts";
import { projectRoot } from "../../support/project.ts";

describe("a checkpoint's config", () => {
  it("fills what a hub file leaves out with transformers' defaults: blip2-opt-2.7b", () => {
    assert.deepEqual(read(optFile), {
      kind: "generation",
      imageToken: 50265,
      vision: {
        hidden: 1408,
        layers: 39,
        heads: 16,
        mlp: 6144,
        imageSize: 224,
        patch: 14,
        channels: 3,
        epsilon: 1e-6,
        qkvBias: true,
        patchBias: true,
        preLayerNorm: false,
        activation: "gelu",
      },
      qFormer: {
        queries: 32,
        hidden: 768,
        layers: 12,
        heads: 12,
        mlp: 3072,
        vision: 1408,
        crossAttentionEvery: 2,
        epsilon: 1e-12,
        maxPositions: 512,
        vocabulary: 30522,
        pad: 0,
        textInput: false,
        textHead: false,
      },
      text: {
        family: "opt",
        hidden: 2560,
        wordWidth: 2560,
        layers: 32,
        heads: 32,
        mlp: 10240,
        vocabulary: 50304,
        maxPositions: 2048,
        activation: "relu",
        normBefore: true,
        finalNorm: true,
        normAffine: true,
        bias: true,
        tieEmbeddings: true,
        bos: 2,
        pad: 1,
        eos: [50118],
      },
    });
  });

  it("fills what a hub file leaves out with transformers' defaults: blip2-flan-t5-xl", () => {
    assert.deepEqual(read(t5File).text, {
      family: "t5",
      width: 2048,
      keyWidth: 64,
      mlp: 5120,
      encoderLayers: 24,
      decoderLayers: 24,
      heads: 32,
      vocabulary: 32128,
      buckets: 32,
      maxDistance: 128,
      epsilon: 1e-6,
      activation: "gelu",
      gated: true,
      bos: 1,
      pad: 0,
      eos: [1],
      decoderStart: 0,
    });
  });

  it("tells a retrieval checkpoint, which has no language model", () => {
    const config = read(itmFile);
    assert.equal(config.kind, "retrieval");
    assert.equal(config.text, null);
    assert.equal(config.imageToken, null);
    assert.equal(config.imageTextHidden, 256);
    assert.equal(config.qFormer.vocabulary, 30523);
  });

  it("is frozen", () => {
    const config = read(optFile);
    for (const part of [config, config.vision, config.qFormer, config.text, config.text?.eos]) {
      assert.ok(Object.isFrozen(part));
    }
  });

  for (const name of ["shapes-opt-small", "shapes-opt-base", "shapes-t5-small", "shapes-t5-base", "shapes-itm"]) {
    it(`reads the bundled ${name}`, function () {
      const file = path.join(projectRoot, "models", "bundled", name, "config.json");
      let content: string;
      try {
        content = readFileSync(file, "utf8");
      } catch {
        this.skip(); // not bundled yet
      }
      const { vision, qFormer, imageToken } = readBlip2Config(content, file);
      assert.equal(vision.imageSize, 64);
      assert.equal(qFormer.vision, vision.hidden);
      assert.ok(imageToken !== null);
    });
  }
});

describe("what a config's values mean", () => {
  it("vision layer norms keep 1e-6 where an old file says 1e-5, and any other value as it stands", () => {
    const epsilon = (value: number) =>
      read(changed(optFile, { vision_config: { layer_norm_eps: value } })).vision.epsilon;
    assert.equal(epsilon(1e-5), 1e-6);
    assert.equal(epsilon(1e-6), 1e-6);
    assert.equal(epsilon(1e-12), 1e-12);
  });

  it("CLIP's image encoder has a norm before the layers, QuickGELU, no bias of patches, and 1e-5 as it stands", () => {
    const { vision } = read(changed(optFile, { vision_config: clipVisionKeys }));
    assert.equal(vision.epsilon, 1e-5);
    assert.equal(vision.activation, "quick_gelu");
    assert.ok(vision.preLayerNorm && !vision.patchBias);
  });

  it("the Q-Former reads tokens of the vision width, whatever encoder_hidden_size says", () => {
    const file = changed(optFile, {
      vision_config: { hidden_size: 1024 },
      qformer_config: { encoder_hidden_size: 1408 },
    });
    assert.equal(read(file).qFormer.vision, 1024);
  });

  it("image_token_id stands for image_token_index, and before it", () => {
    assert.equal(read(changed(optFile, { image_token_index: undefined, image_token_id: 7 })).imageToken, 7);
    assert.equal(read(changed(optFile, { image_token_id: 7 })).imageToken, 7);
    assert.equal(read(changed(optFile, { image_token_id: null })).imageToken, 50265);
  });

  it("a file without a class is told by whether its Q-Former reads text", () => {
    for (const architectures of [undefined, null]) {
      assert.equal(read(changed(optFile, { architectures })).kind, "generation");
      assert.equal(read(changed(itmFile, { architectures })).kind, "retrieval");
    }
  });

  it("token ids that are null: no end, nothing that begins a text, and any filler", () => {
    const none = { pad_token_id: null, bos_token_id: null, eos_token_id: null };
    const opt = read(changed(optFile, { text_config: none, qformer_config: { pad_token_id: null } }));
    assert.deepEqual([opt.text?.pad, opt.text?.bos, opt.text?.eos, opt.qFormer.pad], [1, null, [], 0]);
    const t5 = read(changed(t5File, { text_config: none }));
    assert.deepEqual([t5.text?.pad, t5.text?.bos, t5.text?.eos], [0, null, []]);
  });

  it("T5 without a token that its decoder starts with starts with bos, as the reference does", () => {
    const { text } = read(changed(t5File, { text_config: { decoder_start_token_id: null } }));
    assert.equal(text?.family === "t5" && text.decoderStart, 1);
  });

  it("a size may be given as [height, width]", () => {
    assert.equal(read(changed(optFile, { vision_config: { image_size: [364, 364] } })).vision.imageSize, 364);
  });

  it("OPT without word_embed_proj_dim has embeddings as wide as its layers, and one end token may be a list", () => {
    const { text } = read(changed(optFile, { text_config: { word_embed_proj_dim: null, eos_token_id: [2, 50118] } }));
    assert.ok(text?.family === "opt");
    assert.equal(text.wordWidth, 2560);
    assert.deepEqual(text.eos, [2, 50118]);
  });

  it("OPT has a last norm only where it normalises before its boxes and none was removed", () => {
    const finalNorm = (changes: Json): unknown => {
      const { text } = read(changed(optFile, { text_config: changes }));
      return text?.family === "opt" && text.finalNorm;
    };
    assert.equal(finalNorm({ do_layer_norm_before: false }), false);
    assert.equal(finalNorm({ _remove_final_layer_norm: true }), false);
    assert.equal(finalNorm({}), true);
  });

  const activations: readonly (readonly [Json, string, boolean])[] = [
    [{ dense_act_fn: "gelu" }, "gelu", true], // wins over feed_forward_proj
    [{ dense_act_fn: undefined }, "gelu_new", true], // what gated-gelu alone means
    [{ dense_act_fn: undefined, feed_forward_proj: "relu" }, "relu", false],
    [{ dense_act_fn: undefined, feed_forward_proj: "gated-relu" }, "relu", true],
    [{ dense_act_fn: undefined, feed_forward_proj: undefined }, "relu", false], // the class default
    [{ is_gated_act: false }, "gelu", false],
  ];
  for (const [changes, activation, gated] of activations) {
    it(`T5 with ${JSON.stringify(changes)} computes ${activation}, ${gated ? "gated" : "not gated"}`, () => {
      const { text } = read(changed(t5File, { text_config: changes }));
      assert.ok(text?.family === "t5");
      assert.deepEqual([text.activation, text.gated], [activation, gated]);
    });
  }

  it("T5's decoder has as many layers as its encoder unless the file says otherwise", () => {
    const { text } = read(changed(t5File, { text_config: { num_decoder_layers: 3 } }));
    assert.ok(text?.family === "t5");
    assert.deepEqual([text.encoderLayers, text.decoderLayers], [24, 3]);
  });

  it("T5 with tied embeddings is read where the file says that nothing is scaled", () => {
    const changes = { tie_word_embeddings: true, scale_decoder_outputs: false };
    assert.deepEqual(read(changed(t5File, { text_config: changes })), read(t5File));
  });

  it("T5 without bos begins no text with its end token, as an empty text is tokenized", () => {
    assert.equal(read(changed(t5File, { text_config: { bos_token_id: undefined } })).text?.bos, 1);
  });
});
