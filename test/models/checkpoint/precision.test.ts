/** How precisions are spelt, and which tensor of a checkpoint is stored in which. */
import assert from "node:assert/strict";
import path from "node:path";
import { describePrecision, parsePrecision, PRECISION_NAMES } from "../../../models/checkpoint/precision.ts";
import { planQuantization } from "../../../models/checkpoint/quantized-weights.ts";
import { storedTensor } from "../../../models/checkpoint/precision-recipe.ts";
import { recordedPrecision } from "../../../reports/records/recorded-precision.ts";
import { projectRoot } from "../../support/project.ts";
import { assertRefused } from "../../support/temporary-files.ts";
import { open } from "../../support/tiny-checkpoint.ts";

describe("a precision", () => {
  const spellings: readonly (readonly [typed: string, shortest: string])[] = [
    ["fp32", "fp32"],
    ["int8", "int8"],
    ["int4", "int4"],
    ["vision=int8,q-former=int8,projection=int8,language=int8,head=int8", "int8"],
    ["vision=int8,q-former=int8,projection=int8,language=int8", "int8,head=fp32"],
    ["int8,head=int8", "int8"],
    ["int8,language=int4", "int4"],
    ["int4,vision=int4", "int4,vision=int4"],
    ["language=int4, vision=int8", "vision=int8,language=int4"],
    ["int8-block,language=fp32,vision=fp32", "q-former=int8-block,projection=int8-block"],
    ["fp32,language=fp32", "fp32"],
  ];
  for (const [typed, shortest] of spellings) {
    it(`${typed} is ${shortest}, and means the same again`, () => {
      const precision = parsePrecision(typed);
      assert.equal(describePrecision(precision), shortest);
      assert.deepEqual(parsePrecision(shortest), precision);
    });
  }

  it("named for the whole model takes what gains: int8 the head, too, int4 the language model alone and int8 elsewhere", () => {
    const part = { vision: "int8", "q-former": "int8", projection: "int8" };
    assert.deepEqual(parsePrecision("int8"), { ...part, language: "int8", head: "int8" });
    assert.deepEqual(parsePrecision("int4"), { ...part, language: "int4", head: "int8" });
    assert.equal(parsePrecision("int8-block").head, "fp32");
    assert.equal(parsePrecision("language=int4").vision, "fp32");
  });

  const recorded: readonly (readonly [before: string, today: string])[] = [
    ["int8", "int8,head=fp32"],
    ["int8,head=int8", "int8"],
    ["int8,vision=fp32", "int8,vision=fp32,head=fp32"],
    ["int4", "vision=int4,q-former=int4,projection=int4,language=int4"],
    ["int4,vision=int8,head=int8", "vision=int8,q-former=int4,projection=int4,language=int4,head=int8"],
    ["vision=int8,language=int4", "vision=int8,language=int4"],
    ["int8-block", "int8-block"],
    ["fp16", "fp16"],
  ];
  for (const [before, today] of recorded) {
    it(`${before}, recorded when names were of version 1, is ${today}; of today's it is what it says`, () => {
      assert.equal(recordedPrecision({ precision: before }), today);
      assert.equal(recordedPrecision({ precision: before, precisionNames: PRECISION_NAMES }), before);
    });
  }

  it("is fp32 where none is recorded", () => {
    assert.equal(recordedPrecision({}), "fp32");
  });

  const refused: readonly (readonly [string, string])[] = [
    ["", 'found "", expected one of the precisions fp32, fp16, int8, int8-block, int4.'],
    ["INT8", 'found "INT8", expected one of the precisions fp32, fp16, int8, int8-block, int4.'],
    ["vision=", 'found "", expected one of the precisions fp32, fp16, int8, int8-block, int4.'],
    [
      "text=int8",
      'found "text=int8", expected one of the parts vision, q-former, projection, language, head before "=".',
    ],
    ["head=int8,head=int4", 'found "head=int8,head=int4", expected each part once, found head twice.'],
    ["int8,int4", 'found "int8,int4", expected one precision for the whole model beside its parts.'],
  ];
  for (const [typed, message] of refused) {
    it(`"${typed}" is refused with what there is`, () => assertRefused(() => parsePrecision(typed), message));
  }
});

