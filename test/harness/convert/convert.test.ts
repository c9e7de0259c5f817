/** Conversions: the authors' files become checkpoints that load, with their numbers, and nothing is lost without a reason. */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { convert } from "../../../harness/convert/convert.ts";
import type { ConvertOptions, Converted } from "../../../harness/convert/convert.ts";
import type { ConversionRequest } from "../../../harness/convert/parts.ts";
import { UsageError } from "../../../harness/catalog/usage-error.ts";
import { readTensor } from "../../../models/checkpoint/safetensors.ts";
import { loadBlip2 } from "../../../models/load-blip2.ts";
import { loadRetrievalCheckpoint } from "../../../models/load-blip2-retrieval.ts";
import { loadWriterCheckpoint } from "../../../models/load-writer.ts";
import { CheckpointError } from "../../../models/model.ts";
import { temporaryPath } from "../../../reports/records/atomic-file.ts";
import { cacheFolder } from "../../support/project.ts";
import { temporaryFolder } from "../../support/temporary-files.ts";
import { expectedTensors, hubCheckpoint, torchFile } from "../../support/torch-fixtures.ts";

const here = { cacheFolder, hubCache: "/nowhere", threads: 1 };
const nothing: Omit<ConversionRequest, "file"> = { kind: null, vision: null, language: null, tokenizer: null };

function converted(
  file: string,
  parts: Partial<ConversionRequest>,
  options: Partial<ConvertOptions> = {},
): Promise<Converted> {
  const output = path.join(temporaryFolder(), "new");
  return convert({ ...nothing, file, ...parts }, { output, ...here, ...options });
}

/** A tensor of the new checkpoint is the one that torch saved in this file under this name. */
async function assertFrom(file: string, saved: string, { checkpoint }: Converted, name: string): Promise<void> {
  const expected = expectedTensors[file]![saved]!;
  const entry = checkpoint.tensors.get(name);
  assert.ok(entry, name);
  assert.deepEqual(entry.shape, expected.shape, name);
  const numbers = await readTensor(entry);
  assert.deepEqual([...numbers.subarray(0, 3)], expected.first, name);
  const sum = numbers.reduce((all, number) => all + number, 0);
  assert.ok(Math.abs(sum - expected.sum) < 1e-3, `${name}: ${sum}, expected ${expected.sum}`); // torch adds in another order
}

