/** config.json: what is said of one that no network here can follow. */
import assert from "node:assert/strict";
import { readBlip2Config } from "../../../models/checkpoint/config-file.ts";
import { CheckpointError } from "../../../models/model.ts";
import { changed, itmFile, optFile, read, t5File } from "../../support/hub-configs.ts";
import type { Json } from "../../support/hub-configs.ts";

describe("a config is refused", () => {
  const refused: readonly (readonly [string, Json, string])[] = [
    ["of another model", changed(optFile, { model_type: "llava" }), 'model_type is "llava", expected "blip-2".'],
    [
      "of another class",
      changed(optFile, { architectures: ["Blip2Model"] }),
      'architectures.0 is "Blip2Model", expected one of "Blip2ForConditionalGeneration"|"Blip2ForImageTextRetrieval".',
    ],
    [
      "of no class",
      changed(optFile, { architectures: [] }),
      'architectures is [], expected a list of one class, such as ["Blip2ForConditionalGeneration"].',
    ],
    [
      "of two classes",
      changed(optFile, { architectures: ["Blip2ForConditionalGeneration", "Blip2ForImageTextRetrieval"] }),
      'architectures is ["Blip2ForConditionalGeneration","Blip2ForImageTextRetrieval"], expected a list of one class, such as ["Blip2ForConditionalGeneration"].',
    ],
    [
      "with an encoder in one place and none in another",
      changed(optFile, { use_decoder_only_language_model: false }),
      "use_decoder_only_language_model is false, expected true, for text_config is that of opt.",
    ],
    [
      "with another language model",
      changed(optFile, { text_config: { model_type: "llama" } }),
      'text_config.model_type is "llama", expected one of "opt"|"t5".',
    ],
    [
      "with an activation no network has",
      changed(optFile, { vision_config: { hidden_act: "silu" } }),
      'vision_config.hidden_act is "silu", expected one of "gelu"|"quick_gelu".',
    ],
    [
      "with a T5 activation no network has",
      changed(t5File, { text_config: { dense_act_fn: "silu" } }),
      'text_config.dense_act_fn is "silu", expected relu, gelu or gelu_new, gated or not.',
    ],
    [
      "with T5 1.0's scaled output",
      changed(t5File, { text_config: { tie_word_embeddings: true } }),
      'text_config.tie_word_embeddings is true, expected false, or "scale_decoder_outputs": false beside it.',
    ],
    [
      "with T5 1.0's scaled output, said apart",
      changed(t5File, { text_config: { scale_decoder_outputs: true } }),
      "text_config.scale_decoder_outputs is true, expected false.",
    ],
    [
      "of T5 without a token the decoder starts with",
      changed(t5File, { text_config: { decoder_start_token_id: undefined, bos_token_id: null } }),
      "text_config.decoder_start_token_id is missing, expected a token id, or a bos_token_id in its place.",
    ],
    [
      "with a size that is no count",
      changed(optFile, { text_config: { hidden_size: "2560" } }),
      'text_config.hidden_size is "2560", expected number.',
    ],
    [
      "with no layers",
      changed(optFile, { qformer_config: { num_hidden_layers: 0 } }),
      "qformer_config.num_hidden_layers is 0, expected number to be >0.",
    ],
    [
      "with heads that do not divide the width",
      changed(optFile, { vision_config: { num_attention_heads: 15 } }),
      "vision_config.num_attention_heads is 15, expected a divisor of the width 1408.",
    ],
    [
      "with an image that is not made of whole patches",
      changed(optFile, { vision_config: { image_size: 225 } }),
      "vision_config.image_size is 225, expected a multiple of patch_size 14.",
    ],
    [
      "with an oblong image",
      changed(optFile, { vision_config: { image_size: [224, 196] } }),
      "vision_config.image_size is [224,196], expected a square.",
    ],
    [
      "with grey images",
      changed(optFile, { vision_config: { num_channels: 1 } }),
      "vision_config.num_channels is 1, expected 3.",
    ],
    [
      "with another kind of positions",
      changed(optFile, { qformer_config: { position_embedding_type: "relative_key" } }),
      'qformer_config.position_embedding_type is "relative_key", expected "absolute".',
    ],
    [
      "with end tokens that are none",
      changed(optFile, { text_config: { eos_token_id: [] } }),
      "text_config.eos_token_id is [], expected array to have >=1 items.",
    ],
    [
      "without an image token, where text is generated",
      changed(optFile, { image_token_index: undefined }),
      "image_token_index is missing, expected the id of <image>; take a newer revision of the checkpoint.",
    ],
    [
      "of a retrieval checkpoint whose Q-Former reads no text",
      changed(itmFile, { qformer_config: { use_qformer_text_input: false } }),
      "qformer_config.use_qformer_text_input is false, expected true in a retrieval checkpoint.",
    ],
    [
      "of a generation checkpoint whose Q-Former reads text",
      changed(optFile, { qformer_config: { use_qformer_text_input: true } }),
      "qformer_config.use_qformer_text_input is true, expected false in a generation checkpoint.",
    ],
    ["with a list for a section", changed(optFile, { vision_config: [] }), "vision_config is [], expected an object."],
  ];
  for (const [what, file, message] of refused) {
    it(what, () => {
      assert.throws(
        () => read(file),
        (error) => {
          assert.ok(error instanceof CheckpointError);
          assert.equal(error.message, `config.json: ${message}`);
          return true;
        },
      );
    });
  }

  it("that is not JSON, and where", () => {
    const message = 'config.json: not JSON: expected a value, found "}" at position 18. Is the download complete?';
    assert.throws(() => readBlip2Config('{"architectures": }', "config.json"), { name: "CheckpointError", message });
  });

  it("that is no object", () => {
    const message = 'config.json: the content is "blip-2", expected an object.';
    assert.throws(() => readBlip2Config('"blip-2"', "config.json"), { name: "CheckpointError", message });
  });
});