describe("the recipe of precisions", () => {
  const int8 = parsePrecision("int8");
  const int4 = parsePrecision("int4");

  for (const name of ["shapes-opt-small", "shapes-opt-base", "shapes-t5-small", "shapes-t5-base", "shapes-itm"]) {
    it(`quantizes ${name}'s linear layers, and has a reason for every tensor it does not`, async () => {
      const { tensors, config } = await open(path.join(projectRoot, "models", "bundled", name));
      const { matrices, fp32 } = planQuantization({ config, tensors }, int4);
      const quantized = matrices.reduce((sum, { shape: [to, from] }) => sum + to * from, 0);
      const all = [...tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
      assert.ok(quantized > 0.5 * all, `${quantized} of ${all} weights`);
      for (const entry of fp32.values()) {
        const { precision, reason } = storedTensor(entry, int4);
        // What is quantized in general but not here is text the Q-Former does not read.
        if (precision === "fp32") assert.notEqual(reason, null, entry.name);
        else assert.match(entry.name, /^qformer\./);
      }
    });
  }

  it("gives rows that are no whole blocks of 32 a scale each instead", () => {
    const odd = { name: "language_model.decoder.block.0.layer.2.DenseReluDense.wi_0.weight", shape: [64, 48] };
    assert.deepEqual(storedTensor(odd, int4), {
      precision: "int8",
      reason: "its rows of 48 numbers are no whole blocks of 32",
    });
    assert.deepEqual(storedTensor({ ...odd, shape: [48, 64] }, int4), { precision: "int4", reason: null });
  });

  it("keeps the scales of T5's wo apart in int8, where its rows allow", () => {
    const wo = { name: "language_model.encoder.block.0.layer.1.DenseReluDense.wo.weight", shape: [64, 160] };
    assert.equal(storedTensor(wo, int8).precision, "int8-block");
    assert.match(storedTensor(wo, int8).reason ?? "", /far above the others/);
    assert.equal(storedTensor({ ...wo, shape: [64, 100] }, int8).precision, "int8");
    assert.equal(storedTensor(wo, int4).precision, "int4");
  });

  it("keeps the scales of T5's own vocabulary's matrix apart in int8, where its rows allow", () => {
    const head = { name: "language_model.lm_head.weight", shape: [272, 64] };
    assert.equal(storedTensor(head, int8).precision, "int8-block");
    assert.match(storedTensor(head, int8).reason ?? "", /own vocabulary's matrix/);
    assert.equal(storedTensor({ ...head, shape: [272, 48] }, int8).precision, "int8");
    assert.equal(storedTensor(head, parsePrecision("int8,head=fp32")).precision, "fp32");
  });

  it("quantizes the head where it is named, or the whole model is int8, beside the embeddings where it is tied to them", async () => {
    for (const [name, table] of [
      ["shapes-opt-small", "language_model.model.decoder.embed_tokens.weight"],
      ["shapes-t5-small", "language_model.lm_head.weight"],
    ] as const) {
      const { tensors, config } = await open(path.join(projectRoot, "models", "bundled", name));
      assert.ok(tensors.has(table), table);
      const without = planQuantization({ config, tensors }, parsePrecision("int8,head=fp32"));
      assert.ok(!without.matrices.some((matrix) => matrix.name === table));
      const { matrices, fp32 } = planQuantization({ config, tensors }, parsePrecision("head=int8"));
      assert.deepEqual(
        matrices.map((matrix) => matrix.name),
        [table],
      );
      assert.equal(fp32.has(table), table.endsWith("embed_tokens.weight"));
    }
  });

  it("quantizes the heads of retrieval on request, and no table of a language model that nobody reads", async () => {
    const { tensors, config } = await open(path.join(projectRoot, "models", "bundled", "shapes-itm"));
    const table = "language_model.model.decoder.embed_tokens.weight";
    const more = new Map([...tensors, [table, { ...tensors.get("itm_head.weight")!, name: table }]]);
    const { matrices } = planQuantization({ config, tensors: more }, parsePrecision("head=int8"));
    assert.deepEqual(matrices.map(({ name }) => name).toSorted(), [
      "itm_head.weight",
      "text_projection.weight",
      "vision_projection.weight",
    ]);
  });
});