async function refusal(action: Promise<unknown>): Promise<string> {
  const error = await action.then(
    () => assert.fail("nothing was refused"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof UsageError || error instanceof CheckpointError, String(error));
  return error.message;
}

describe("a conversion", () => {
  let itm = "";
  let opt = "";
  let t5 = "";
  before(async () => {
    itm = await hubCheckpoint("itm");
    opt = await hubCheckpoint("opt");
    t5 = await hubCheckpoint("t5");
  });

  it("of stage 1 has the file's Q-Former and heads, and EVA's image encoder without its last block", async () => {
    const made = await converted(torchFile("stage-one.pth"), {
      kind: "itm",
      vision: torchFile("eva.pth"),
      tokenizer: itm,
    });
    const own = "stage-one.pth";
    const eva = "eva.pth";
    await assertFrom(own, "query_tokens", made, "query_tokens");
    await assertFrom(
      own,
      "Qformer.bert.encoder.layer.0.crossattention.self.key.weight",
      made,
      "qformer.encoder.layer.0.crossattention.attention.key.weight",
    );
    await assertFrom(own, "Qformer.bert.embeddings.word_embeddings.weight", made, "embeddings.word_embeddings.weight");
    await assertFrom(
      own,
      "Qformer.cls.predictions.transform.dense.weight",
      made,
      "qformer.cls.predictions.transform.dense.weight",
    );
    await assertFrom(own, "Qformer.cls.predictions.decoder.bias", made, "qformer.cls.predictions.decoder.bias");
    await assertFrom(own, "ln_vision.weight", made, "vision_model.post_layernorm.weight");
    await assertFrom(eva, "blocks.1.attn.qkv.weight", made, "vision_model.encoder.layers.1.self_attn.qkv.weight");
    const bias = await readTensor(made.checkpoint.tensors.get("vision_model.encoder.layers.0.self_attn.qkv.bias")!);
    assert.deepEqual([...bias.subarray(0, 3)], expectedTensors[eva]!["blocks.0.attn.q_bias"]!.first);
    assert.deepEqual([...bias.subarray(16, 32)], new Array(16).fill(0));
    assert.deepEqual([...bias.subarray(32, 35)], expectedTensors[eva]!["blocks.0.attn.v_bias"]!.first);
    const reasons = new Map(made.leftOut.map(({ name, reason }) => [name, reason]));
    assert.match(reasons.get("temp") ?? "", /temperature/);
    assert.match(reasons.get("qformer.cls.predictions.bias") ?? "", /copies of decoder\.bias/);
    assert.match(
      reasons.get("vision_model.encoder.layers.2.norm1.weight") ??
        reasons.get("vision_model.encoder.layers.2.layer_norm1.weight") ??
        "",
      /behind the last block/,
    );
    assert.match(reasons.get("visual_encoder.fc_norm.weight") ?? "", /behind the last block/);
    assert.equal(reasons.size, made.leftOut.length);
    for (const load of [loadRetrievalCheckpoint, loadWriterCheckpoint])
      await (await load(made.checkpoint, here)).release();
  });

  it("of a file for OPT takes image encoder and language model from a checkpoint of the hub's layout", async () => {
    const made = await converted(torchFile("opt.pth"), { language: opt });
    await assertFrom("opt.pth", "opt_proj.weight", made, "language_projection.weight");
    await assertFrom("opt.pth", "ln_vision.bias", made, "vision_model.post_layernorm.bias");
    const model = await loadBlip2(made.checkpoint.folder, here);
    assert.equal(model.family, "opt");
    await model.release();
  });

  it("of a finetuned file for T5 keeps the image encoder that is in it", async () => {
    const made = await converted(torchFile("t5.pth"), { kind: "t5", language: t5 });
    await assertFrom(
      "t5.pth",
      "visual_encoder.blocks.0.mlp.fc1.weight",
      made,
      "vision_model.encoder.layers.0.mlp.fc1.weight",
    );
    const model = await loadBlip2(made.checkpoint.folder, here);
    assert.equal(model.family, "t5");
    await model.release();
  });

  it("with CLIP's image encoder has its first 23 blocks, and keys and a warning of its own", async () => {
    const made = await converted(torchFile("t5-clip.pth"), { vision: torchFile("clip.pth"), language: t5 });
    const of = (saved: string, name: string): Promise<void> => assertFrom("clip.pth", saved, made, name);
    await of("ln_pre.weight", "vision_model.pre_layernorm.weight");
    await of("conv1.weight", "vision_model.embeddings.patch_embedding.weight");
    await of("transformer.resblocks.0.attn.in_proj_weight", "vision_model.encoder.layers.0.self_attn.qkv.weight");
    await of("transformer.resblocks.22.attn.in_proj_bias", "vision_model.encoder.layers.22.self_attn.qkv.bias");
    await of(
      "transformer.resblocks.22.attn.out_proj.weight",
      "vision_model.encoder.layers.22.self_attn.projection.weight",
    );
    await of("transformer.resblocks.22.mlp.c_fc.bias", "vision_model.encoder.layers.22.mlp.fc1.bias");
    await of("transformer.resblocks.22.mlp.c_proj.weight", "vision_model.encoder.layers.22.mlp.fc2.weight");
    await of("transformer.resblocks.22.ln_2.bias", "vision_model.encoder.layers.22.layer_norm2.bias");
    await assertFrom("t5-clip.pth", "ln_vision.weight", made, "vision_model.post_layernorm.weight");
    const shapeOf = (name: string): readonly number[] | undefined => made.checkpoint.tensors.get(name)?.shape;
    assert.deepEqual(shapeOf("vision_model.embeddings.class_embedding"), [1, 1, 32]);
    assert.deepEqual(shapeOf("vision_model.embeddings.position_embedding"), [1, 10, 32]);
    const left = made.leftOut.filter(({ from }) => from === "clip.pth");
    assert.deepEqual(
      new Set(left.map(({ reason }) => reason)),
      new Set(["behind the last block that BLIP-2 uses (section 3.1)"]),
    );
    assert.deepEqual(
      left.filter(({ name }) => !name.includes(".layers.23.")).map(({ name }) => name),
      ["visual_encoder.ln_post.weight", "visual_encoder.ln_post.bias", "visual_encoder.proj"],
    );
    const config = JSON.parse(readFileSync(path.join(made.checkpoint.folder, "config.json"), "utf8")) as {
      vision_config: object;
    };
    assert.deepEqual(config.vision_config, {
      model_type: "blip_2_vision_model",
      num_hidden_layers: 23,
      num_attention_heads: 16,
      qkv_bias: true,
      hidden_act: "quick_gelu",
      layer_norm_eps: 1e-5,
      patch_bias: false,
      use_pre_layernorm: true,
      hidden_size: 32,
      intermediate_size: 48,
      image_size: 21,
      patch_size: 7,
    });
    assert.match(
      readFileSync(path.join(made.checkpoint.folder, "README.md"), "utf8"),
      /CLIP's ViT-L\/14\. .* gives WRONG features/,
    );
    await (await loadBlip2(made.checkpoint.folder, here)).release();
  });

  it("takes CLIP's image encoder from CLIP's own file and from a conversion, too, and the numbers are equal", async () => {
    const parts = { language: t5 };
    const first = await converted(torchFile("t5-clip.pth"), { ...parts, vision: torchFile("clip.pth") });
    const whole = await converted(torchFile("t5-clip.pth"), { ...parts, vision: torchFile("clip-whole.pth") });
    const again = await converted(torchFile("t5-clip.pth"), { ...parts, vision: first.checkpoint.folder });
    for (const { shards, leftOut } of [whole, again]) {
      assert.deepEqual([...shards.keys()], ["model.safetensors"]);
      assert.ok(leftOut.some(({ reason }) => reason === "t5-clip.pth gives the Q-Former"));
    }
    for (const [name, entry] of first.checkpoint.tensors) {
      for (const { checkpoint } of [whole, again]) {
        const other = checkpoint.tensors.get(name);
        assert.ok(other, name);
        assert.deepEqual(await readTensor(other), await readTensor(entry), name);
      }
    }
  });

  it("says in README.md what it was made of, by hash, and what was left out", async () => {
    const { checkpoint, shards } = await converted(torchFile("opt.pth"), { language: opt });
    const card = readFileSync(path.join(checkpoint.folder, "README.md"), "utf8");
    assert.match(card, /- opt\.pth: SHA-256 [0-9a-f]{64}\n/);
    assert.ok(card.includes(`model.safetensors: SHA-256 ${shards.get("model.safetensors")}`));
    assert.match(card, /opt\.pth gives the Q-Former .*: query_tokens, /);
    assert.ok(!existsSync(path.join(checkpoint.folder, "conversion.json")));
  });

  it("goes on where it was stopped, and makes what one that was not stopped makes", async () => {
    const output = path.join(temporaryFolder(), "new");
    const parts = { language: opt };
    const whole = await converted(torchFile("opt.pth"), parts, { shardBytes: 20_000 });
    let written = 0;
    const stop = converted(torchFile("opt.pth"), parts, {
      output,
      shardBytes: 20_000,
      onPreparation: () => {
        written += 1;
        if (written === 2) throw new Error("stopped");
      },
    });
    await assert.rejects(stop, /stopped/);
    assert.ok(!existsSync(path.join(output, "config.json")));
    const other = converted(torchFile("t5.pth"), { language: t5 }, { output, shardBytes: 20_000 });
    assert.match(await refusal(other), /another conversion was begun here/);
    writeFileSync(path.join(output, "model-00001-of-00005.safetensors"), "damaged since");
    const resumed = await converted(torchFile("opt.pth"), parts, { output, shardBytes: 20_000 });
    assert.deepEqual(resumed.shards, whole.shards);
    assert.ok(resumed.shards.size > 2);
    assert.match(
      await refusal(converted(torchFile("opt.pth"), parts, { output })),
      /not empty, and no conversion was begun there/,
    );
  });

  it("that was killed before its first shard goes on, and one whose journal is damaged says so", async () => {
    const journal = '{"plan":"';
    const killed = temporaryFolder({ [temporaryPath("conversion.json", 999_999_999)]: journal }); // no process has this id
    const made = await converted(torchFile("opt.pth"), { language: opt }, { output: killed });
    assert.ok(!readdirSync(made.checkpoint.folder).some((name) => name.endsWith(".tmp")));
    const output = temporaryFolder({ "conversion.json": journal });
    const message = await refusal(converted(torchFile("opt.pth"), { language: opt }, { output }));
    assert.equal(
      message,
      `${path.join(output, "conversion.json")}: damaged, so what is done is not known. Remove ${output}, or give another --output.`,
    );
  });

  it("of pickled weights in the hub's layout gives the tensors of both shards, and run names the command", async () => {
    const folder = temporaryFolder();
    for (const name of readdirSync(itm))
      if (!name.startsWith("model.")) copyFileSync(path.join(itm, name), path.join(folder, name));
    copyFileSync(torchFile("stage-one.pth"), path.join(folder, "pytorch_model-00001-of-00002.bin"));
    copyFileSync(torchFile("eva.pth"), path.join(folder, "pytorch_model-00002-of-00002.bin"));
    const run = loadBlip2(folder, here);
    assert.match(await refusal(run), /Convert them with: npx blip2-bench convert .* --output NEW_FOLDER/);
    const made = await converted(folder, {});
    await assertFrom("stage-one.pth", "itm_head.weight", made, "itm_head.weight");
    await assertFrom("eva.pth", "cls_token", made, "vision_model.embeddings.class_embedding");
    assert.match(await refusal(converted(folder, { vision: "x" })), /--vision: .* is a whole checkpoint/);
    rmSync(path.join(folder, "pytorch_model-00002-of-00002.bin"));
    assert.match(await refusal(converted(folder, {})), /no tensor "vision_model\.embeddings/);
  });

  const refused: readonly (readonly [string, string, () => Partial<ConversionRequest>, RegExp])[] = [
    ["another kind", "opt.pth", () => ({ kind: "t5" }), /^--kind t5: opt\.pth is of kind opt\.$/],
    ["a file without a Q-Former", "eva.pth", () => ({}), /no file of LAVIS's BLIP-2: it lacks query_tokens/],
    [
      "a language model of another family",
      "opt.pth",
      () => ({ language: t5 }),
      /^--language .*: found t5, expected a checkpoint of BLIP-2 with opt\.$/,
    ],
    [
      "a language model for stage 1",
      "stage-one.pth",
      () => ({ language: opt }),
      /is of the first stage, which has no language model\.$/,
    ],
    [
      "a width that nobody published",
      "opt.pth",
      () => ({}),
      /its projection is 32 numbers wide, as no published language model is\. Give/,
    ],
    [
      "a second image encoder",
      "t5.pth",
      () => ({ language: t5, vision: torchFile("eva.pth") }),
      /^--vision .*: t5\.pth has an image encoder of its own/,
    ],
    [
      "an image encoder that is none",
      "stage-one.pth",
      () => ({ vision: torchFile("opt.pth") }),
      /^--vision opt\.pth: found no image encoder/,
    ],
    [
      "an image encoder of another width",
      "t5-clip.pth",
      () => ({ language: t5 }),
      /^--vision .*: its image tokens are 16 numbers wide, those that t5-clip\.pth reads 32\. Give another .*: eva_vit_g\.pth has 1408, clip_vit_L\.pth 1024\.$/,
    ],
    [
      "nothing to take stage 1's image encoder from",
      "stage-one.pth",
      () => ({}),
      /^Salesforce\/blip2-itm-vit-g: not in the Hugging Face cache;.*pull/s,
    ],
    [
      "a tokenizer that is not there",
      "stage-one.pth",
      () => ({ vision: torchFile("eva.pth"), tokenizer: "no-such" }),
      /^--tokenizer no-such: no such folder/,
    ],
  ];
  for (const [what, file, parts, message] of refused) {
    it(`is refused with ${what}`, async () => {
      assert.match(await refusal(converted(torchFile(file), parts())), message);
    });
  }
});
